//! SentencePiece's byte-pair models (Kudo & Richardson 2018, arXiv:1808.06226), as Llama 2 and Vicuna have them.

use std::{collections::HashMap, path::Path};

use super::{
    merge::merge,
    proto::{Value, fields},
};
use crate::TokenError;

/// Stands for a space inside pieces.
const SPACE: char = '▁';
/// What an unknown piece reads as.
const UNKNOWN_TEXT: &str = " \u{2047} ";

/// The kinds of pieces, as the format numbers them.
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const UNUSED: u64 = 5;
const BYTE: u64 = 6;

/// The number of byte-pair models.
const BPE: u64 = 2;

#[derive(Debug)]
pub(super) struct SentencePiece {
    pieces: Vec<Piece>,
    ids: HashMap<String, u32>,
    bytes: Vec<Option<u32>>,
    unknown: u32,
    has_dummy_prefix: bool,
}

#[derive(Debug)]
struct Piece {
    text: String,
    score: f32,
    kind: u64,
}

/// A stretch of a text that may become one piece.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    start: usize,
    end: usize,
}

/// A score that can be ordered.
#[derive(PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl SentencePiece {
    pub(super) fn read(path: &Path) -> Result<Self, TokenError> {
        let bytes = fs_err::read(path)?;
        let refuse = |what: &'static str| TokenError::SentencePiece {
            path: path.to_owned(),
            what,
        };
        let damaged = || refuse("it is damaged or no SentencePiece model");
        let mut pieces = Vec::new();
        let (mut model_type, mut has_dummy_prefix, mut keeps_spaces, mut has_charsmap) =
            (1, true, false, false);
        for (field, value) in fields(&bytes).ok_or_else(damaged)? {
            let Value::Bytes(inner) = value else {
                continue;
            };
            match field {
                1 => pieces.push(Piece::read(inner).ok_or_else(damaged)?),
                2 => {
                    for field in fields(inner).ok_or_else(damaged)? {
                        if let (3, Value::Number(number)) = field {
                            model_type = number;
                        }
                    }
                }
                3 => {
                    for field in fields(inner).ok_or_else(damaged)? {
                        match field {
                            (2, Value::Bytes(map)) => has_charsmap = !map.is_empty(),
                            (3, Value::Number(flag)) => has_dummy_prefix = flag != 0,
                            (4, Value::Number(flag)) => keeps_spaces = flag == 0,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if pieces.is_empty() {
            return Err(damaged());
        }
        if model_type != BPE {
            return Err(refuse("it is no byte-pair model"));
        }
        if has_charsmap || !keeps_spaces {
            return Err(refuse("it normalises its text"));
        }
        if pieces.iter().any(|piece| piece.kind == USER_DEFINED) {
            return Err(refuse("it has pieces of its users"));
        }
        let unknown = pieces.iter().position(|piece| piece.kind == UNKNOWN);
        let mut tokenizer = Self {
            ids: HashMap::new(),
            bytes: vec![None; 256],
            unknown: unknown.ok_or_else(damaged)? as u32,
            has_dummy_prefix,
            pieces,
        };
        for (id, piece) in tokenizer.pieces.iter().enumerate() {
            tokenizer.ids.insert(piece.text.clone(), id as u32);
            if let Some(byte) = piece.byte() {
                tokenizer.bytes[usize::from(byte)] = Some(id as u32);
            }
        }
        Ok(tokenizer)
    }

    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        let mut escaped = String::with_capacity(text.len() + 8);
        if self.has_dummy_prefix {
            escaped.push(SPACE);
        }
        escaped.extend(text.chars().map(|c| if c == ' ' { SPACE } else { c }));
        let letters = escaped.char_indices().map(|(start, c)| Stretch {
            start,
            end: start + c.len_utf8(),
        });
        let lookup = |left: Stretch, right: Stretch| {
            let merged = Stretch {
                start: left.start,
                end: right.end,
            };
            let piece = &self.pieces[self.normal(&escaped[merged.start..merged.end])? as usize];
            Some((Score(piece.score), merged))
        };
        let mut ids = Vec::new();
        for stretch in merge(letters, lookup) {
            let text = &escaped[stretch.start..stretch.end];
            match self.normal(text) {
                Some(id) => ids.push(id),
                None => self.fall_back(text, &mut ids),
            }
        }
        ids
    }

    /// The id of a piece that text may become.
    fn normal(&self, text: &str) -> Option<u32> {
        let id = *self.ids.get(text)?;
        let kind = self.pieces[id as usize].kind;
        (![UNKNOWN, CONTROL, UNUSED, BYTE].contains(&kind)).then_some(id)
    }

    /// The bytes of a text without a piece; the unknown piece where the model has no bytes.
    fn fall_back(&self, text: &str, ids: &mut Vec<u32>) {
        let bytes: Option<Vec<u32>> = text
            .bytes()
            .map(|byte| self.bytes[usize::from(byte)])
            .collect();
        match bytes {
            Some(bytes) => ids.extend(bytes),
            None => ids.push(self.unknown),
        }
    }

    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        let mut pending = Vec::new();
        let mut is_start = true;
        for id in ids {
            let Some(piece) = self.pieces.get(*id as usize) else {
                continue;
            };
            if let Some(byte) = piece.byte() {
                pending.push(byte);
                is_start = false;
                continue;
            }
            flush(&mut pending, &mut text);
            match piece.kind {
                CONTROL => continue,
                UNKNOWN => text.push_str(UNKNOWN_TEXT),
                _ => {
                    let piece = if is_start && self.has_dummy_prefix {
                        piece.text.strip_prefix(SPACE).unwrap_or(&piece.text)
                    } else {
                        &piece.text
                    };
                    text.extend(piece.chars().map(|c| if c == SPACE { ' ' } else { c }));
                }
            }
            is_start = false;
        }
        flush(&mut pending, &mut text);
        text
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }
}

impl Piece {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut piece = Self {
            text: String::new(),
            score: 0.0,
            kind: 1,
        };
        for field in fields(bytes)? {
            match field {
                (1, Value::Bytes(text)) => piece.text = String::from_utf8(text.to_vec()).ok()?,
                (2, Value::Float(score)) => piece.score = score,
                (3, Value::Number(kind)) => piece.kind = kind,
                _ => {}
            }
        }
        Some(piece)
    }

    /// The byte that `<0x41>` stands for.
    fn byte(&self) -> Option<u8> {
        let digits = self.text.strip_prefix("<0x")?.strip_suffix('>')?;
        (self.kind == BYTE).then(|| u8::from_str_radix(digits, 16).ok())?
    }
}

/// Appends the text of bytes; every byte that belongs to no character becomes `U+FFFD`, as SentencePiece has it.
pub(super) fn flush(bytes: &mut Vec<u8>, text: &mut String) {
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(valid) => valid,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        text.push_str(valid);
        rest = &rest[valid.len()..];
        if let Some((_, after)) = rest.split_first() {
            text.push(char::REPLACEMENT_CHARACTER);
            rest = after;
        }
    }
    bytes.clear();
}
