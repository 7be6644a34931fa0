//! The dataset config of kohya's sd-scripts: `[general]`, `[[datasets]]`, `[[datasets.subsets]]`.

use serde_json::Value;

use super::{Folder, ImportError, Imported, number};

/// Reads the config as a recipe's settings; those of `[general]` hold where a dataset or subset says nothing.
///
/// # Errors
/// It has no datasets, or a subset names no folder.
pub fn read(document: &Value) -> Result<Imported, ImportError> {
    let mut imported = Imported::default();
    let general = &document["general"];
    let Some(datasets) = document["datasets"].as_array() else {
        return Err(ImportError {
            what: "there is no `[[datasets]]`".to_owned(),
            hint: "this is no dataset config of kohya's scripts; a training config names one as `dataset_config`",
        });
    };
    for (number, dataset) in datasets.iter().enumerate() {
        read_dataset(&mut imported, general, dataset, number)?;
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
    let folder = Folder {
        name: imported.name_for(path),
        path: path.to_owned(),
        is_anchor,
        fixed_caption: subset["class_tokens"].as_str().map(str::to_owned),
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
        let imported = read(&config).unwrap();
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

    #[test]
    fn what_is_no_dataset_config_is_told() {
        assert!(read(&json!({ "model": 1 })).is_err());
        let no_folder = json!({ "datasets": [{ "subsets": [{ "metadata_file": "a.json" }] }] });
        assert!(read(&no_folder).unwrap_err().what.contains("subsets[0]"));
    }
}
