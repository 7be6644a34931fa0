//! The data stages from the outside: arguments, documents, exit codes, and what a second run does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fs_err as fs;
use serde_json::Value;

struct Work {
    folder: tempfile::TempDir,
}

impl Work {
    /// A demo collection of `images` small pictures and a recipe over it.
    fn new(images: u32) -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let images = images.to_string();
        let output = terminus(work.path())
            .args([
                "demo", "demo", "--images", &images, "--scale", "1/8", "--quiet",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        work.write_recipe("");
        work
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write_recipe(&self, more: &str) {
        let recipe = format!(
            r#"
root = "root"

[[collection]]
name = "midjourney"
source = {{ folder = "demo/midjourney" }}

[[collection]]
name = "anchors"
role = "anchor"
source = {{ folder = "demo/anchors" }}
captioner = "photograph"

[captioner.photograph]
kind = "text"
text = "a photograph of a person"

[bucket]
shape = "aspect"
target_px = 128
step_px = 32
shard_rows = 10

[mix]
anchor = {{ share_of_all = 0.10 }}
{more}"#
        );
        fs::write(self.path().join("recipe.toml"), recipe).unwrap();
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        terminus(self.path())
            .args([verb, "recipe.toml", "--quiet"])
            .args(more)
            .output()
            .unwrap()
    }

    fn json(&self, verb: &str, more: &[&str]) -> Value {
        let output = self.run(verb, &[&["--json"], more].concat());
        assert!(output.status.success(), "{verb}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn all_stages(&self) -> [Value; 3] {
        ["ingest", "caption", "bucket"].map(|verb| self.json(verb, &[]))
    }

    /// Every file under `folder` of the root, with its bytes.
    fn bytes(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().join("root").join(folder)];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

fn terminus(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
    command.current_dir(folder).env_remove("TERMINUS_FAILPOINT");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn adds_up(counts: &Value) -> bool {
    let count = |name| counts[name].as_u64().unwrap();
    count("in")
        == ["passed", "rejected", "failed", "pending", "gone"]
            .into_iter()
            .map(count)
            .sum::<u64>()
}

#[test]
fn every_item_is_accounted_for_and_a_second_run_does_nothing() {
    let work = Work::new(40);
    let first = work.all_stages();
    assert_eq!(first[0]["decoded"], 40);
    assert_eq!(first[0]["counts"]["in"], 40);
    assert_eq!(first[1]["counts"]["in"], first[0]["counts"]["passed"]);
    assert_eq!(first[2]["counts"]["in"], first[1]["counts"]["passed"]);
    assert!(first.iter().all(|stage| adds_up(&stage["counts"])));
    assert_eq!(first[2]["published"], true);

    let second = work.all_stages();
    for (stage, counter) in [(0, "decoded"), (1, "captioned"), (2, "packed")] {
        assert_eq!(second[stage][counter], 0);
        assert_eq!(second[stage]["changed"], 0);
        assert_eq!(second[stage]["counts"], first[stage]["counts"]);
    }
    assert_eq!(second[2]["published"], false);
    assert_eq!(second[2]["generation"], first[2]["generation"]);

    let report = work.json("report", &[]);
    let collections = report["collections"].as_array().unwrap();
    assert_eq!(collections.len(), 2);
    let stages = collections
        .iter()
        .flat_map(|c| c["stages"].as_object().unwrap().values());
    assert!(stages.into_iter().all(adds_up));
    assert!(work.run("verify", &[]).status.success());
}

#[test]
fn threads_change_no_byte() {
    let work = Work::new(30);
    let mut seen = Vec::new();
    for threads in ["1", "3"] {
        for verb in ["ingest", "caption", "bucket"] {
            work.json(verb, &["--threads", threads]);
        }
        let index = work
            .path()
            .join("root/generations/recipe/000001/samples.parquet");
        seen.push((work.bytes("shards"), fs::read(index).unwrap()));
        fs::rename(work.path().join("root"), work.path().join(threads)).unwrap();
        // The folder's own name must not matter: the second root takes the place of the first.
    }
    assert!(seen[0] == seen[1]);
}

#[test]
fn a_kill_at_any_failpoint_loses_nothing() {
    let work = Work::new(30);
    work.all_stages();
    let whole = (work.bytes("shards"), work.bytes("originals"));
    let index = |work: &Work| {
        fs::read(
            work.path()
                .join("root/generations/recipe/000001/samples.parquet"),
        )
        .unwrap()
    };
    let expected = index(&work);
    for name in terminus_manifest::failpoint::NAMES {
        fs::remove_dir_all(work.path().join("root")).unwrap();
        let stage = name.split('.').next().unwrap();
        let stage = if stage == "store" { "ingest" } else { stage };
        for verb in ["ingest", "caption", "bucket"] {
            if verb == stage {
                let killed = terminus(work.path())
                    .args([verb, "recipe.toml", "--quiet"])
                    .env("TERMINUS_FAILPOINT", name)
                    .output()
                    .unwrap();
                // Thirty captions make no whole batch, and no model is asked, so that these are never passed.
                assert!(
                    !killed.status.success() || name.starts_with("caption."),
                    "{name}"
                );
            }
            work.json(verb, &[]);
        }
        assert!(
            whole == (work.bytes("shards"), work.bytes("originals")),
            "{name}"
        );
        assert!(index(&work) == expected, "{name}");
    }
}

#[test]
fn people_overrule_rules() {
    let work = Work::new(20);
    work.all_stages();
    let listed = work.json("explain", &["midjourney:0"]);
    let item = |n: usize| listed["items"][n]["source_id"].as_str().unwrap().to_owned();
    let overrides = format!(
        "id,action,value,note\n{},drop,,blurred\n{},caption,\"a caption, by hand\",\n",
        item(0),
        item(1)
    );
    fs::write(work.path().join("root/overrides.csv"), overrides).unwrap();
    let [ingest, caption, bucket] = work.all_stages();
    assert_eq!(ingest["changed"], 1);
    assert_eq!(ingest["reasons"]["override"], 1);
    assert_eq!(caption["captioned"], 1);
    assert_eq!(bucket["packed"], 0);
    let explained = work.json("explain", &[&item(1)]);
    let captions = explained["items"][0]["captions"].as_array().unwrap();
    assert!(
        captions
            .iter()
            .any(|caption| caption["text"] == "a caption, by hand")
    );

    fs::write(
        work.path().join("root/overrides.csv"),
        "id,action\nx,erase\n",
    )
    .unwrap();
    let refused = work.run("ingest", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("overrides.csv:2: `erase` is not an action"));
}

#[test]
fn broken_files_are_rows_and_the_rest_goes_on() {
    let work = Work::new(10);
    let folder = work.path().join("demo/midjourney");
    fs::write(folder.join("empty.png"), b"").unwrap();
    fs::write(folder.join("page.jpg"), b"<html>404</html>").unwrap();
    let whole = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| -> PathBuf { entry.unwrap().path() })
        .find(|path| path.extension().is_some_and(|e| e == "png"))
        .unwrap();
    let bytes = fs::read(whole).unwrap();
    fs::write(folder.join("cut.png"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(folder.join("odd.png"), &bytes).unwrap();
    fs::write(folder.join("odd.txt"), b"\xff\xfe").unwrap();
    let [ingest, ..] = work.all_stages();
    assert!(adds_up(&ingest["counts"]));
    for reason in ["empty", "not_an_image", "truncated", "bad_sidecar"] {
        assert_eq!(ingest["reasons"][reason], 1, "{reason}");
    }
}

#[test]
fn nothing_is_written_by_a_dry_run() {
    let work = Work::new(10);
    let dry = work.json("ingest", &["--dry-run"]);
    assert_eq!(dry["decoded"], 10);
    assert!(!work.path().join("root/ledger").exists());
}

#[test]
fn what_cannot_run_says_why_and_how_to_mend_it() {
    let work = Work::new(10);
    let missing = work.run("plan", &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("hint: run `terminus bucket`"));

    fs::rename(work.path().join("demo"), work.path().join("elsewhere")).unwrap();
    let gone = work.run("ingest", &[]);
    assert_eq!(gone.status.code(), Some(2));
    let error = text(&gone.stderr);
    assert!(
        error.contains("collection `midjourney`") && error.contains("hint:"),
        "{error}"
    );
    fs::rename(work.path().join("elsewhere"), work.path().join("demo")).unwrap();

    work.all_stages();
    let large = work.run(
        "bucket",
        &[
            "--set",
            "bucket.target_px=4096",
            "--set",
            "bucket.shape=square",
        ],
    );
    assert_eq!(large.status.code(), Some(1));
    assert!(text(&large.stderr).contains("no item of recipe `recipe` gives a sample"));
}

#[test]
fn a_plan_lists_every_place() {
    let work = Work::new(40);
    work.all_stages();
    let plan = work.json("plan", &["--device-batch", "4"]);
    let list = work.run("plan", &["--device-batch", "4", "--list"]);
    let lines = text(&list.stdout).lines().count() as u64;
    assert_eq!(plan["places"].as_u64().unwrap() + 1, lines);
    assert_eq!(plan["steps"].as_u64().unwrap() * 4 + 1, lines);
}
