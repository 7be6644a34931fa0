//! Recipes from the outside: what is accepted, what is faulted, what is shown and planned.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use terminus::recipe::{self, Place, Plan, Recipe, RecipeError};

fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Loads `text` from a file named `recipe.toml`.
fn load(text: &[u8], sets: &[&str]) -> Result<Recipe, RecipeError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recipe.toml");
    fs_err::write(&file, text).unwrap();
    recipe::load(&file, &strings(sets))
}

/// The recipe that `text` is, once `sets` are laid over it.
fn good(text: &str, sets: &[&str]) -> Recipe {
    load(text.as_bytes(), sets).unwrap_or_else(|error| panic!("{error}"))
}

fn plan(text: &str, sets: &[&str]) -> Plan {
    good(text, sets).plan().unwrap()
}

/// What is said of `text`, without the folder that it lay in.
fn faults(text: &str, sets: &[&str]) -> String {
    let error = load(text.as_bytes(), sets)
        .expect_err("it has faults")
        .to_string();
    let path = error.split('`').nth(1).unwrap().to_owned();
    error.replace(&path, "recipe.toml")
}

const GOOD: &str = r#"
root = "work"

[[collection]]
name = "drawings"
source = { folder = "drawings" }

[[collection]]
name = "photos"
role = "anchor"
source = { folder = "photos" }
captioner = "photo"

[captioner.photo]
kind = "text"
text = "a photograph"

[mix]
anchor = { share_of_all = 0.1 }

[train]
base = "base"
lr = { start = 1e-4, end = 1e-5 }
"#;

#[test]
fn shipped_recipes_need_no_data_to_be_shown() {
    for name in ["quickstart", "otaku"] {
        let recipe = recipe::load(&checkout(&format!("configs/{name}.toml")), &[]);
        let recipe = recipe.unwrap_or_else(|error| panic!("{error}"));
        insta::assert_snapshot!(format!("show_{name}"), recipe::show(&recipe));
    }
}

#[test]
fn what_is_shown_reads_back_as_the_same_recipe() {
    for name in ["quickstart", "otaku"] {
        let recipe = recipe::load(&checkout(&format!("configs/{name}.toml")), &[]).unwrap();
        let shown = recipe::show(&recipe);
        let again = good(&shown, &[]);
        assert_eq!(recipe::show(&again), shown);
        assert_eq!(
            again.plan().unwrap().recipe_sha256,
            recipe.plan().unwrap().recipe_sha256
        );
    }
}

#[test]
fn all_faults_of_a_recipe_are_told_at_once() {
    let text = fs_err::read_to_string(checkout("tests/recipes/faulty.toml")).unwrap();
    insta::assert_snapshot!(faults(
        &text,
        &["train.epochs=0", "collection.fotos.role=anchor", "seed"]
    ));
}

#[test]
fn settings_that_exclude_each_other_are_told_at_once() {
    let text = GOOD.replace("role = \"anchor\"", "");
    let sets = [
        "train.prediction_type=epsilon",
        "train.lr.schedule=cosine-wave",
        "train.lr.power=2.0",
        "bucket.shape=aspect",
        "bucket.target_px=32",
        "bucket.aspects.narrowest=4:1",
    ];
    insta::assert_snapshot!(faults(&text, &sets));
}

#[test]
fn text_that_is_no_toml_is_told_with_line_and_column() {
    insta::assert_snapshot!(faults("root = \nseed = 1\nseed = 2\n[train\n", &[]));
    let Err(error) = load("root = work\r\n".as_bytes(), &[]) else {
        panic!("a text without quotes was read");
    };
    assert_eq!(error.faults()[0].place, Place::File { line: 1, column: 8 });
}

#[test]
fn files_that_are_no_text_are_errors_that_name_them() {
    let error = load(b"root = \"work\"\nname = \"\xff\"\n", &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("recipe.toml:2: the recipe is not UTF-8 text"),
        "{error}"
    );
    let error = recipe::load(Path::new("nowhere/recipe.toml"), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("`nowhere/recipe.toml`"), "{error}");
}

#[test]
fn windows_line_ends_and_byte_order_marks_move_no_line() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(good(&text, &[]).name, "recipe");
    let text = text.replace("kind = \"text\"", "kind = \"txt\"");
    let error = load(text.as_bytes(), &[]).unwrap_err();
    let Place::File { line, column } = error.faults()[0].place else {
        panic!("{error}");
    };
    assert_eq!((line, column), (15, 1));
}

#[test]
fn an_empty_recipe_lacks_root_and_collections() {
    insta::assert_snapshot!(faults("", &[]));
}

#[test]
fn the_recipe_of_the_architecture_page_is_accepted() {
    let text = fs_err::read_to_string(checkout("tests/recipes/architecture.toml")).unwrap();
    let plan = plan(&text, &[]);
    assert_eq!(plan.collections.len(), 4);
    assert_eq!(plan.train.min_snr_gamma(), Some(5.0));
    assert_eq!(plan.mix.anchor.unwrap().to_string(), "0.1 to train");
}

#[test]
fn defaults_are_those_of_the_definitions() {
    let text = "root = \"work\"\n[[collection]]\nname = \"a\"\nsource = { folder = \"a\" }\n";
    let without_training = recipe::show(&good(text, &[]));
    assert_eq!(
        recipe::show(&good(&without_training, &[])),
        without_training
    );
    insta::assert_snapshot!(recipe::show(&good(text, &["train.base=base"])));
}

#[test]
fn wrong_brackets_are_told() {
    let text = "root = \"work\"\n[collection]\nname = \"a\"\n[[bucket]]\ntarget_px = 64\n";
    insta::assert_snapshot!(faults(text, &[]));
}

#[test]
fn what_only_a_type_can_refuse_has_a_line_too() {
    let text = format!("{GOOD}\n[bucket]\nvalidation_share = 1e-19\n");
    insta::assert_snapshot!(faults(&text, &[]));
}

#[test]
fn a_recipe_cut_short_anywhere_is_read_or_refused() {
    let text = fs_err::read_to_string(checkout("configs/otaku.toml")).unwrap();
    let ends = text.char_indices().map(|(end, _)| end);
    let read = ends
        .filter(|end| end % 5 == 0)
        .filter(|end| load(&text.as_bytes()[..*end], &[]).is_ok());
    assert!(read.count() > 10);
}

#[test]
fn overrides_win_over_the_file() {
    let sets = [
        "name=run-2",
        "seed=7",
        "train.lr.start=1e-5",
        "train.ema.decay=0.99",
        "mix.anchor={ ratio_to_train = 0.5 }",
        "collection.photos.captioner=prompt",
        "collection.0.min_side_px=64",
        "captioner.photo.text=a portrait = a face",
        "sample.prompts=[\"a\", \"b\"]",
    ];
    let recipe = good(GOOD, &sets);
    assert_eq!((recipe.name.as_str(), recipe.seed), ("run-2", 7));
    assert_eq!((recipe.train.lr.start, recipe.train.lr.end), (1e-5, 1e-5));
    assert!(recipe.train.ema.is_some());
    assert_eq!(recipe.mix.anchor.unwrap().to_string(), "0.5 to train");
    assert_eq!(recipe.collection[1].captioner, "prompt");
    assert_eq!(recipe.collection[0].min_side_px.unwrap().get(), 64);
    assert_eq!(recipe.sample.prompts, ["a", "b"]);
    let text = recipe.plan().unwrap().collections[1].clone();
    assert_eq!(text.captioners[0].0, "prompt");
}

#[test]
fn an_inline_table_replaces_what_was_there() {
    let recipe = good(GOOD, &["train.lr={ start = 1e-3 }"]);
    assert_eq!((recipe.train.lr.start, recipe.train.lr.end), (1e-3, 1e-7));
}

#[test]
fn overrides_are_faulted_as_they_were_given() {
    insta::assert_snapshot!(faults(
        GOOD,
        &[
            "train.epochs=1.5",
            "train.lr.schedul=cosine",
            "seed.x=1",
            "collection.photo.role=train",
            "collection.7.role=train",
            "mix.anchor.ratio_to_train=0.1",
            "root",
        ]
    ));
}

#[test]
fn every_value_that_is_shown_is_checked() {
    let recipe = recipe::load(&checkout("configs/otaku.toml"), &[]).unwrap();
    let shown = recipe::show(&recipe);
    let mut checked = 0;
    for (index, line) in shown.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        for wrong in ["{ nonsense = 1 }", "[[]]", "1979-05-27"] {
            let mut lines: Vec<&str> = shown.lines().collect();
            let bad = format!("{key} = {wrong}");
            lines[index] = &bad;
            let error = load(lines.join("\n").as_bytes(), &[]).expect_err(&bad);
            let is_told = error
                .faults()
                .iter()
                .any(|fault| matches!(fault.place, Place::File { line, .. } if line == index + 1));
            assert!(is_told, "{bad}: {error}");
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked}");
}

#[test]
fn every_key_has_a_help_text_and_every_table_denies_unknown_ones() {
    fn walk(place: &str, schema: &Value, faults: &mut Vec<String>) {
        let Some(map) = schema.as_object() else {
            return;
        };
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
                faults.push(format!("{place} takes unknown keys"));
            }
            for (key, property) in properties {
                let is_choice = schema.get("description").is_some() && properties.len() == 1
                    || property.get("const").is_some();
                if property.get("description").is_none() && !is_choice {
                    faults.push(format!("{place}.{key} has no help text"));
                }
            }
        }
        for (key, inner) in map {
            walk(&format!("{place}/{key}"), inner, faults);
            for (index, inner) in inner.as_array().into_iter().flatten().enumerate() {
                walk(&format!("{place}/{key}/{index}"), inner, faults);
            }
        }
    }
    let mut faults = Vec::new();
    walk("", &recipe::schema(), &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_plan_has_no_path_that_starts_from_the_recipes_folder() {
    let folder = tempfile::tempdir().unwrap();
    let configs = folder.path().join("configs");
    fs_err::create_dir(&configs).unwrap();
    let file = configs.join("small.toml");
    fs_err::write(&file, GOOD.replace("\"work\"", "\"../work/x\"")).unwrap();
    let plan = recipe::load(&file, &[]).unwrap().plan().unwrap();
    assert_eq!(plan.name, "small");
    assert_eq!(plan.root, folder.path().join("work/x"));
    assert_eq!(plan.collections[0].source.path(), &configs.join("drawings"));
    assert_eq!(plan.train.base, Some(configs.join("base")));
}

#[test]
fn a_plan_fills_in_what_comes_from_elsewhere_in_the_recipe() {
    let plan = plan(
        GOOD,
        &[
            "seed=9",
            "ingest.min_side_px=50",
            "collection.0.min_side_px=60",
        ],
    );
    assert_eq!((plan.train.seed, plan.sample.seed), (Some(9), Some(9)));
    assert_eq!(plan.model.name.as_deref(), Some("recipe"));
    let least: Vec<u32> = plan
        .collections
        .iter()
        .map(|c| c.min_side_px.get())
        .collect();
    assert_eq!(least, [60, 50]);
}

#[test]
fn hashes_see_just_what_changes_results() {
    let base = plan(GOOD, &[]);
    for set in ["root=elsewhere", "train.epochs=9", "train.lr.start=1e-5"] {
        assert_eq!(
            plan(GOOD, &[set]).recipe_sha256,
            base.recipe_sha256,
            "{set}"
        );
    }
    for set in ["seed=1", "bucket.target_px=512", "captioner.photo.text=b"] {
        assert_ne!(
            plan(GOOD, &[set]).recipe_sha256,
            base.recipe_sha256,
            "{set}"
        );
    }
    let recaptioned = plan(GOOD, &["captioner.photo.text=b"]);
    let [drawings, photos] = [0, 1].map(|i| (&base.collections[i], &recaptioned.collections[i]));
    assert_eq!(drawings.0.caption_settings, drawings.1.caption_settings);
    assert_ne!(photos.0.caption_settings, photos.1.caption_settings);
    let unchanged = plan(
        GOOD,
        &["bucket.shard_rows=50", "collection.0.source.folder=moved"],
    );
    for (a, b) in base.collections.iter().zip(&unchanged.collections) {
        assert_eq!(a.ingest_settings, b.ingest_settings);
        assert_eq!(a.bucket_settings, b.bucket_settings);
    }
    let larger = plan(GOOD, &["collection.0.min_side_px=64"]);
    assert_ne!(
        base.collections[0].ingest_settings,
        larger.collections[0].ingest_settings
    );
    assert_eq!(
        base.collections[1].ingest_settings,
        larger.collections[1].ingest_settings
    );
}
