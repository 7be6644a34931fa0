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
        if backend["disabled"].as_bool() == Some(true) {
            continue;
        }
        if kind != "image" {
            if kind != "text_embeds" && kind != "image_embeds" {
                let note = format!("{place}: dataset_type = \"{kind}\"");
                imported.not_carried.insert(note);
            }
            continue;
        }
        let Some(path) = backend["instance_data_dir"].as_str() else {
            return Err(ImportError {
                what: format!("{place} has no `instance_data_dir`"),
                hint: "images in a bucket of a store must be copied into a folder first; name it there",
            });
        };
        let is_anchor = ["is_regularisation_data", "is_regularization_data"]
            .iter()
            .any(|key| backend[*key].as_bool() == Some(true));
        let fixed_caption = (backend["caption_strategy"].as_str() == Some("instanceprompt"))
            .then(|| backend["instance_prompt"].as_str().unwrap_or(id).to_owned());
        if backend["caption_strategy"].as_str() == Some("filename") {
            imported.not_carried.insert(format!(
                "{place}: caption_strategy = \"filename\": write the captions into `.txt` files"
            ));
        }
        let name = if id.is_empty() { path } else { id };
        let folder = Folder {
            name: imported.name_for(name),
            path: path.to_owned(),
            is_anchor,
            fixed_caption,
        };
        imported.collections.push(folder);
        read_sizes(&mut imported, backend, &place);
        imported.seed = imported.seed.or(backend["seed"].as_u64());
        imported.note_unknown(&place, backend, KNOWN);
    }
    if imported.collections.is_empty() {
        return Err(ImportError {
            what: "no backend holds images".to_owned(),
            hint: "one with `\"dataset_type\": \"image\"` that is not disabled is needed",
        });
    }
    Ok(imported)
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
    let is_cropped = backend["crop"].as_bool() == Some(true);
    let is_square = is_cropped && backend["crop_aspect"].as_str().unwrap_or("square") == "square";
    imported.is_aspect |= !is_square;
    imported.resample = Some("any");
    imported.is_centered |= is_cropped && backend["crop_style"].as_str() == Some("center");
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
}
