//! The settings of captioning: `[captioner.<name>]` of a recipe.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the captioner that every recipe has: the picture's own prompt without its parameters.
pub const BUILT_IN: &str = "prompt";

/// How pictures get their captions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// A vision-language model that looks at the picture.
    Vlm {
        /// The folder of the model, in the layout of Hugging Face.
        model: PathBuf,
        /// What the model is asked; one is drawn for each picture by its hash.
        #[schemars(length(min = 1))]
        prompts: Vec<String>,
    },
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
            Self::Vlm { .. } => "vlm",
        }
    }
}
