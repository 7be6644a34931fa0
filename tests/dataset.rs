//! Generations from the outside: the report page, comparison, export, the plan as a table, and what `gc` leaves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fs_err as fs;
use serde_json::Value;

/// A root with one generation of 60 small pictures.
struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Self {
        let work = Self(tempfile::tempdir().unwrap());
        let demo = [
            "demo", "demo", "--images", "60", "--scale", "1/8", "--quiet",
        ];
        assert!(work.terminus(&demo).status.success());
        let recipe = r#"
root = "root"
[[collection]]
name = "midjourney"
source = { folder = "demo/midjourney" }
[[collection]]
name = "anchors"
role = "anchor"
source = { folder = "demo/anchors" }
captioner = "photograph"
[captioner.photograph]
kind = "text"
text = "a photograph of a person"
[bucket]
shape = "aspect"
target_px = 128
step_px = 32
validation_share = 0.1
shard_rows = 20
keep_generations = 1
[mix]
anchor = { ratio_to_train = 0.2 }
"#;
        fs::write(work.path("recipe.toml"), recipe).unwrap();
        fs::create_dir_all(work.path("root")).unwrap();
        let lines = work.drawings().into_iter().map(|drawing| {
            format!("midjourney:{drawing},caption,<script>alert(\"<b>\")</script> of {drawing},\n")
        });
        let overrides = format!("id,action,value,note\n{}", lines.collect::<String>());
        fs::write(work.path("root/overrides.csv"), overrides).unwrap();
        for stage in ["ingest", "caption", "bucket"] {
            work.json(stage, &[]);
        }
        work
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The names of the drawings, sorted.
    fn drawings(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("demo/midjourney")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !is_sidecar(name)).collect();
        names.sort();
        names
    }

    fn terminus(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
        command.current_dir(self.0.path()).args(args);
        command.output().unwrap()
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        self.terminus(&[&[verb, "recipe.toml", "--quiet"], more].concat())
    }

    fn json(&self, verb: &str, more: &[&str]) -> Value {
        let output = self.run(verb, &[&["--json"], more].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{verb}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else {
            return BTreeSet::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

#[test]
fn the_page_needs_nothing_beside_it_and_captions_are_escaped() {
    let work = Work::new();
    assert!(
        work.run("report", &["--html", "page.html"])
            .status
            .success()
    );
    let page = fs::read_to_string(work.path("page.html")).unwrap();
    for outside in [
        "src=\"http",
        "href=\"http",
        "url(",
        "@import",
        "<script",
        "<link",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("&lt;script&gt;alert"));
    for panel in [
        "mix",
        "stages",
        "yield",
        "buckets",
        "captions",
        "words",
        "scores",
        "samples",
        "refused",
        "duplicates",
        "rights",
    ] {
        assert!(page.contains(&format!("id=\"{panel}\"")), "{panel}");
    }
    assert!(page.matches("<svg ").count() >= 8);
    assert!(page.matches("src=\"data:image").count() >= 24);
}

#[test]
fn a_remixed_generation_shares_its_shards_and_gc_takes_what_no_one_names() {
    let work = Work::new();
    let shards = work.names("root/shards");
    let mixed = work.json("bucket", &["--set", "mix.max_repeats=1"]);
    assert_eq!(
        (&mixed["generation"], &mixed["packed"]),
        (&2.into(), &0.into())
    );
    assert_eq!(work.names("root/shards"), shards, "no pixels were written");
    let diff = work.json("report", &["--diff", "1", "2"])["diff"].clone();
    assert_eq!(diff["shards_added"], 0);
    assert_eq!(diff["collections"]["midjourney"]["added"], 0);
    assert!(diff["to"]["mix"]["shortfall"].as_u64() > Some(0));

    // Other crops: shards of their own, and the old ones are named by what `gc` takes.
    let centered = work.json("bucket", &["--set", "bucket.style=\"center\""]);
    assert_eq!(centered["generation"], 3);
    let would = work.json("gc", &["--dry-run"]);
    assert_eq!(
        work.names("root/generations/recipe").len(),
        4,
        "a dry run removes nothing"
    );
    let collected = work.json("gc", &[]);
    assert_eq!(collected["generations"], would["generations"]);
    assert_eq!(collected["kept"], serde_json::json!([3]));
    assert!(work.run("verify", &[]).status.success());
    let again = work.json("gc", &[]);
    assert_eq!(again["shards"], serde_json::json!([]));
    let gone = work.run("report", &["--generation", "1"]);
    let error = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(error.contains("hint: published are 3"), "{error}");
}

#[test]
fn an_export_holds_every_use_and_is_whole_or_not_there() {
    let work = Work::new();
    let samples = work.json("export-dataset", &["--format", "parquet", "--to", "all"]);
    let report = work.json("report", &[]);
    let counts = report["collections"].as_array().unwrap().iter();
    let expected: u64 = counts.map(|c| c["samples"].as_u64().unwrap()).sum();
    assert_eq!(samples["samples"], expected);
    let places = work.json("plan", &["--epoch", "1", "--device-batch", "1"])["places"].clone();
    for format in ["parquet", "webdataset", "kohya", "hf-imagefolder"] {
        let target = format!("epoch/{format}");
        let args = ["--format", format, "--to", &target, "--epoch", "1"];
        let exported = work.json("export-dataset", &args);
        assert_eq!(exported["places"], places, "{format}");
        assert!(work.path(&target).join("terminus-export.json").exists());
        let again = work.run("export-dataset", &args);
        assert_eq!(
            again.status.code(),
            Some(2),
            "{format}: what is there stays"
        );
    }
    assert!(
        work.names("epoch")
            .iter()
            .all(|name| !name.starts_with('.'))
    );
    let lines = fs::read_to_string(work.path("epoch/hf-imagefolder/train/metadata.jsonl")).unwrap();
    assert_eq!(lines.lines().count() as u64, places.as_u64().unwrap());
    let store = ["--format", "parquet", "--to", "ftp://host/data"];
    let error = work.run("export-dataset", &store).stderr;
    assert!(String::from_utf8_lossy(&error).contains("hint: name a folder, or `s3://"));
}

#[test]
fn the_plan_as_a_table_is_the_list_that_is_printed() {
    let work = Work::new();
    let batch = ["--device-batch", "4", "--devices", "2", "--epoch", "2"];
    let list = work.run("plan", &[&batch[..], &["--list"]].concat()).stdout;
    let list = String::from_utf8(list).unwrap();
    work.json("plan", &[&batch[..], &["--out", "plan.parquet"]].concat());
    let path = work.path("plan.parquet");
    let rows: Vec<terminus_manifest::places::PlaceRow> =
        terminus_manifest::table::read(Path::new(&path)).unwrap();
    let printed: Vec<(u64, String)> = list
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0].parse().unwrap(), cells[2].to_owned())
        })
        .collect();
    let written: Vec<(u64, String)> = rows
        .iter()
        .map(|row| (row.step, row.sample_id.to_string()))
        .collect();
    assert_eq!(written, printed);
    assert!(
        rows.iter()
            .all(|row| row.rank < 2 && row.place < 4 && row.round == 0)
    );
}

#[test]
fn an_imported_config_is_a_recipe() {
    let work = Work::new();
    let config = r#"
[general]
enable_bucket = true
flip_aug = true
[[datasets]]
resolution = 128
bucket_no_upscale = true
bucket_reso_steps = 32
  [[datasets.subsets]]
  image_dir = "demo/midjourney"
  caption_extension = ".txt"
"#;
    fs::write(work.path("kohya.toml"), config).unwrap();
    let imported = work.terminus(&["import", "kohya.toml", "--out", "imported.toml"]);
    let error = String::from_utf8_lossy(&imported.stderr).into_owned();
    assert!(imported.status.success(), "{error}");
    assert!(
        error.contains("not carried over: general: flip_aug = true"),
        "{error}"
    );
    for stage in ["ingest", "caption", "bucket"] {
        let done = work.terminus(&[stage, "imported.toml", "--quiet"]);
        assert!(
            done.status.success(),
            "{stage}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let report = work.terminus(&["report", "imported.toml", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert!(report["collections"][0]["samples"].as_u64() > Some(40));
}

fn is_sidecar(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "txt")
}
