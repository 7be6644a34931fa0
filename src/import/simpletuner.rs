//! `SimpleTuner`'s `multidatabackend.json`: a list of backends.

use serde_json::Value;

use super::{Folder, ImportError, Imported, number};

/// Settings that are taken over.
const KNOWN: &[&str] = &[
    "id",
    "type",
    "dataset_type",
    "instance_data_dir",
    "resolution",
    "resolution_type",
    "crop",
    "crop_style",
    "crop_aspect",
    "caption_strategy",
    "instance_prompt",
    "disabled",
    "disable",
    "only_instance_prompt",
    "minimum_image_size",
    "cache_dir",
    "cache_dir_vae",
    "is_regularisation_data",
    "is_regularization_data",
    "seed",
];

/// Reads the list as a recipe's settings. Backends that hold no images (caches) and those that are disabled are left
/// out.
///
/// # Errors
/// It is no list, or a backend of images has no folder.
pub fn read(document: &Value) -> Result<Imported, ImportError> {
    let Some(backends) = document.as_array() else {
        return Err(ImportError {
            what: "the document is no list".to_owned(),
            hint: "this is no `multidatabackend.json` of SimpleTuner",
        });
    };
    let mut imported = Imported::default();
    for (place, backend) in backends.iter().enumerate() {
        let id = backend["id"].as_str().unwrap_or_default();
        let place = format!("[{place}] `{id}`");
        let kind = backend["dataset_type"].as_str().unwrap_or("image");
        let is_on = |key: &str| backend[key].as_bool() == Some(true);
        if is_on("disabled") || is_on("disable") {
            continue;
        }
        if kind != "image" {
            if !kind.ends_with("_embeds") {
                let note = format!("{place}: dataset_type = \"{kind}\"");
                imported.not_carried.insert(note);
            }
            continue;
        }
        let Some(path) = backend["instance_data_dir"].as_str() else {
            let kind = backend["type"].as_str().unwrap_or("local");
            imported.not_carried.insert(format!(
                "{place}: the whole of it, type = \"{kind}\": it has no `instance_data_dir`; copy its images into a folder"
            ));
            continue;
        };
        let is_anchor = ["is_regularisation_data", "is_regularization_data"]
            .iter()
            .any(|key| backend[*key].as_bool() == Some(true));
        let strategy = backend["caption_strategy"].as_str().unwrap_or("textfile");
        let fixed_caption = (strategy == "instanceprompt" || is_on("only_instance_prompt"))
            .then(|| backend["instance_prompt"].as_str().unwrap_or(id).to_owned());
        if !matches!(strategy, "instanceprompt" | "textfile") {
            imported.not_carried.insert(format!(
                "{place}: caption_strategy = \"{strategy}\": write the captions into `.txt` files"
            ));
        }
        if fixed_caption.is_none()
            && let Some(prompt) = backend["instance_prompt"].as_str()
        {
            imported
                .not_carried
                .insert(format!("{place}: instance_prompt = \"{prompt}\""));
        }
        let name = if id.is_empty() { path } else { id };
        let folder = Folder {
            name: imported.name_for(name),
            path: path.to_owned(),
            is_anchor,
            fixed_caption,
            min_side_px: min_side(backend),
        };
        imported.collections.push(folder);
        read_sizes(&mut imported, backend, &place);
        imported.seed = imported.seed.or(backend["seed"].as_u64());
        imported.note_unknown(&place, backend, KNOWN);
    }
    if imported.collections.is_empty() {
        return Err(ImportError {
            what: "no backend holds images in a folder".to_owned(),
            hint: "one with `\"dataset_type\": \"image\"` and `instance_data_dir` that is not disabled is needed; images \
                   in a bucket of a store must be copied into a folder first",
        });
    }
    Ok(imported)
}

/// `minimum_image_size` in the unit of `resolution_type`.
fn min_side(backend: &Value) -> Option<u32> {
    let kind = backend["resolution_type"].as_str().unwrap_or("pixel");
    let least = &backend["minimum_image_size"];
    if kind == "area" {
        let side = least.as_f64()?.max(0.0).sqrt() * 1024.0;
        Some(side.round() as u32).filter(|side| *side > 0)
    } else {
        number(least)
    }
}

fn read_sizes(imported: &mut Imported, backend: &Value, place: &str) {
    let kind = backend["resolution_type"].as_str().unwrap_or("pixel");
    let target = match kind {
        // Megapixels, as `SimpleTuner` counts them: 1.0 is 1024 by 1024.
        "area" => backend["resolution"]
            .as_f64()
            .map(|megapixels| (megapixels.sqrt() * 1024.0).round() as u32),
        _ => number(&backend["resolution"]),
    };
    if imported.target_px.is_some() && target.is_some() && imported.target_px != target {
        imported.not_carried.insert(format!(
            "{place}: resolution = {}: a recipe has one target",
            backend["resolution"]
        ));
    }
    imported.target_px = imported.target_px.or(target);
    if kind == "pixel" && backend["resolution"].is_number() {
        imported.not_carried.insert(format!(
            "{place}: resolution_type = \"pixel\": there the shorter side is meant, here the side of a square of as many pixels"
        ));
    }
    for (key, known) in [
        ("crop_style", &["center", "centre", "random"][..]),
        ("crop_aspect", &["square", "preserve"]),
    ] {
        let word = backend[key].as_str().unwrap_or(known[0]);
        if !known.contains(&word) {
            imported
                .not_carried
                .insert(format!("{place}: {key} = \"{word}\""));
        }
    }
    let is_cropped = backend["crop"].as_bool() == Some(true);
    let is_square = is_cropped && backend["crop_aspect"].as_str().unwrap_or("square") == "square";
    imported.is_aspect |= !is_square;
    imported.resample = Some("any");
    imported.is_centered |=
        is_cropped && matches!(backend["crop_style"].as_str(), Some("center" | "centre"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn backends_of_images_become_collections() {
        let config = json!([
            { "id": "niji", "type": "local", "instance_data_dir": "data/niji", "resolution": 1.0,
              "resolution_type": "area", "caption_strategy": "textfile", "repeats": 3 },
            { "id": "people", "type": "local", "instance_data_dir": "data/people", "is_regularisation_data": true,
              "resolution": 1.0, "resolution_type": "area",
              "caption_strategy": "instanceprompt", "instance_prompt": "a photograph" },
            { "id": "off", "instance_data_dir": "x", "disabled": true },
            { "id": "text", "dataset_type": "text_embeds", "cache_dir": "cache" },
        ]);
        let imported = read(&config).unwrap();
        assert_eq!(imported.target_px, Some(1024));
        assert!(imported.is_aspect);
        assert_eq!(imported.collections.len(), 2);
        assert_eq!(
            imported.collections[1].fixed_caption.as_deref(),
            Some("a photograph")
        );
        assert_eq!(imported.not_carried.len(), 1);
        assert!(read(&json!({})).is_err());
        assert!(read(&json!([])).is_err());
    }

    /// As the documentation has it: images in a folder and in a store, and caches with keys.
    #[test]
    fn the_example_of_the_documentation_is_read_and_keys_are_not_shown() {
        let config = json!([
            { "id": "something-special", "type": "local", "instance_data_dir": "/path/to/data/tree",
              "crop": true, "crop_style": "center", "crop_aspect": "square", "resolution": 1024,
              "minimum_image_size": 768, "maximum_image_size": 2048, "minimum_aspect_ratio": 0.5,
              "target_downsample_size": 1024, "resolution_type": "pixel_area", "prepend_instance_prompt": false,
              "instance_prompt": "something to label every image", "only_instance_prompt": false,
              "caption_strategy": "textfile", "cache_dir_vae": "/path/to/vaecache", "repeats": 0 },
            { "id": "a-bucket", "type": "aws", "aws_bucket_name": "something-yummy", "aws_region_name": null,
              "aws_access_key_id": "wpz-7", "aws_secret_access_key": "xyz-s", "repeats": 2 },
            { "id": "faces", "instance_data_dir": "faces", "crop": true, "crop_style": "face", "crop_aspect": "closest",
              "resolution": 1.0, "resolution_type": "area", "minimum_image_size": 0.25,
              "caption_strategy": "parquet", "aws_secret_access_key": "xyz-s" },
            { "id": "video", "dataset_type": "video", "instance_data_dir": "clips" },
            { "id": "off", "dataset_type": "image", "instance_data_dir": "x", "disable": true },
            { "id": "text", "dataset_type": "text_embeds", "default": true, "type": "aws",
              "aws_secret_access_key": "xyz-s", "cache_dir": "" },
        ]);
        let imported = read(&config).unwrap();
        let folders: Vec<_> = imported
            .collections
            .iter()
            .map(|f| (f.path.as_str(), f.min_side_px))
            .collect();
        assert_eq!(
            folders,
            [("/path/to/data/tree", Some(768)), ("faces", Some(512))]
        );
        assert_eq!(
            (imported.target_px, imported.is_centered),
            (Some(1024), true)
        );
        let notes: Vec<&str> = imported.not_carried.iter().map(String::as_str).collect();
        assert_eq!(
            notes,
            [
                "[0] `something-special`: instance_prompt = \"something to label every image\"",
                "[0] `something-special`: maximum_image_size = 2048",
                "[0] `something-special`: minimum_aspect_ratio = 0.5",
                "[0] `something-special`: target_downsample_size = 1024",
                "[1] `a-bucket`: the whole of it, type = \"aws\": it has no `instance_data_dir`; copy its images into a folder",
                "[2] `faces`: aws_secret_access_key = (not shown)",
                "[2] `faces`: caption_strategy = \"parquet\": write the captions into `.txt` files",
                "[2] `faces`: crop_aspect = \"closest\"",
                "[2] `faces`: crop_style = \"face\"",
                "[3] `video`: dataset_type = \"video\"",
            ]
        );
    }
}
