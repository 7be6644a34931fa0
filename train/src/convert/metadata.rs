//! What a single file says of itself: `ModelSpec` 1.0.1.

use terminus_nn::Metadata;

use crate::{config::PredictionType, source::ModelSource};

/// What a model's makers say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelCard {
    /// Its name.
    pub title: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Its licence.
    pub license: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How to use it.
    pub usage_hint: Option<String>,
    /// Words that call up what it learnt.
    pub trigger_phrase: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was made, RFC 3339.
    pub date: Option<String>,
    /// A small picture, as a `data:` address.
    pub thumbnail: Option<String>,
}

impl ModelCard {
    /// The keys of `ModelSpec`, over those that the source has of its own.
    pub(super) fn metadata(&self, source: &ModelSource) -> Metadata {
        let (unet, vae) = (&source.configs.unet, &source.configs.vae);
        let architecture = if unet.in_channels == vae.latent_channels {
            "stable-diffusion-xl-v1-base"
        } else {
            "stable-diffusion-xl-v1-inpainting"
        };
        let prediction = match source.sampling.scheduler.prediction_type {
            PredictionType::Epsilon => "epsilon",
            PredictionType::VPrediction => "v",
        };
        let side = unet.sample_size * i64::from(vae.downsampling());
        let name = source.path.file_stem().unwrap_or_default();
        let mut metadata: Metadata = source
            .metadata
            .iter()
            .filter(|(key, _)| key.starts_with("modelspec."))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // A hash is of the file that it stands in.
        metadata.remove("modelspec.hash_sha256");
        let mut set = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                metadata.insert(format!("modelspec.{key}"), value);
            }
        };
        set("sai_model_spec", Some("1.0.1".to_owned()));
        set("architecture", Some(architecture.to_owned()));
        let implementation = "https://github.com/Stability-AI/generative-models";
        set("implementation", Some(implementation.to_owned()));
        set("prediction_type", Some(prediction.to_owned()));
        set("resolution", Some(format!("{side}x{side}")));
        set("author", self.author.clone());
        set("license", self.license.clone());
        set("description", self.description.clone());
        set("usage_hint", self.usage_hint.clone());
        set("trigger_phrase", self.trigger_phrase.clone());
        set("date", self.date.clone());
        set("thumbnail", self.thumbnail.clone());
        set(
            "tags",
            (!self.tags.is_empty()).then(|| self.tags.join(", ")),
        );
        set("title", self.title.clone());
        metadata
            .entry("modelspec.title".to_owned())
            .or_insert_with(|| name.to_string_lossy().into_owned());
        metadata
    }
}
