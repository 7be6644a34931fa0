//! `[[collection]]`: its parts of three stages.

use std::num::NonZeroU32;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;
use terminus_caption::config::BUILT_IN;
use terminus_ingest::config::{Columns, Defaults, Select, Source, StoreMode};
use terminus_manifest::words::Role;

/// One collection: where its items are found, which of them are wanted, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Its name, which every item's id begins with.
    #[schemars(extend("format" = "collection-name"))]
    pub name: String,
    /// What it is in the mix.
    #[serde(default = "default_role")]
    #[schemars(schema_with = "role_schema")]
    pub role: Role,
    /// Where its items are found.
    pub source: Source,
    /// What the columns of its lists and tables are called; guessed unless they are set.
    #[serde(default, skip_serializing_if = "Columns::is_guessed")]
    pub columns: Columns,
    /// What made the pictures whose prompt and message do not say.
    #[serde(default, skip_serializing_if = "Defaults::is_none")]
    pub defaults: Defaults,
    /// Whether its originals are copied; as `[ingest]` says unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreMode>,
    /// Images whose shorter side is below this are rejected; as `[ingest]` says unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_side_px: Option<NonZeroU32>,
    /// Which of its items are wanted.
    #[serde(default, skip_serializing_if = "Select::is_all")]
    pub select: Select,
    /// The captioner, by its name in `[captioner]`; `prompt` is built in.
    #[serde(default = "default_captioner")]
    pub captioner: String,
    /// Further captioners: each gives its own caption, and a trainer draws one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_captioners: Vec<String>,
}

impl Collection {
    /// The names of its captioners, each once.
    pub fn captioners(&self) -> impl Iterator<Item = &str> {
        let more = self.more_captioners.iter().enumerate();
        let more = more.filter(|(at, name)| {
            **name != self.captioner && !self.more_captioners[..*at].contains(name)
        });
        std::iter::once(self.captioner.as_str()).chain(more.map(|(_, name)| name.as_str()))
    }
}

fn default_role() -> Role {
    Role::Train
}

fn default_captioner() -> String {
    BUILT_IN.to_owned()
}

fn role_schema(_: &mut SchemaGenerator) -> Schema {
    let words: Vec<_> = Role::ALL
        .iter()
        .map(|role| json!({ "const": role.as_str(), "description": role.meaning() }))
        .collect();
    schemars::json_schema!({ "oneOf": words })
}
