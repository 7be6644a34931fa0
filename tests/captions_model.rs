//! Captioning by a model that runs here, from the outside: small random models with real tokenizers on disk.
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fs_err as fs;
use serde_json::Value;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("caption/tests/golden")
        .join(name)
}

/// The two pictures of a golden model and a recipe that has it caption them.
struct Work {
    folder: tempfile::TempDir,
    model: &'static str,
}

impl Work {
    fn new(model: &'static str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("pictures")).unwrap();
        for at in 0..2 {
            let name = format!("image-{at}.png");
            fs::copy(
                golden(model).join(&name),
                folder.path().join("pictures").join(&name),
            )
            .unwrap();
        }
        let work = Self { folder, model };
        work.write_recipe(settings);
        assert!(work.run("ingest", &[]).status.success());
        work
    }

    fn write_recipe(&self, settings: &str) {
        let recipe = format!(
            r#"
root = "root"
[ingest]
min_side_px = 16
[[collection]]
name = "all"
source = {{ folder = "pictures" }}
captioner = "small"
[captioner.small]
model = "{}"
{settings}
"#,
            golden(self.model).display()
        );
        fs::write(self.folder.path().join("recipe.toml"), recipe).unwrap();
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_terminus"))
            .current_dir(self.folder.path())
            .env_remove("TERMINUS_FAILPOINT")
            // Small products on many threads wait for each other.
            .env("OMP_NUM_THREADS", "1")
            .args([verb, "recipe.toml", "--quiet"])
            .args(more)
            .output()
            .unwrap()
    }

    fn caption(&self) -> Value {
        let output = self.run("caption", &["--json"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Raw answers in the order of the pictures' names.
    fn raw(&self) -> Vec<String> {
        let root = terminus_manifest::Root::new(self.folder.path().join("root"));
        let captions = root.captions().rows().unwrap();
        let mut rows: Vec<_> = root.ledger().rows().unwrap();
        rows.sort_by(|a, b| a.source_id.cmp(&b.source_id));
        rows.iter()
            .filter_map(|row| {
                let picture = row.picture_id()?;
                captions
                    .iter()
                    .find(|caption| caption.picture_id == picture)
            })
            .map(|caption| caption.raw.clone())
            .collect()
    }
}

const ANYTHING: &str =
    "kind = \"vlm\"\nprompts = [\"Describe the image.\"]\nmax_new_tokens = 64\nattempts = 1\n";

#[test]
fn a_model_folder_on_disk_says_what_the_reference_script_says() {
    for model in ["cogvlm", "cogvlm2"] {
        let work = Work::new(model, ANYTHING);
        let summary = work.caption();
        assert_eq!(summary["captioners"]["small"]["asked"], 2);
        assert_eq!(summary["captioners"]["small"]["tokens"], 128);
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(golden(model).join("captions.json")).unwrap())
                .unwrap();
        let expected: Vec<String> = serde_json::from_value(expected["unpadded"].clone()).unwrap();
        assert_eq!(work.raw(), expected, "{model}");
        let again = work.caption();
        assert!(
            again["captioners"].as_object().unwrap().is_empty(),
            "nothing is asked twice"
        );
        // One picture a batch, and batches of two, say the same.
        let one = Work::new(model, &format!("{ANYTHING}batch_size = 1\n"));
        one.caption();
        assert_eq!(one.raw(), expected, "{model}");
    }
}

#[test]
fn a_killed_run_keeps_the_answers_that_it_had() {
    let work = Work::new("cogvlm", &format!("{ANYTHING}batch_size = 1\n"));
    let killed = Command::new(env!("CARGO_BIN_EXE_terminus"))
        .current_dir(work.folder.path())
        .env("TERMINUS_FAILPOINT", "caption.after_answer:1")
        .args(["caption", "recipe.toml", "--quiet"])
        .output()
        .unwrap();
    assert!(!killed.status.success());
    assert_eq!(work.caption()["captioners"]["small"]["asked"], 1);
    assert_eq!(work.raw().len(), 2);
}

#[test]
fn a_tagger_gives_its_tags() {
    let work = Work::new("tagger", "kind = \"tagger\"\n");
    assert_eq!(work.caption()["counts"]["passed"], 2);
    let expected = fs::read_to_string(golden("tagger").join("captions.json")).unwrap();
    let expected: Vec<String> = serde_json::from_str(&expected).unwrap();
    assert_eq!(work.raw(), expected);
}

#[test]
fn the_stages_of_a_model_can_be_seen_in_numbers() {
    let work = Work::new("llava", ANYTHING);
    let output = work.run("caption", &["--self-check", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages = document["models"][0]["stages"].as_array().unwrap();
    let names: Vec<&str> = stages
        .iter()
        .map(|stage| stage["name"].as_str().unwrap())
        .collect();
    for name in [
        "pixels",
        "vision.embeddings",
        "vision.output",
        "decoder.layers.2.mlp",
        "logits",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(
        stages
            .iter()
            .all(|stage| stage["std"].as_f64().unwrap() > 0.0)
    );
}

#[test]
fn a_picture_that_vanished_fails_this_time_and_is_captioned_when_it_is_back() {
    let settings =
        format!("{ANYTHING}\n[captioner.small.gate]\nmin_chars = 1\nlanguage = \"any\"\n");
    let work = Work::new("llava", &settings);
    let originals = work.folder.path().join("root/originals");
    let away = work.folder.path().join("away");
    fs::rename(&originals, &away).unwrap();
    let pictures = work.folder.path().join("pictures");
    fs::rename(&pictures, work.folder.path().join("gone")).unwrap();
    let summary = work.caption();
    assert_eq!(summary["reasons"]["unreadable"], 2);
    fs::rename(&away, &originals).unwrap();
    let summary = work.caption();
    assert_eq!(summary["captioners"]["small"]["asked"], 2);
    assert_eq!(
        summary["counts"]["failed"].as_u64().unwrap()
            + summary["counts"]["passed"].as_u64().unwrap(),
        2
    );
}

#[test]
fn kept_answers_are_cleaned_again_when_the_model_is_gone() {
    let work = Work::new("cogvlm", ANYTHING);
    let model = work.folder.path().join("model");
    fs::create_dir(&model).unwrap();
    for entry in fs::read_dir(golden("cogvlm")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
    }
    let write = |min_chars: u32| {
        let gate =
            format!("\n[captioner.small.gate]\nmin_chars = {min_chars}\nlanguage = \"any\"\n");
        work.write_recipe(&format!("{ANYTHING}{gate}"));
        let recipe = work.folder.path().join("recipe.toml");
        let text = fs::read_to_string(&recipe).unwrap();
        let golden = golden("cogvlm").display().to_string();
        fs::write(&recipe, text.replace(&golden, "model")).unwrap();
    };
    write(1);
    assert_eq!(work.caption()["captioners"]["small"]["asked"], 2);
    let said = work.raw();
    fs::remove_dir_all(&model).unwrap();
    write(100_000);
    let strict = work.caption();
    assert_eq!(strict["recleaned"], 2);
    assert_eq!(strict["rules"]["too_short"], 2);
    assert!(strict["captioners"].as_object().unwrap().is_empty());
    assert_eq!(work.raw(), said, "raw answers stay as they came");
}
