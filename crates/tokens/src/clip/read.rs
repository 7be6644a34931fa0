//! A tokenizer's folder in the layout of diffusers, read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::lexicon::Lexicon;
use super::special::{Config, Named, Written, added_tokens};
use super::{CONTEXT, ClipTokenizer};
use crate::TokenError;

pub(super) const CONFIG: &str = "tokenizer_config.json";
pub(super) const SPECIAL: &str = "special_tokens_map.json";
pub(super) const VOCAB: &str = "vocab.json";
pub(super) const MERGES: &str = "merges.txt";
const ADDED: &str = "added_tokens.json";
const WHOLE: &str = "tokenizer.json";

/// A `model_max_length` above this says "no limit", which a text encoder always has.
const NO_LIMIT: f64 = 1e6;

/// `tokenizer.json`.
#[derive(Debug, Deserialize)]
struct Whole {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<WholeAdded>,
}

#[derive(Debug, Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    end_of_word_suffix: Option<String>,
    vocab: Value,
    #[serde(default)]
    merges: Vec<Merge>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair([String; 2]),
}

#[derive(Debug, Deserialize)]
struct WholeAdded {
    id: u32,
    #[serde(flatten)]
    written: Written,
}

/// What a folder says, before the special tokens are looked up.
#[derive(Default)]
struct Parts {
    ids: HashMap<String, u32>,
    merges: Vec<String>,
    added: Vec<Written>,
    named: Named,
    context: Option<f64>,
}

impl ClipTokenizer {
    /// The tokenizer of a diffusers folder (`tokenizer/` or `tokenizer_2/`).
    ///
    /// Reads `vocab.json` + `merges.txt`, else `tokenizer.json`; special tokens, their flags and the length come from
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` where those exist.
    ///
    /// # Errors
    /// If a file is missing or malformed, if the vocabulary and the merges disagree, or if a special token has no id.
    pub fn from_folder(folder: &Path) -> Result<Self, TokenError> {
        let mut parts = Parts::default();
        if folder.join(VOCAB).exists() && folder.join(MERGES).exists() {
            parts.ids = read(&folder.join(VOCAB))?;
            parts.merges = read_merges(&folder.join(MERGES))?;
        } else if folder.join(WHOLE).exists() {
            parts.read_whole(&folder.join(WHOLE))?;
        } else {
            return Err(TokenError::NoTokenizer {
                folder: folder.to_owned(),
            });
        }
        parts.read_roles(folder)?;

        let Parts {
            ids,
            merges,
            mut added,
            named,
            context,
        } = parts;
        let context = context
            .filter(|&length| length < NO_LIMIT)
            .map_or(CONTEXT, |x| x as usize);
        if context < 3 {
            return Err(TokenError::ContextTooShort { found: context });
        }
        let lexicon = Lexicon::new(ids, merges)?;
        added.extend(named.written(&added));
        Ok(Self {
            special: named.ids(&lexicon)?,
            added: added_tokens(&lexicon, added)?,
            lexicon: Arc::new(lexicon),
            context,
        })
    }
}

impl Parts {
    /// The vocabulary, merges and added tokens of a `tokenizer.json`.
    fn read_whole(&mut self, path: &Path) -> Result<(), TokenError> {
        let Whole {
            model,
            added_tokens,
        } = read(path)?;
        let not_clip = |key, found: Option<&str>, expected| TokenError::NotClip {
            path: path.to_owned(),
            key,
            found: found.map_or_else(|| "absent".to_owned(), |found| format!("`{found}`")),
            expected,
        };
        if model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
            return Err(not_clip("model.type", model.kind.as_deref(), "`BPE`"));
        }
        if model.end_of_word_suffix.as_deref() != Some("</w>") {
            let found = model.end_of_word_suffix.as_deref();
            return Err(not_clip("model.end_of_word_suffix", found, "`</w>`"));
        }
        self.ids = serde_json::from_value(model.vocab).map_err(|source| TokenError::Json {
            path: path.to_owned(),
            source,
        })?;
        for WholeAdded { id, written } in added_tokens {
            self.ids.insert(written.content.clone(), id);
            self.added.push(written);
        }
        let line = |merge| match merge {
            Merge::Line(line) => line,
            Merge::Pair([left, right]) => format!("{left} {right}"),
        };
        self.merges = model.merges.into_iter().map(line).collect();
        Ok(())
    }

    /// The special tokens: the configuration alone if it lists added tokens, else with the older files beside it.
    fn read_roles(&mut self, folder: &Path) -> Result<(), TokenError> {
        let config: Config = read_optional(&folder.join(CONFIG))?.unwrap_or_default();
        self.named = config.named;
        self.context = config.model_max_length;
        let mut decoder: Vec<_> = config.added_tokens_decoder.into_iter().collect();
        if decoder.is_empty() {
            self.named
                .override_with(read_optional(&folder.join(SPECIAL))?.unwrap_or_default());
            let added: HashMap<String, u32> =
                read_optional(&folder.join(ADDED))?.unwrap_or_default();
            decoder.extend(added.into_iter().map(|(content, id)| {
                let is_normalized = !self.named.holds(&content);
                (id, Written::plain(content, is_normalized))
            }));
        }
        decoder.sort_by_key(|&(id, _)| id);
        for (id, written) in decoder {
            self.ids.insert(written.content.clone(), id);
            self.added.push(written);
        }
        Ok(())
    }
}

fn read_merges(path: &Path) -> Result<Vec<String>, TokenError> {
    let text = fs::read_to_string(path)?;
    let is_merge = |line: &&str| !line.is_empty() && !line.starts_with("#version");
    Ok(text.lines().filter(is_merge).map(str::to_owned).collect())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, TokenError> {
    let text = fs::read_to_string(path)?;
    serde_json::from_str(&text).map_err(|source| TokenError::Json {
        path: path.to_owned(),
        source,
    })
}

fn read_optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, TokenError> {
    if path.exists() {
        read(path).map(Some)
    } else {
        Ok(None)
    }
}
