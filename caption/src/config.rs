//! The settings of captioning: `[captioner.<name>]` of a recipe.

mod endpoint;
mod gate;
mod model;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use endpoint::HttpConfig;
pub use gate::{GateConfig, Language};
pub use model::{Precision, TaggerConfig, VlmConfig};

/// The name of the captioner that every recipe has: the picture's own prompt without its parameters.
pub const BUILT_IN: &str = "prompt";

/// Settings that change how fast captions come, never what they say.
const WITHOUT_EFFECT: [&str; 7] = [
    "batch_size",
    "device_layers",
    "device",
    "concurrency",
    "timeout_s",
    "give_up_after_s",
    "key_env",
];

/// How pictures get their captions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptionerConfig {
    /// The picture's own prompt, without its parameters.
    Prompt {},
    /// One fixed caption for every picture.
    Text {
        /// The caption.
        #[schemars(length(min = 1))]
        text: String,
    },
    /// A vision-language model that looks at the picture: CogVLM, CogVLM2, LLaVA.
    Vlm(VlmConfig),
    /// A model behind an OpenAI-compatible endpoint.
    Http(HttpConfig),
    /// A WD tagger (version 3, ViT), which gives tags with confidence.
    Tagger(TaggerConfig),
}

impl Default for CaptionerConfig {
    fn default() -> Self {
        Self::Prompt {}
    }
}

impl CaptionerConfig {
    /// The word that a recipe's `kind` holds.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Prompt {} => "prompt",
            Self::Text { .. } => "text",
            Self::Vlm(_) => "vlm",
            Self::Http(_) => "http",
            Self::Tagger(_) => "tagger",
        }
    }

    /// Whether one opened model, shown a picture once, can answer for both.
    pub(crate) fn shares_a_model_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vlm(one), Self::Vlm(other)) => {
                let model = |config: &VlmConfig| {
                    (
                        config.model.clone(),
                        config.template.clone(),
                        config.precision,
                        config.device.clone(),
                        config.device_layers,
                        config.batch_size,
                    )
                };
                model(one) == model(other)
            }
            _ => false,
        }
    }

    /// Whether a model looks at the picture.
    pub fn asks_a_model(&self) -> bool {
        !matches!(self, Self::Prompt {} | Self::Text { .. })
    }

    /// The same with its path as `resolve` gives it.
    #[must_use]
    pub fn at(mut self, resolve: impl Fn(&Path) -> PathBuf) -> Self {
        match &mut self {
            Self::Vlm(config) => config.model = resolve(&config.model),
            Self::Tagger(config) => config.model = resolve(&config.model),
            Self::Prompt {} | Self::Text { .. } | Self::Http(_) => {}
        }
        self
    }

    /// What captions and their verdicts depend on: without paths' folders' names and what only changes the speed.
    pub fn settings(&self) -> Value {
        let mut settings = json!(self);
        if let Some(table) = settings.as_object_mut() {
            for key in WITHOUT_EFFECT {
                table.remove(key);
            }
            // A model that has a name may move to another address.
            if matches!(self, Self::Http(http) if http.model.is_some()) {
                table.remove("url");
            }
        }
        settings
    }

    /// What the model's raw answer depends on: [`CaptionerConfig::settings`] without the gate, and without the model's
    /// path, for which its weights stand.
    pub fn asked(&self) -> Value {
        let mut asked = self.settings();
        if let Some(table) = asked.as_object_mut() {
            table.remove("gate");
            if !matches!(self, Self::Http(_)) {
                table.remove("model");
            }
        }
        asked
    }

    /// The gate that its captions pass; none for those that no model makes up.
    pub fn gate(&self) -> Option<&GateConfig> {
        match self {
            Self::Vlm(config) => Some(&config.gate),
            Self::Http(config) => Some(&config.gate),
            Self::Prompt {} | Self::Text { .. } | Self::Tagger(_) => None,
        }
    }
}
