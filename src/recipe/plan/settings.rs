//! The settings that hashes are made of: effective, and without what does not change a result.
//!
//! The root, the paths of sources, and shard sizes change no verdict and no sample; other collections and their
//! captioners do not touch this one. A setting that is left out of `config_hash` here is one whose change redoes
//! nothing; one that is put in redoes everything below it.

use serde_json::{Value, json};
use terminus_bucket::config::CaptionOf;
use terminus_caption::config::CaptionerConfig;
use terminus_ingest::config::ScoresConfig;

use crate::recipe::{Collection, Recipe};

/// The effective recipe without root and `[train]`.
pub(super) fn recipe(recipe: &Recipe) -> Value {
    let mut value = json!(recipe);
    if let Some(table) = value.as_object_mut() {
        table.remove("root");
        table.remove("train");
    }
    value
}

/// What the ingest verdicts of a collection depend on.
pub(super) fn ingest(recipe: &Recipe, collection: &Collection) -> Value {
    let ingest = &recipe.ingest;
    // Where scores are read from changes nothing; what they say is judged on every run.
    let thresholds = ScoresConfig {
        files: Vec::new(),
        ..ingest.scores.clone()
    };
    json!({
        "role": collection.role,
        "source": collection.source.kind(),
        "select": collection.select,
        "store": collection.store.unwrap_or(ingest.store),
        "min_side_px": collection.min_side_px.unwrap_or(ingest.min_side_px),
        "max_file_mb": ingest.max_file_mb,
        "max_sidecar_kb": ingest.max_sidecar_kb,
        "limits": ingest.limits,
        "pixels": ingest.pixels,
        "columns": collection.columns,
        "defaults": collection.defaults,
        "decode_timeout_s": ingest.decode_timeout_s,
        "grids": ingest.grids,
        "scores": thresholds,
        "duplicates": ingest.duplicates,
        "robots_txt": ingest.download.robots_txt,
        "opt_out": ingest.download.opt_out,
        "allow_private_hosts": ingest.download.allow_private_hosts,
    })
}

/// What the captions of a collection depend on; the names of captioners are not among it.
pub(super) fn caption(recipe: &Recipe, collection: &Collection) -> Value {
    let mut settings: Vec<Value> = collection
        .captioners()
        .map(|name| {
            let captioner = recipe.captioner.get(name).cloned().unwrap_or_default();
            captioner.settings()
        })
        .collect();
    let settings = if settings.len() == 1 {
        settings.remove(0)
    } else {
        json!(settings)
    };
    let looks = |name| {
        let captioner = recipe.captioner.get(name);
        captioner.is_some_and(CaptionerConfig::asks_a_model)
    };
    if recipe.bucket.caption_of == CaptionOf::Crop && collection.captioners().any(looks) {
        json!({ "captioners": settings, "crops": bucket(recipe) })
    } else {
        settings
    }
}

/// What the samples of a collection depend on.
pub(super) fn bucket(recipe: &Recipe) -> Value {
    let bucket = &recipe.bucket;
    let mut settings = json!({
        "seed": recipe.seed,
        "shape": bucket.shape,
        "target_px": bucket.target_px,
        "step_px": bucket.step_px,
        "aspects": bucket.aspects,
        "sizes": bucket.sizes,
        "style": bucket.style,
        "min_kept_area": bucket.min_kept_area,
        "resample": bucket.resample,
        "crops_per_image": bucket.crops_per_image,
        "packing": bucket.packing,
        "limits": recipe.ingest.limits,
        "pixels": recipe.ingest.pixels,
    });
    if let (CaptionOf::Crop, Some(table)) = (bucket.caption_of, settings.as_object_mut()) {
        table.insert("caption_of".to_owned(), json!(bucket.caption_of));
    }
    settings
}
