//! `gate`: what a caption must be to be trained on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The quality gate of a captioner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Characters that a caption must have at least.
    pub min_chars: u32,
    /// The language that captions must be in.
    pub language: Language,
    /// How many pictures may have the very same caption; if more do, none of them keeps it.
    pub max_same: u32,
    /// The captioner of kind `tagger` whose tags a caption must not contradict; it must caption the same collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            min_chars: 20,
            language: Language::English,
            max_same: 20,
            tags: None,
        }
    }
}

/// Which languages pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English alone.
    #[default]
    English,
    /// Any.
    Any,
}
