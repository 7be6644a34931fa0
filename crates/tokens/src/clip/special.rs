//! Which tokens have a role, and how added tokens match: what a tokenizer's configuration says.

use std::collections::HashMap;

use serde::Deserialize;

use super::added::{AddedToken, AddedTokens};
use super::lexicon::Lexicon;
use super::{END, START, SpecialTokens};
use crate::TokenError;

/// `tokenizer_config.json`, as far as ids depend on it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    #[serde(flatten)]
    pub(super) named: Named,
    #[serde(default)]
    pub(super) added_tokens_decoder: HashMap<u32, Written>,
    pub(super) model_max_length: Option<f64>,
}

/// The tokens that have a role: in `tokenizer_config.json` or `special_tokens_map.json`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    #[serde(rename = "bos_token")]
    bos: Option<Special>,
    #[serde(rename = "eos_token")]
    eos: Option<Special>,
    #[serde(rename = "unk_token")]
    unk: Option<Special>,
    #[serde(rename = "pad_token")]
    pad: Option<Special>,
}

/// A special token: its text, with or without the flags of its matching.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Special {
    Text(String),
    Written(Written),
}

/// An added token with its flags, as the files of this family write them.
#[expect(clippy::struct_excessive_bools, reason = "the format has four flags")]
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Written {
    pub(super) content: String,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
}

impl Named {
    /// Takes over what `other` says.
    pub(super) fn override_with(&mut self, other: Self) {
        let Self { bos, eos, unk, pad } = other;
        self.bos = bos.or(self.bos.take());
        self.eos = eos.or(self.eos.take());
        self.unk = unk.or(self.unk.take());
        self.pad = pad.or(self.pad.take());
    }

    /// The ids of the four roles.
    pub(super) fn ids(&self, lexicon: &Lexicon) -> Result<SpecialTokens, TokenError> {
        Ok(SpecialTokens {
            bos: lexicon.special("bos", self.bos())?,
            eos: lexicon.special("eos", self.eos())?,
            unk: lexicon.special("unk", self.unk())?,
            pad: lexicon.special("pad", self.pad())?,
        })
    }

    fn bos(&self) -> &str {
        self.bos.as_ref().map_or(START, Special::text)
    }

    fn eos(&self) -> &str {
        self.eos.as_ref().map_or(END, Special::text)
    }

    fn unk(&self) -> &str {
        self.unk.as_ref().map_or(END, Special::text)
    }

    fn pad(&self) -> &str {
        self.pad.as_ref().map_or(END, Special::text)
    }

    /// Whether a token has one of the four roles.
    pub(super) fn holds(&self, token: &str) -> bool {
        [self.bos(), self.eos(), self.unk(), self.pad()].contains(&token)
    }

    /// The four as added tokens; a bare text takes the flags that `known` has for it, else matches in the raw text.
    pub(super) fn written(&self, known: &[Written]) -> Vec<Written> {
        let roles = [
            (&self.bos, self.bos()),
            (&self.eos, self.eos()),
            (&self.unk, self.unk()),
            (&self.pad, self.pad()),
        ];
        let one = |(special, text): (&Option<Special>, &str)| {
            let known = known.iter().rfind(|written| written.content == text);
            match (known, special) {
                (Some(known), _) => known.clone(),
                (None, Some(Special::Written(written))) => written.clone(),
                (None, _) => Written::plain(text.to_owned(), false),
            }
        };
        roles.map(one).to_vec()
    }
}

impl Special {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Written(written) => &written.content,
        }
    }
}

impl Written {
    /// A token without flags, save whether it is looked for after normalisation.
    pub(super) fn plain(content: String, normalized: bool) -> Self {
        Self {
            content,
            normalized,
            lstrip: false,
            rstrip: false,
            single_word: false,
        }
    }
}

/// The added tokens with their ids; of two entries for one text the later counts.
pub(super) fn added_tokens(
    lexicon: &Lexicon,
    flags: Vec<Written>,
) -> Result<AddedTokens, TokenError> {
    let mut tokens: Vec<AddedToken> = Vec::new();
    for Written {
        content,
        normalized,
        lstrip,
        rstrip,
        single_word,
    } in flags
    {
        for (flag, is_set) in [
            ("lstrip", lstrip),
            ("rstrip", rstrip),
            ("single_word", single_word),
        ] {
            if is_set {
                return Err(TokenError::UnsupportedFlag {
                    token: content,
                    flag,
                });
            }
        }
        let id = lexicon.special("added", &content)?;
        tokens.retain(|token| token.content != content);
        tokens.push(AddedToken {
            content,
            id,
            is_normalized: normalized,
        });
    }
    Ok(AddedTokens::new(tokens))
}
