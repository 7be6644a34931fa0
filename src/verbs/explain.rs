//! `terminus explain`: all that is known of an item.

use anyhow::bail;
use serde_json::{Value, json};
use terminus_bucket::accounts::Facts;
use terminus_manifest::{
    caption::CaptionRow, generation::Generation, index::IndexRow, ledger::LedgerRow,
};

use crate::{
    cli::ExplainArgs,
    context::{Context, print_json},
};

/// Items that are shown for a part of a path; more are only counted.
const SHOWN: usize = 20;

pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    let facts = Facts::read(context.root())?;
    let generation = Generation::latest(context.root(), &context.plan.name)?;
    let index = generation
        .as_ref()
        .map(Generation::index)
        .transpose()?
        .unwrap_or_default();
    let captions = context.root().captions().rows()?;
    let rows = find(&args.id, &facts.ledger, &index);
    if rows.is_empty() {
        bail!(
            "`{}` is no item, picture, sample or source id of this root, nor a part of a path in it\n\
             hint: ids stand in the tables under `{}` and in the names of sample images",
            args.id,
            context.root().path().display()
        );
    }
    let shown: Vec<Value> = rows
        .iter()
        .take(SHOWN)
        .map(|row| item(row, &context, &facts, &index, &captions))
        .collect();
    if context.common.json {
        let fields = json!({ "items": shown, "found": rows.len() });
        return print_json(&context.document("explain", &fields));
    }
    let mut out = std::io::stdout().lock();
    for item in &shown {
        write_item(&mut out, item)?;
    }
    if rows.len() > SHOWN {
        eprintln!("{} more items match `{}`", rows.len() - SHOWN, args.id);
    }
    Ok(())
}

/// Items whose item, picture or sample id begins with `id`, or whose source id or origin holds it.
fn find<'a>(id: &str, ledger: &'a [LedgerRow], index: &[IndexRow]) -> Vec<&'a LedgerRow> {
    let is_hex = id.len() >= 6 && id.chars().all(|c| c.is_ascii_hexdigit());
    let starts = |text: String| is_hex && text.starts_with(&id.to_lowercase());
    let by_sample: Vec<_> = index
        .iter()
        .filter(|row| starts(row.sample_id.to_string()))
        .map(|row| row.item_id)
        .collect();
    let exact = |row: &&LedgerRow| row.source_id == id;
    if let Some(row) = ledger.iter().find(exact) {
        return vec![row];
    }
    ledger
        .iter()
        .filter(|row| {
            by_sample.contains(&row.item_id)
                || starts(row.item_id.to_string())
                || row
                    .picture_id()
                    .is_some_and(|picture| starts(picture.to_string()))
                || row.sha256.is_some_and(|sha256| starts(sha256.to_string()))
                || row.source_id.contains(id)
        })
        .collect()
}

fn item(
    row: &LedgerRow,
    context: &Context,
    facts: &Facts,
    index: &[IndexRow],
    captions: &[CaptionRow],
) -> Value {
    let picture = row.picture_id();
    let collection = context
        .stages
        .bucket
        .collections
        .iter()
        .find(|plan| plan.name == row.collection);
    let path: Vec<Value> = collection
        .map(|collection| facts.path_of(row.item_id, collection))
        .unwrap_or_default()
        .into_iter()
        .map(|(stage, outcome, verdict)| {
            json!({
                "stage": stage,
                "verdict": outcome,
                "reason": verdict.and_then(|v| v.reason),
                "value": verdict.and_then(|v| v.value),
                "threshold": verdict.and_then(|v| v.threshold),
                "detail": verdict.and_then(|v| v.detail.clone()),
                "run": verdict.map(|v| v.run),
            })
        })
        .collect();
    let captions: Vec<Value> = captions
        .iter()
        .filter(|caption| Some(caption.picture_id) == picture)
        .map(|caption| {
            json!({
                "captioner": caption.captioner,
                "text": caption.text,
                "clip_tokens": caption.clip_tokens,
                "run": caption.run,
            })
        })
        .collect();
    let samples: Vec<Value> = index
        .iter()
        .filter(|sample| sample.item_id == row.item_id)
        .map(|sample| {
            json!({
                "sample_id": sample.sample_id.to_string(),
                "split": sample.split,
                "shard": sample.shard,
                "row": sample.row,
                "crop": [sample.crop_top, sample.crop_left, sample.width, sample.height],
                "packing": sample.packing,
            })
        })
        .collect();
    json!({
        "item_id": row.item_id.to_string(),
        "source_id": row.source_id,
        "collection": row.collection,
        "origin": row.origin,
        "sha256": row.sha256.map(|sha256| sha256.to_string()),
        "picture_id": picture.map(|picture| picture.to_string()),
        "group_id": row.group_id.map(|group| group.to_string()),
        "format": row.format,
        "decoder": row.decoder,
        "colour": row.colour,
        "width_px": row.width_px,
        "height_px": row.height_px,
        "orientation": row.orientation,
        "size_bytes": row.size_bytes,
        "prompt": row.prompt,
        "generator": row.generator,
        "generator_version": row.generator_version,
        "license": row.license,
        "author": row.author,
        "camera": row.camera_model,
        "seen_at": row.seen_at.to_string(),
        "run": row.run,
        "stages": path,
        "captions": captions,
        "samples": samples,
    })
}

/// One fact a line; lists indented below their name.
fn write_item(out: &mut impl std::io::Write, item: &Value) -> std::io::Result<()> {
    for (name, value) in item.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => writeln!(out, "{name:<18}{text}")?,
            Value::Array(entries) => {
                writeln!(out, "{name}")?;
                for entry in entries {
                    let facts: Vec<String> = entry
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(_, value)| !value.is_null())
                        .map(|(key, value)| {
                            value.as_str().map_or_else(
                                || format!("{key} {value}"),
                                |text| format!("{key} {text}"),
                            )
                        })
                        .collect();
                    writeln!(out, "  {}", facts.join(" · "))?;
                }
            }
            other => writeln!(out, "{name:<18}{other}")?,
        }
    }
    writeln!(out)
}
