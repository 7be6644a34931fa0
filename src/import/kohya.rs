//! The dataset config of kohya's sd-scripts: `[general]`, `[[datasets]]`, `[[datasets.subsets]]`.

use serde_json::Value;

use super::{Folder, ImportError, Imported, number};

/// Whether a folder holds a file with this extension.
pub type Look<'l> = dyn Fn(&str, &str) -> bool + 'l;

/// Reads the config as a recipe's settings; those of `[general]` hold where a dataset or subset says nothing.
/// `has_captions` looks into folders.
///
/// # Errors
/// It has no datasets, or a subset names no folder.
pub fn read(document: &Value, has_captions: &Look<'_>) -> Result<Imported, ImportError> {
    let mut imported = Imported::default();
    let general = &document["general"];
    let Some(datasets) = document["datasets"].as_array() else {
        return Err(ImportError {
            what: "there is no `[[datasets]]`".to_owned(),
            hint: "this is no dataset config of kohya's scripts; a training config names one as `dataset_config`",
        });
    };
    for (number, dataset) in datasets.iter().enumerate() {
        read_dataset(&mut imported, general, dataset, number, has_captions)?;
    }
    let known = [SHARED, &["batch_size"]].concat();
    imported.note_unknown("general", general, &known);
    Ok(imported)
}

/// Settings that are taken over, wherever they stand.
const SHARED: &[&str] = &[
    "resolution",
    "enable_bucket",
    "bucket_no_upscale",
    "bucket_reso_steps",
    "caption_extension",
    "random_crop",
    "num_repeats",
    "is_reg",
    "class_tokens",
    "image_dir",
    "subsets",
    "datasets",
];

fn read_dataset(
    imported: &mut Imported,
    general: &Value,
    dataset: &Value,
    place: usize,
    has_captions: &Look<'_>,
) -> Result<(), ImportError> {
    let setting = |key: &str| -> &Value {
        match &dataset[key] {
            Value::Null => &general[key],
            value => value,
        }
    };
    let target = match setting("resolution") {
        Value::Array(sides) => {
            let sides: Vec<u32> = sides.iter().filter_map(number).collect();
            let area = sides.iter().map(|n| f64::from(*n)).product::<f64>();
            (sides.len() == 2).then_some(area.sqrt().round() as u32)
        }
        side => number(side),
    };
    if imported.target_px.is_some() && target.is_some() && imported.target_px != target {
        imported.not_carried.insert(format!(
            "datasets[{place}]: resolution = {}: a recipe has one target",
            setting("resolution")
        ));
    } else {
        imported.target_px = imported.target_px.or(target);
    }
    if setting("enable_bucket").as_bool() == Some(true) {
        imported.is_aspect = true;
        imported.step_px = imported.step_px.or(number(setting("bucket_reso_steps")));
    }
    // kohya's scripts always bring a picture to its bucket.
    imported.resample = Some(if setting("bucket_no_upscale").as_bool() == Some(true) {
        "down"
    } else {
        "any"
    });
    imported.is_centered = true;
    let known = [SHARED, &["batch_size"]].concat();
    imported.note_unknown(&format!("datasets[{place}]"), dataset, &known);
    let subsets = dataset["subsets"].as_array().map_or(&[][..], Vec::as_slice);
    for (number, subset) in subsets.iter().enumerate() {
        read_subset(
            imported,
            dataset,
            subset,
            &format!("datasets[{place}].subsets[{number}]"),
            general,
            has_captions,
        )?;
    }
    Ok(())
}

fn read_subset(
    imported: &mut Imported,
    dataset: &Value,
    subset: &Value,
    place: &str,
    general: &Value,
    has_captions: &Look<'_>,
) -> Result<(), ImportError> {
    let setting = |key: &str| -> &Value {
        [subset, dataset, general]
            .into_iter()
            .map(|table| &table[key])
            .find(|value| !value.is_null())
            .unwrap_or(&Value::Null)
    };
    let Some(path) = subset["image_dir"].as_str() else {
        return Err(ImportError {
            what: format!("{place} has no `image_dir`"),
            hint: "a subset of `metadata_file` alone holds no images; name their folder as `image_dir`",
        });
    };
    if setting("random_crop").as_bool() == Some(true) {
        imported.is_centered = false;
    }
    let extension = setting("caption_extension").as_str().unwrap_or(".caption");
    if ![".txt", ".caption"].contains(&extension) {
        imported.not_carried.insert(format!(
            "{place}: caption_extension = \"{extension}\": captions are looked for in `.txt`, `.caption` and `.json`"
        ));
    }
    let repeats = number(setting("num_repeats")).unwrap_or(1);
    let is_anchor = subset["is_reg"].as_bool() == Some(true);
    if repeats > 1 {
        imported.not_carried.insert(format!(
            "{place}: num_repeats = {repeats}: in a recipe `[mix]` says how often anchors come"
        ));
    }
    if imported.collections.iter().any(|other| other.path == path) {
        imported.not_carried.insert(format!(
            "{place}: image_dir = \"{path}\" once more: a recipe takes a folder at one size"
        ));
        return Ok(());
    }
    // The scripts say the class of those images alone that have no caption.
    let tokens = subset["class_tokens"].as_str();
    let is_captioned = tokens.is_some() && has_captions(path, extension);
    if let Some(tokens) = tokens.filter(|_| is_captioned) {
        imported.not_carried.insert(format!(
            "{place}: class_tokens = \"{tokens}\": the images have captions, and one without is rejected"
        ));
    }
    let folder = Folder {
        name: imported.name_for(path),
        path: path.to_owned(),
        is_anchor,
        fixed_caption: tokens.filter(|_| !is_captioned).map(str::to_owned),
        min_side_px: None,
    };
    imported.collections.push(folder);
    imported.note_unknown(place, subset, SHARED);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dataset_config_becomes_collections_and_buckets() {
        let config = json!({
            "general": { "enable_bucket": true, "caption_extension": ".txt", "shuffle_caption": true },
            "datasets": [{
                "resolution": [1024, 1024], "batch_size": 4, "bucket_no_upscale": true, "bucket_reso_steps": 64,
                "subsets": [
                    { "image_dir": "data/niji", "num_repeats": 2 },
                    { "image_dir": "reg/niji", "is_reg": true, "class_tokens": "a person", "flip_aug": true },
                ],
            }],
        });
        let imported = read(&config, &|_, _| false).unwrap();
        assert_eq!(
            (imported.target_px, imported.step_px),
            (Some(1024), Some(64))
        );
        assert_eq!(
            (imported.is_aspect, imported.resample),
            (true, Some("down"))
        );
        let names: Vec<&str> = imported
            .collections
            .iter()
            .map(|f| f.name.as_str())
            .collect();
        assert_eq!(names, ["niji", "niji-2"]);
        assert!(imported.collections[1].is_anchor);
        let notes: Vec<&str> = imported.not_carried.iter().map(String::as_str).collect();
        assert_eq!(
            notes,
            [
                "datasets[0].subsets[0]: num_repeats = 2: in a recipe `[mix]` says how often anchors come",
                "datasets[0].subsets[1]: flip_aug = true",
                "general: shuffle_caption = true",
            ]
        );
    }

    /// As the documentation of the scripts has it: two methods, three levels of settings, paths of Windows, and one
    /// folder at two sizes.
    #[test]
    fn the_example_of_the_documentation_is_read() {
        let config = json!({
            "general": { "shuffle_caption": true, "caption_extension": ".txt", "keep_tokens": 1 },
            "datasets": [
                { "resolution": 512, "batch_size": 4, "keep_tokens": 2, "subsets": [
                    { "image_dir": "C:\\hoge", "class_tokens": "hoge girl" },
                    { "image_dir": "C:\\fuga", "class_tokens": "fuga boy", "keep_tokens": 3 },
                    { "is_reg": true, "image_dir": "C:\\reg", "class_tokens": "human" },
                ] },
                { "resolution": [768, 768], "batch_size": 2, "subsets": [
                    { "image_dir": "C:\\piyo", "metadata_file": "C:\\piyo\\piyo_md.json" },
                    { "image_dir": "C:\\hoge" },
                ] },
            ],
        });
        let imported = read(&config, &|path, extension| {
            path == "C:\\hoge" && extension == ".txt"
        })
        .unwrap();
        let folders: Vec<_> = imported
            .collections
            .iter()
            .map(|folder| {
                (
                    folder.name.as_str(),
                    folder.is_anchor,
                    folder.fixed_caption.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            folders,
            [
                ("hoge", false, None),
                ("fuga", false, Some("fuga boy")),
                ("reg", true, Some("human")),
                ("piyo", false, None),
            ]
        );
        assert_eq!((imported.target_px, imported.is_aspect), (Some(512), false));
        let notes: Vec<&str> = imported.not_carried.iter().map(String::as_str).collect();
        assert_eq!(
            notes,
            [
                "datasets[0].subsets[0]: class_tokens = \"hoge girl\": the images have captions, and one without is rejected",
                "datasets[0].subsets[1]: keep_tokens = 3",
                "datasets[0]: keep_tokens = 2",
                "datasets[1].subsets[0]: metadata_file = \"C:\\\\piyo\\\\piyo_md.json\"",
                "datasets[1].subsets[1]: image_dir = \"C:\\hoge\" once more: a recipe takes a folder at one size",
                "datasets[1]: resolution = [768,768]: a recipe has one target",
                "general: keep_tokens = 1",
                "general: shuffle_caption = true",
            ]
        );
    }

    #[test]
    fn what_is_no_dataset_config_is_told() {
        assert!(read(&json!({ "model": 1 }), &|_, _| false).is_err());
        let no_folder = json!({ "datasets": [{ "subsets": [{ "metadata_file": "a.json" }] }] });
        assert!(
            read(&no_folder, &|_, _| false)
                .unwrap_err()
                .what
                .contains("subsets[0]")
        );
    }
}
