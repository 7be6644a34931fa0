//! `docs/schema.md` is generated from the code; this test holds it against the code.
//!
//! `UPDATE_DOCS=1 cargo test --test schema_page` writes the page anew.
#![cfg_attr(
    feature = "torch",
    expect(clippy::unwrap_used, reason = "a test fails by panicking")
)]
#![cfg(feature = "torch")]

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use schemars::schema_for;
use serde_json::Value;
use terminus_manifest::{
    caption::CaptionRow,
    generation::{Manifest, MixRecord, SamplesRecord},
    index::IndexRow,
    interest::InterestRow,
    ledger::LedgerRow,
    places::PlaceRow,
    plan::{PlanSettings, Shape, plan},
    reject::RejectRow,
    shard::ShardRow,
    table::Table,
    verdict::VerdictRow,
    words::{Outcome, Packing, Reason, Role, Split, Stage},
};
use terminus_train::{
    checkpoint::TrainerState,
    metrics::{Change, Epoch, Started, Step, Stopped, Validation, Written},
};

#[test]
fn the_schema_page_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&path, &page).unwrap();
    }
    let written = fs_err::read_to_string(&path).unwrap_or_default();
    let differs = written
        .lines()
        .zip(page.lines())
        .find(|(written, page)| written != page);
    assert!(
        written == page,
        "docs/schema.md is not what the code says (first difference: {differs:?}); \
         run `UPDATE_DOCS=1 cargo test --release --test schema_page`"
    );
}

fn page() -> String {
    let mut page = String::from(
        "# The data contract\n\n\
         Generated from the code by `UPDATE_DOCS=1 cargo test --release --test schema_page`; a test holds it against \
         the code. Tables are Parquet files that DuckDB, Polars, pyarrow and Hugging Face `datasets` read as they \
         are; each carries its contract version as `terminus.schema_version` in the file's metadata.\n\n\
         In `ledger/`, `verdicts/` and `captions/` the last row of a key counts: the highest `run`, then part, then \
         row.\n",
    );
    table::<LedgerRow>(&mut page, "`ledger/*.parquet`, keyed by `item_id`");
    table::<VerdictRow>(
        &mut page,
        "`verdicts/*.parquet`, keyed by `item_id`, `stage`, `config_hash`",
    );
    table::<CaptionRow>(&mut page, "`captions/*.parquet`, keyed by `caption_key`");
    table::<RejectRow>(
        &mut page,
        "`reports/<recipe>-rejects.parquet`, written by `terminus rejects`",
    );
    table::<ShardRow>(
        &mut page,
        "`shards/*.parquet`, in an order that the seed decides",
    );
    table::<IndexRow>(
        &mut page,
        "`generations/<recipe>/<number>/samples.parquet`, sorted by `sample_id`",
    );
    table::<PlaceRow>(
        &mut page,
        "what `terminus plan --out` writes, in the order of use",
    );
    table::<InterestRow>(
        &mut page,
        "`interest/*.parquet`, keyed by `interest_key`; derived from pixels, and made anew where it is missing",
    );
    manifest(&mut page);
    words(
        &mut page,
        "Stages",
        Stage::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    words(
        &mut page,
        "Verdicts",
        Outcome::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    words(
        &mut page,
        "Reasons",
        Reason::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    words(
        &mut page,
        "Roles",
        Role::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    words(
        &mut page,
        "Splits",
        Split::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    words(
        &mut page,
        "Packings",
        Packing::ALL.iter().map(|w| (w.as_str(), w.meaning())),
    );
    metrics(&mut page);
    checkpoint(&mut page);
    page
}

fn table<T: Table>(page: &mut String, place: &str) {
    writeln!(
        page,
        "\n## Table `{}`\n{place}\n\n| column | type | null | meaning |\n|---|---|---|---|",
        T::NAME
    )
    .unwrap();
    for column in T::columns() {
        let null = if column.nullable { "yes" } else { "no" };
        writeln!(
            page,
            "| `{}` | {} | {null} | {} |",
            column.name,
            column.data_type.replace('|', "\\|"),
            column.doc
        )
        .unwrap();
    }
}

fn words<'a>(page: &mut String, title: &str, words: impl Iterator<Item = (&'a str, &'a str)>) {
    writeln!(page, "\n## {title}\n| word | meaning |\n|---|---|").unwrap();
    for (word, meaning) in words {
        writeln!(page, "| `{word}` | {meaning} |").unwrap();
    }
}

/// What each key of a manifest means; the keys themselves are those of a manifest that is written here.
const MANIFEST: [(&str, &str); 14] = [
    ("schema_version", "version of the contract"),
    ("recipe", "the recipe's name"),
    (
        "generation",
        "its number; numbers are shared by all recipes of a root",
    ),
    ("parent", "the generation before it, of the same recipe"),
    ("created_at", "when it was published, RFC 3339"),
    (
        "recipe_sha256",
        "hash of the effective recipe without its root and `[train]`",
    ),
    (
        "seed",
        "the recipe's seed, on which the plan of every epoch rests",
    ),
    ("shape", "`square` or `aspect`: how batches are made up"),
    ("samples", "the index: `path`, `rows`, `sha256`"),
    (
        "shards",
        "every shard that the index names: `path`, `rows`, `size_bytes`, `sha256`",
    ),
    (
        "mix",
        "epoch 0 at device batch 1: `asked`, `achieved`, `unique`, `repeats`, `fill`, `shortfall`, `by_role`, `worst_window`, `by_collection`",
    ),
    ("decoders", "samples by the decoder that read their pixels"),
    ("buckets", "samples by size: `width`, `height`, `samples`"),
    (
        "counts",
        "what each stage did: `in` = `passed` + `rejected` + `failed` + `pending` + `gone`",
    ),
];

fn manifest(page: &mut String) {
    let settings = PlanSettings::of_manifest(1, Shape::Square, None);
    let mix = plan(&[], &settings, 0).unwrap().mix().clone();
    let manifest = Manifest {
        schema_version: terminus_manifest::SCHEMA_VERSION,
        recipe: String::new(),
        generation: 1,
        parent: None,
        created_at: String::new(),
        recipe_sha256: String::new(),
        seed: 1,
        shape: Shape::Square,
        samples: SamplesRecord::default(),
        shards: Vec::new(),
        mix: MixRecord {
            total: mix,
            by_collection: BTreeMap::new(),
        },
        decoders: BTreeMap::new(),
        buckets: Vec::new(),
        counts: BTreeMap::new(),
    };
    let document = serde_json::to_value(&manifest).unwrap();
    let keys: Vec<&str> = document
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        MANIFEST.map(|(key, _)| key),
        "a manifest's keys are documented here"
    );
    writeln!(page, "\n## `manifest.json`\nWritten last; paths are relative to it. `latest.json` beside the generations holds `generation`, `manifest` (relative path) and `sha256`, and is replaced atomically.\n\n| key | meaning |\n|---|---|").unwrap();
    for (key, meaning) in MANIFEST {
        writeln!(page, "| `{key}` | {meaning} |").unwrap();
    }
}

fn metrics(page: &mut String) {
    page.push_str("\n## `runs/<name>/metrics.jsonl`\nOne JSON object a line; its kind is the value of its tag.\n");
    fields(page, "started", &schema_for!(Started).to_value());
    fields(
        page,
        "an entry of `changed`",
        &schema_for!(Change).to_value(),
    );
    fields(page, "epoch", &schema_for!(Epoch).to_value());
    fields(page, "step", &schema_for!(Step).to_value());
    fields(page, "validation", &schema_for!(Validation).to_value());
    fields(
        page,
        "checkpoint and samples",
        &schema_for!(Written).to_value(),
    );
    fields(page, "stopped", &schema_for!(Stopped).to_value());
}

fn checkpoint(page: &mut String) {
    page.push_str(
        "\n## `runs/<name>/checkpoints/<step>/`\nA model in diffusers' layout, with, in addition,\n\
         - `unet_ema/`: the averaged UNet, if there is one;\n\
         - `optimizer.safetensors`: AdamW's averages, f32, as `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`;\n\
         - `trainer.json`:\n",
    );
    fields(page, "trainer.json", &schema_for!(TrainerState).to_value());
}

/// The properties of an object's schema.
fn fields(page: &mut String, title: &str, schema: &Value) {
    writeln!(
        page,
        "\n### {title}\n| field | type | meaning |\n|---|---|---|"
    )
    .unwrap();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let doc = property["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ");
        writeln!(page, "| `{name}` | {} | {doc} |", type_of(property)).unwrap();
    }
}

fn type_of(property: &Value) -> String {
    match &property["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "object".to_owned(),
    }
}
