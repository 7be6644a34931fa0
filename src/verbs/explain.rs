//! `terminus explain`: all that is known of an item.

use anyhow::bail;
use serde_json::{Map, Value, json};
use terminus_bucket::accounts::Facts;
use terminus_ingest::{MEASURED, Scores};
use terminus_manifest::{
    caption::CaptionRow, generation::Generation, ids::ItemId, index::IndexRow, ledger::LedgerRow,
    view::Cut, words::Stage,
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
    let scores = Scores::read(&context.stages.ingest.score_files)?;
    let known = Known {
        context: &context,
        facts: &facts,
        index: &index,
        captions: &captions,
        scores: &scores,
    };
    let rows = find(&args.id, &facts.ledger, &index);
    if rows.is_empty() {
        bail!(
            "`{}` is no item, picture, sample or source id of this root, nor a part of a path in it\n\
             hint: ids stand in the tables under `{}` and in the names of sample images",
            args.id,
            context.root().path().display()
        );
    }
    let shown: Vec<Value> = rows.iter().take(SHOWN).map(|row| known.item(row)).collect();
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
    // The tiles of a grid have its source id; the whole explains them.
    let exact = ledger.iter().filter(|row| row.source_id == id);
    if let Some(row) = exact.min_by_key(|row| row.tile) {
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

/// What a root knows.
struct Known<'a> {
    context: &'a Context,
    facts: &'a Facts,
    index: &'a [IndexRow],
    captions: &'a [CaptionRow],
    scores: &'a Scores,
}

impl Known<'_> {
    fn item(&self, row: &LedgerRow) -> Value {
        let picture = row.picture_id();
        json!({
            "item_id": row.item_id.to_string(),
            "source_id": row.source_id,
            "collection": row.collection,
            "origin": row.origin,
            "kind": row.kind,
            "what": what(row),
            "parent": row.parent_id.map(|parent| self.name_of(parent)),
            "tile": (row.tile > 0).then(|| json!([row.tile_top, row.tile_left, row.tile_width, row.tile_height])),
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
            "found_caption": row.found_caption,
            "generator": row.generator,
            "generator_version": row.generator_version,
            "posted_at": row.posted_at.map(|at| at.to_string()),
            "reactions": row.reactions,
            "license": row.license,
            "author": row.author,
            "consent": row.consent,
            "camera": row.camera_model,
            "looks_like": row.looks_like,
            "scores": self.scores_of(row),
            "fault": row.fault,
            "fault_detail": row.fault_detail,
            "seen_at": row.seen_at.to_string(),
            "run": row.run,
            "stages": self.stages(row),
            "made_of_it": self.children(row),
            "shows_the_same": self.group(row),
            "captions": self.captions_of(row),
            "samples": self.samples(row),
        })
    }

    fn find(&self, item_id: ItemId) -> Option<&LedgerRow> {
        let ledger = &self.facts.ledger;
        let at = ledger.binary_search_by_key(&item_id, |row| row.item_id);
        at.ok().map(|at| &ledger[at])
    }

    /// The source id of an item, or its id where the ledger does not hold it.
    fn name_of(&self, item_id: ItemId) -> String {
        self.find(item_id)
            .map_or_else(|| format!("{item_id}, which has not been found"), name)
    }

    /// What was measured here, and what was joined from `ingest.scores.files`.
    fn scores_of(&self, row: &LedgerRow) -> Option<Value> {
        let names = MEASURED.into_iter().chain(self.scores.names());
        let values: Map<String, Value> = names
            .filter_map(|name| {
                let value = self.scores.of(name, row)?;
                Some((name.to_owned(), json!((value * 1e4).round() / 1e4)))
            })
            .collect();
        (!values.is_empty()).then_some(Value::Object(values))
    }

    fn stages(&self, row: &LedgerRow) -> Vec<Value> {
        let mut collections = self.context.stages.bucket.collections.iter();
        let Some(collection) = collections.find(|plan| plan.name == row.collection) else {
            return Vec::new();
        };
        let path = self.facts.path_of(row.item_id, collection).into_iter();
        path.map(|(stage, outcome, verdict)| {
            json!({
                "stage": stage,
                "verdict": outcome,
                "reason": verdict.and_then(|v| v.reason),
                "meaning": verdict.and_then(|v| v.reason).map(terminus_manifest::words::Reason::meaning),
                "value": verdict.and_then(|v| v.value),
                "threshold": verdict.and_then(|v| v.threshold),
                "detail": verdict.and_then(|v| v.detail.clone()),
                "retryable": verdict.filter(|v| v.retryable).map(|_| true),
                "run": verdict.map(|v| v.run),
            })
        })
        .collect()
    }

    /// Its ingest verdict, in a word.
    fn standing(&self, row: &LedgerRow) -> Value {
        let mut collections = self.context.stages.bucket.collections.iter();
        let collection = collections.find(|plan| plan.name == row.collection);
        let verdict = collection.and_then(|plan| {
            let hash = &plan.ingest_config_hash;
            self.facts.verdict(row.item_id, Stage::Ingest, hash)
        });
        json!({
            "item": name(row),
            "verdict": verdict.map(|v| v.verdict),
            "reason": verdict.and_then(|v| v.reason),
            "size": row.tile_width.zip(row.tile_height).map(|(w, h)| format!("{w}x{h}")),
        })
    }

    /// Tiles, and images that were taken out of it.
    fn children(&self, row: &LedgerRow) -> Vec<Value> {
        let rows = self.facts.ledger.iter();
        let mut children: Vec<&LedgerRow> = rows
            .filter(|other| other.parent_id == Some(row.item_id))
            .collect();
        children.sort_by_key(|child| (child.tile == 0, &child.source_id, child.tile));
        let children = children.into_iter().take(SHOWN);
        children.map(|child| self.standing(child)).collect()
    }

    /// The others of its group of duplicates.
    fn group(&self, row: &LedgerRow) -> Vec<Value> {
        let Some(group) = row.group_id else {
            return Vec::new();
        };
        let rows = self.facts.ledger.iter();
        rows.filter(|other| other.group_id == Some(group) && other.item_id != row.item_id)
            .take(SHOWN)
            .map(|other| self.standing(other))
            .collect()
    }

    fn captions_of(&self, row: &LedgerRow) -> Vec<Value> {
        let picture = row.picture_id();
        let captions = self.captions.iter();
        captions
            .filter(|caption| Some(caption.picture_id) == picture)
            .map(|caption| {
                let crop = caption
                    .view()
                    .crop
                    .map(|Cut { rect, .. }| json!([rect.top, rect.left, rect.width, rect.height]));
                json!({
                    "captioner": caption.captioner,
                    "crop": crop,
                    "text": caption.text,
                    "clip_tokens": caption.clip_tokens,
                    "run": caption.run,
                })
            })
            .collect()
    }

    fn samples(&self, row: &LedgerRow) -> Vec<Value> {
        let samples = self.index.iter();
        samples
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
            .collect()
    }
}

fn name(row: &LedgerRow) -> String {
    match row.tile {
        0 => row.source_id.clone(),
        tile => format!("tile {tile} of {}", row.source_id),
    }
}

/// The kind of output, in words.
fn what(row: &LedgerRow) -> Option<String> {
    let text = match row.kind.as_deref()? {
        "grid" => "four pictures in one: its tiles are items of their own".to_owned(),
        "tile" => format!("picture {} of the four of a grid", row.tile),
        "single" => "one picture that the generator took out of a grid".to_owned(),
        "upscale" => "one picture that the generator enlarged".to_owned(),
        "reduced" => "a reduced copy: the whole picture is on the generator's website".to_owned(),
        "progress" => "a message about work that had not ended".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// One fact a line; lists indented below their name.
fn write_item(out: &mut impl std::io::Write, item: &Value) -> std::io::Result<()> {
    for (name, value) in item.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => writeln!(out, "{name:<18}{text}")?,
            Value::Array(entries) if entries.is_empty() => {}
            Value::Object(facts) => {
                let facts: Vec<String> = facts
                    .iter()
                    .map(|(key, value)| format!("{key} {value}"))
                    .collect();
                writeln!(out, "{name:<18}{}", facts.join(" · "))?;
            }
            Value::Array(entries) if !entries.iter().any(Value::is_object) => {
                let numbers: Vec<String> = entries.iter().map(Value::to_string).collect();
                let [top, left, width, height] = numbers.as_slice() else {
                    continue;
                };
                writeln!(out, "{name:<18}{width}x{height} at top {top}, left {left}")?;
            }
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
