//! `tokenizer.json`: byte-pair encoding over bytes (GPT-2, Llama 3, Qwen 2) or over characters (Llama 2).

use std::{cmp::Reverse, collections::HashMap, path::Path};

use serde_json::Value;

use super::{merge::merge, sentencepiece::flush, split::Split};
use crate::{TokenError, clip::CHAR_OF_BYTE};

/// Stands for a space inside tokens over characters.
const SPACE: char = '▁';

/// (left, right) to the rank of their merge and what it makes.
type Merges = HashMap<(u32, u32), (u32, u32)>;

#[derive(Debug)]
pub(super) struct HuggingFace {
    ids: HashMap<String, u32>,
    tokens: HashMap<u32, String>,
    merges: Merges,
    /// Tokens that are found in a text before anything else, the longest first; whether each is special.
    added: Vec<(String, u32)>,
    special: Vec<u32>,
    alphabet: Alphabet,
    /// A piece that is a token is not put together from its merges.
    ignores_merges: bool,
    unknown: Option<u32>,
}

/// What the symbols of a text are.
#[derive(Debug)]
enum Alphabet {
    /// Bytes, written as printable characters.
    Bytes {
        split: Split,
        byte_of_char: HashMap<char, u8>,
    },
    /// Characters, a space written as `▁`; those without a token fall back to their bytes.
    Characters { has_prefix: bool },
}

impl HuggingFace {
    pub(super) fn read(path: &Path) -> Result<Self, TokenError> {
        let text = fs_err::read_to_string(path)?;
        let json: Value = serde_json::from_str(&text).map_err(|source| TokenError::Json {
            path: path.to_owned(),
            source,
        })?;
        let refuse = |key: &'static str, found: &Value| TokenError::NotText {
            path: path.to_owned(),
            key,
            found: found.to_string().chars().take(120).collect(),
        };
        let model = &json["model"];
        if model["type"] != "BPE" {
            return Err(refuse("model.type", &model["type"]));
        }
        let Some(vocabulary) = model["vocab"].as_object() else {
            return Err(refuse("model.vocab", &model["vocab"]));
        };
        let mut ids: HashMap<String, u32> = vocabulary
            .iter()
            .filter_map(|(token, id)| Some((token.clone(), u32::try_from(id.as_u64()?).ok()?)))
            .collect();
        let alphabet = if model["byte_fallback"] == true {
            Alphabet::Characters {
                has_prefix: has_prefix(&json),
            }
        } else {
            let split = split_of(&json["pre_tokenizer"])
                .ok_or_else(|| refuse("pre_tokenizer", &json["pre_tokenizer"]))?;
            let byte_of_char = CHAR_OF_BYTE.iter().copied().zip(0..=255).collect();
            Alphabet::Bytes {
                split,
                byte_of_char,
            }
        };
        let merges = read_merges(model, &ids)?;
        let (mut added, mut special) = (Vec::new(), Vec::new());
        for token in json["added_tokens"].as_array().into_iter().flatten() {
            if let (Some(content), Some(id)) = (token["content"].as_str(), token["id"].as_u64()) {
                let id = id as u32;
                ids.insert(content.to_owned(), id);
                added.push((content.to_owned(), id));
                if token["special"] == true {
                    special.push(id);
                }
            }
        }
        added.retain(|(content, _)| !content.is_empty());
        added.sort_by_key(|(content, _)| Reverse(content.len()));
        let unknown = model["unk_token"]
            .as_str()
            .and_then(|token| ids.get(token).copied());
        Ok(Self {
            tokens: ids.iter().map(|(token, id)| (*id, token.clone())).collect(),
            ids,
            merges,
            added,
            special,
            alphabet,
            ignores_merges: model["ignore_merges"] == true,
            unknown,
        })
    }

    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        let mut is_start = true;
        while !rest.is_empty() {
            let found = self
                .added
                .iter()
                .filter_map(|(token, id)| Some((rest.find(token.as_str())?, token, *id)))
                .min_by_key(|(at, token, _)| (*at, Reverse(token.len())));
            let end = found.as_ref().map_or(rest.len(), |(at, ..)| *at);
            if end > 0 {
                self.encode_plain(&rest[..end], is_start, &mut ids);
            }
            rest = &rest[end..];
            if let Some((_, token, id)) = found {
                ids.push(id);
                rest = &rest[token.len()..];
            }
            is_start = false;
        }
        ids
    }

    fn encode_plain(&self, text: &str, is_start: bool, ids: &mut Vec<u32>) {
        match &self.alphabet {
            Alphabet::Bytes { split, .. } => split.for_each(text, |piece| {
                let written: String = piece
                    .bytes()
                    .map(|byte| CHAR_OF_BYTE[usize::from(byte)])
                    .collect();
                self.encode_piece(&written, ids);
            }),
            Alphabet::Characters { has_prefix } => {
                let mut written = String::with_capacity(text.len() + 8);
                if *has_prefix && is_start {
                    written.push(SPACE);
                }
                written.extend(text.chars().map(|c| if c == ' ' { SPACE } else { c }));
                self.encode_piece(&written, ids);
            }
        }
    }

    fn encode_piece(&self, piece: &str, ids: &mut Vec<u32>) {
        if self.ignores_merges
            && let Some(id) = self.ids.get(piece)
        {
            ids.push(*id);
            return;
        }
        let mut symbols = Vec::with_capacity(piece.len());
        let mut letter = [0; 4];
        for c in piece.chars() {
            let c: &str = c.encode_utf8(&mut letter);
            match self.ids.get(c) {
                Some(id) => symbols.push(*id),
                None => {
                    for byte in c.bytes() {
                        symbols.extend(
                            self.ids
                                .get(&format!("<0x{byte:02X}>"))
                                .or(self.unknown.as_ref()),
                        );
                    }
                }
            }
        }
        let merged = merge(symbols, |left, right| {
            let (rank, result) = *self.merges.get(&(left, right))?;
            Some((Reverse(rank), result))
        });
        ids.extend(merged);
    }

    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let tokens = ids
            .iter()
            .filter(|id| !self.special.contains(id))
            .filter_map(|id| self.tokens.get(id));
        match &self.alphabet {
            Alphabet::Bytes { byte_of_char, .. } => {
                let bytes: Vec<u8> = tokens
                    .flat_map(|token| token.chars())
                    .filter_map(|c| byte_of_char.get(&c).copied())
                    .collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Alphabet::Characters { has_prefix } => {
                let (mut text, mut pending) = (String::new(), Vec::new());
                for token in tokens {
                    let byte = token
                        .strip_prefix("<0x")
                        .and_then(|token| token.strip_suffix('>'))
                        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    if let Some(byte) = byte {
                        pending.push(byte);
                    } else {
                        flush(&mut pending, &mut text);
                        text.extend(token.chars().map(|c| if c == SPACE { ' ' } else { c }));
                    }
                }
                flush(&mut pending, &mut text);
                match text.strip_prefix(' ') {
                    Some(stripped) if *has_prefix => stripped.to_owned(),
                    _ => text,
                }
            }
        }
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.ids.values().max().map_or(0, |&last| last as usize + 1)
    }
}

/// The merges of a model, with the ids of what they join.
fn read_merges(model: &Value, ids: &HashMap<String, u32>) -> Result<Merges, TokenError> {
    let mut merges = HashMap::new();
    for (rank, merge) in model["merges"].as_array().into_iter().flatten().enumerate() {
        let pair = match merge {
            Value::String(line) => line.split_once(' '),
            Value::Array(pair) => pair
                .first()
                .and_then(Value::as_str)
                .zip(pair.get(1).and_then(Value::as_str)),
            _ => None,
        };
        let (left, right) = pair.ok_or_else(|| TokenError::BadMerge {
            number: rank + 1,
            line: merge.to_string(),
        })?;
        let id = |token: &str| {
            ids.get(token)
                .copied()
                .ok_or_else(|| TokenError::MergeOutsideVocabulary {
                    number: rank + 1,
                    token: token.to_owned(),
                })
        };
        let result = id(&format!("{left}{right}"))?;
        merges.insert((id(left)?, id(right)?), (rank as u32, result));
    }
    Ok(merges)
}

/// The expression by which bytes are split: in a `Split`, or the one that `ByteLevel` has built in.
fn split_of(pre_tokenizer: &Value) -> Option<Split> {
    let own;
    let steps: &[Value] = if let Some(steps) = pre_tokenizer["pretokenizers"].as_array() {
        steps
    } else {
        own = [pre_tokenizer.clone()];
        &own
    };
    let of = |kind: &str| steps.iter().find(|step| step["type"] == kind);
    if let Some(step) = of("Split") {
        return Split::from_pattern(step["pattern"]["Regex"].as_str()?);
    }
    let step = of("ByteLevel")?;
    (step["add_prefix_space"] != true && step["use_regex"] != false).then_some(Split::Gpt2)
}

/// Whether a text is given a space before its first word: by its normaliser or by its pre-tokenizer.
fn has_prefix(json: &Value) -> bool {
    let normalizer = &json["normalizer"];
    let steps = normalizer["normalizers"].as_array();
    let prepends = |step: &Value| step["type"] == "Prepend";
    prepends(normalizer)
        || steps.is_some_and(|steps| steps.iter().any(prepends))
        || ["first", "always"]
            .map(Value::from)
            .contains(&json["pre_tokenizer"]["prepend_scheme"])
}
