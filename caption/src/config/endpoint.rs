//! Models behind an endpoint.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    GateConfig,
    model::{hundred_and_twenty, three},
};

/// `kind = "http"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct HttpConfig {
    /// The endpoint up to its version: `http://localhost:8000/v1`.
    pub url: String,
    /// The model's name there; the only one that the endpoint lists unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the model is asked; one is drawn for each picture by its hash. One that stands twice is drawn twice as often.
    /// `{prompt}` in it stands for the picture's own prompt, the name of a tagger in braces for its tags.
    #[schemars(length(min = 1))]
    pub prompts: Vec<String>,
    /// The environment variable that holds the key; none is sent unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Pictures are shrunk so that their longer side has at most so many pixels: the model's own input size.
    #[serde(default = "longest")]
    pub max_side_px: NonZeroU32,
    /// Tokens of a caption at most.
    #[serde(default = "hundred_and_twenty")]
    pub max_new_tokens: NonZeroU32,
    /// 0 takes the likeliest token each time; above it tokens are drawn.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: f64,
    /// Requests in flight at most; halved when the endpoint is busy.
    #[serde(default = "thirty_two")]
    pub concurrency: NonZeroU32,
    /// Seconds that one request may take.
    #[serde(default = "hundred_and_twenty")]
    pub timeout_s: NonZeroU32,
    /// Seconds after which a picture is given up, with all its retries.
    #[serde(default = "three_hundred")]
    pub give_up_after_s: NonZeroU32,
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

fn longest() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(1023)
}

fn thirty_two() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(31)
}

fn three_hundred() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(299)
}
