//! What the columns of a list or table are called.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The names of columns, where they are not among those that are guessed: the first of the usual names that is there,
/// case aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The address: `url`, `image_url`, `link`, `src`, `uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The image itself: `image`, `img`, `picture`, `jpg`, `png`, `webp`, `bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The identity of a row, where the address shall not be it: `source_id`, `id`, `key`, `image_id`, `__key__`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The prompt: `prompt`, `original_text` (with `arguments`), `content`, `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A description: `gpt_caption`, `caption`; it is the prompt of a row without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The expected SHA-256: `sha256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was posted: `timestamp`, `date`, `posted_at`, `created_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The licence: `license`, `licence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The author: `author`, `creator`, `artist`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The consent of the person shown: `consent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// Reactions: `reactions`, `likes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<String>,
}

impl Columns {
    /// Whether every name is guessed.
    pub fn is_guessed(&self) -> bool {
        self == &Self::default()
    }
}
