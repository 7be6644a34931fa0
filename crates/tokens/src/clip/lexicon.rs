//! The vocabulary and its merges: built in, or as files give them.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;

use super::alphabet::{CHAR_OF_BYTE, bytes_in_vocabulary_order};
use super::bpe::{Encoder, Merges};
use super::{END, START};
use crate::TokenError;

/// CLIP's merges in the order of learning, one a line; `data/LICENSE` says whence.
const OPENAI_MERGES: &[u8] = include_bytes!("../../data/clip_merges.txt.gz");
/// Marks the last symbol of a word.
const END_OF_WORD: &str = "</w>";

/// Every token with its id, and the merges that make them.
#[derive(Debug)]
pub(super) struct Lexicon {
    ids: HashMap<String, u32>,
    /// As `merges.txt` writes them.
    lines: Vec<String>,
    merges: Merges,
}

impl Lexicon {
    /// CLIP's vocabulary of 49,408 tokens.
    ///
    /// Its order: the bytes, the bytes at a word's end, the results of the merges, the two marks.
    pub(super) fn openai() -> Result<Self, TokenError> {
        let mut text = String::new();
        GzDecoder::new(OPENAI_MERGES).read_to_string(&mut text)?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let bytes = || bytes_in_vocabulary_order().map(|byte| CHAR_OF_BYTE[usize::from(byte)]);
        let tokens = bytes()
            .map(String::from)
            .chain(bytes().map(|c| format!("{c}{END_OF_WORD}")))
            .chain(lines.iter().map(|line| line.replace(' ', "")))
            .chain([START.to_owned(), END.to_owned()]);
        let ids = tokens.zip(0..).collect();
        Self::new(ids, lines)
    }

    /// A vocabulary with its merges, each line two symbols with a space between.
    pub(super) fn new(ids: HashMap<String, u32>, lines: Vec<String>) -> Result<Self, TokenError> {
        let merges = lines
            .iter()
            .enumerate()
            .map(|(at, line)| {
                let number = at + 1;
                let id = |token: &str| {
                    let missing = || TokenError::MergeOutsideVocabulary {
                        number,
                        token: token.to_owned(),
                    };
                    ids.get(token).copied().ok_or_else(missing)
                };
                let (left, right) = line
                    .split_once(' ')
                    .filter(|(left, right)| !left.is_empty() && !right.is_empty())
                    .ok_or_else(|| TokenError::BadMerge {
                        number,
                        line: line.clone(),
                    })?;
                Ok((id(left)?, id(right)?, id(&format!("{left}{right}"))?))
            })
            .collect::<Result<Vec<_>, TokenError>>()?;
        let merges = Merges::new(
            |byte| {
                let c = CHAR_OF_BYTE[usize::from(byte)];
                let id = |token: String| ids.get(&token).copied();
                (id(c.to_string()), id(format!("{c}{END_OF_WORD}")))
            },
            &merges,
        );
        Ok(Self { ids, lines, merges })
    }

    /// The id of a special token.
    pub(super) fn special(&self, role: &'static str, token: &str) -> Result<u32, TokenError> {
        let missing = || TokenError::MissingSpecial {
            role,
            token: token.to_owned(),
        };
        self.ids.get(token).copied().ok_or_else(missing)
    }

    /// How many ids there are, gaps included.
    pub(super) fn len(&self) -> usize {
        self.ids.values().max().map_or(0, |&last| last as usize + 1)
    }

    /// Every token with its id, by id.
    pub(super) fn tokens(&self) -> Vec<(&str, u32)> {
        let mut tokens: Vec<_> = self
            .ids
            .iter()
            .map(|(token, &id)| (token.as_str(), id))
            .collect();
        tokens.sort_by_key(|&(_, id)| id);
        tokens
    }

    /// The merges, as `merges.txt` writes them.
    pub(super) fn merge_lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn encoder(&self, unk: u32) -> Encoder<'_> {
        self.merges.encoder(unk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_vocabulary_is_clips() {
        let lexicon = Lexicon::openai().unwrap();
        assert_eq!(lexicon.len(), 49_408);
        assert_eq!(lexicon.ids.len(), 49_408, "no token twice");
        assert_eq!(lexicon.lines.len(), 48_894);
        let id = |token| lexicon.special("bos", token).unwrap();
        assert_eq!(
            [id("!"), id("!</w>"), id("in"), id("cat</w>")],
            [0, 256, 512, 2368]
        );
        assert_eq!([id(START), id(END)], [49_406, 49_407]);
    }

    #[test]
    fn a_merge_outside_the_vocabulary_is_named_with_its_line() {
        let ids: HashMap<String, u32> = ["a", "b", "ab"]
            .into_iter()
            .map(str::to_owned)
            .zip(0..)
            .collect();
        let error = |line: &str| {
            Lexicon::new(ids.clone(), vec!["a b".to_owned(), line.to_owned()])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error("ab c"),
            "merge 2 needs the token `c`, which the vocabulary lacks"
        );
        assert_eq!(
            error("b a"),
            "merge 2 needs the token `ba`, which the vocabulary lacks"
        );
        assert_eq!(
            error("ab"),
            "merge 2 is `ab`, expected two symbols with a space between"
        );
    }
}
