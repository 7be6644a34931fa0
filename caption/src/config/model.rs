//! Models that run here.

use std::{num::NonZeroU32, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GateConfig;

/// `kind = "vlm"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct VlmConfig {
    /// The folder of the model, in the layout of Hugging Face.
    pub model: PathBuf,
    /// What the model is asked; one is drawn for each picture by its hash. One that stands twice is drawn twice as often.
    /// `{prompt}` in it stands for the picture's own prompt, the name of a tagger in braces for its tags.
    #[schemars(length(min = 1))]
    pub prompts: Vec<String>,
    /// The text around the prompt, with `<image>` and `{prompt}` in it; the model family's own unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "auto")]
    pub device: String,
    /// Layers of the decoder that stay on a GPU; the others wait in the host's memory, and their weights go over for each
    /// step. As many as fit unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_layers: Option<u32>,
    /// Kind of the weights; bf16 on a GPU and f32 on the CPU unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Pictures at a time; halved where memory does not do.
    #[serde(default = "sixteen")]
    pub batch_size: NonZeroU32,
    /// Tokens of a caption at most.
    #[serde(default = "hundred_and_twenty")]
    pub max_new_tokens: NonZeroU32,
    /// 0 takes the likeliest token each time; above it tokens are drawn.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: f64,
    /// Draws from the likeliest tokens that together have this probability.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
    /// Draws from so many of the likeliest tokens; from all if 0.
    #[serde(default)]
    pub top_k: u32,
    /// How often a picture is tried: as set, then with draws, then with another prompt.
    #[serde(default = "three")]
    pub attempts: NonZeroU32,
    /// Seed of all draws.
    #[serde(default)]
    pub seed: u64,
    /// What a caption must be.
    #[serde(default)]
    pub gate: GateConfig,
}

/// `kind = "tagger"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct TaggerConfig {
    /// The folder of the model: `config.json`, `model.safetensors`, `selected_tags.csv`.
    pub model: PathBuf,
    /// Confidence from which a general tag counts.
    #[serde(default = "general")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub general: f64,
    /// Confidence from which a character's tag counts.
    #[serde(default = "character")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub character: f64,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "auto")]
    pub device: String,
    /// Kind of the weights; bf16 on a GPU and f32 on the CPU unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Pictures at a time; halved where memory does not do.
    #[serde(default = "sixteen")]
    pub batch_size: NonZeroU32,
}

/// The kind of a model's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit floats.
    F16,
}

pub(super) fn auto() -> String {
    "auto".to_owned()
}

fn sixteen() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(15)
}

pub(super) fn hundred_and_twenty() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(119)
}

pub(super) fn three() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(2)
}

fn one() -> f64 {
    1.0
}

fn general() -> f64 {
    0.35
}

fn character() -> f64 {
    0.75
}
