//! Where a flag starts, and how far its value goes.

use crate::flag::Flag;
use crate::parameter::Parameter;
use crate::shape::Shape;
use crate::token::{Token, is_url, join, tokens};

/// How far ahead to look for a value that tells carelessly written dashes from prose.
const TELLING_TOKENS: usize = 16;

/// Where a flag starts: its dashes, its name, and the value that is glued to it, if one is.
pub(crate) struct Start<'a> {
    parameter: Option<Parameter>,
    /// The name as found, for a flag that is not known.
    name: String,
    /// `16:9` of `--ar16:9` and of `--ar=16:9`.
    glued: Option<&'a str>,
    /// How many tokens it takes up.
    pub tokens: usize,
}

impl<'a> Start<'a> {
    /// The flag that starts at the first of these tokens.
    ///
    /// Two hyphens before a letter always make one; a dash that an editor made of them (`—ar`) only before a
    /// known name; dashes apart from the name (`-- ar 16:9`) only if a fitting value follows too.
    pub(crate) fn at(tokens: &[Token<'a>]) -> Option<Self> {
        let (dashes, rest) = split_dashes(tokens.first()?.text)?;
        if rest.is_empty() {
            let start = Self {
                tokens: 2,
                ..Self::known(tokens.get(1)?.text)?
            };
            return start.is_told_by_value(&tokens[2..]).then_some(start);
        }
        if let Some(known) = Self::known(rest) {
            return Some(known);
        }
        if !dashes.bytes().all(|b| b == b'-') {
            return None;
        }
        if rest.starts_with('{') {
            return Self::permutation(tokens, rest);
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let (name, glued) = match rest.split_once('=') {
            Some((name, value))
                if is_plain_name(name)
                    && Parameter::from_name(name).is_none()
                    && !value.starts_with(is_dash) =>
            {
                (name, (!value.is_empty()).then_some(value))
            }
            _ => (rest, None),
        };
        Some(Self {
            parameter: None,
            name: name.to_owned(),
            glued,
            tokens: 1,
        })
    }

    /// A known name, perhaps with its value glued on: `ar`, `ar:`, `ar16:9`, `ar=16:9`.
    fn known(word: &'a str) -> Option<Self> {
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, tail) = word.split_at(letters);
        let parameter = Parameter::from_name(name)?;
        let value = tail.trim_start_matches(['=', ':', ',', ';']);
        let glued = match value.chars().next() {
            _ if tail[..tail.len() - value.len()].contains("::") => return None,
            None => None,
            _ if parameter.is_switch() => return None,
            Some(first) if is_dash(first) && value.len() != tail.len() => return None,
            Some(_) if value.len() != tail.len() => Some(value),
            Some('0'..='9' | '.' | '{') => Some(value),
            Some('-') if value[1..].starts_with(|c: char| c.is_ascii_digit()) => Some(value),
            Some(_) => return None,
        };
        Some(Self {
            parameter: Some(parameter),
            name: String::new(),
            glued,
            tokens: 1,
        })
    }

    /// `--{v 5, niji, test}`: a permutation of whole flags, kept as one name.
    fn permutation(tokens: &[Token<'a>], first: &str) -> Option<Self> {
        let mut words = vec![Token {
            text: first,
            is_spaced: true,
        }];
        let rest = tokens
            .iter()
            .skip(1)
            .take_while(|token| !token.text.starts_with(is_dash));
        words.extend(rest.copied());
        let taken = Shape::Unknown.take(&words);
        let name = join(&words[..taken]);
        (taken > 0).then_some(Self {
            parameter: None,
            name,
            glued: None,
            tokens: taken,
        })
    }

    fn shape(&self) -> Shape {
        self.parameter.map_or(Shape::Unknown, Parameter::shape)
    }

    fn is_told_by_value(&self, after: &[Token<'a>]) -> bool {
        let after = &after[..after.len().min(TELLING_TOKENS)];
        let end = after.iter().position(has_dashes).unwrap_or(after.len());
        self.shape().is_telling() && self.shape().take(&self.value_tokens(&after[..end])) > 0
    }

    fn value_tokens(&self, after: &[Token<'a>]) -> Vec<Token<'a>> {
        let glued = self.glued.map(tokens).unwrap_or_default();
        glued.into_iter().chain(after.iter().copied()).collect()
    }

    /// The flag, and the tokens before the next one that are not its value.
    pub(crate) fn with_value(self, segment: &[Token<'a>]) -> (Flag, Vec<Token<'a>>) {
        let mut tokens = self.value_tokens(segment);
        let shape = self.shape();
        let mut taken = shape.take(&tokens);
        // A lone word, or one that is glued on, is the value even if a wrong one.
        if taken == 0 && shape.takes_any_word() && (tokens.len() == 1 || self.glued.is_some()) {
            taken = 1;
        }
        let rest = tokens.split_off(taken);
        let value = (taken > 0).then(|| join(&tokens));
        let flag = match self.parameter {
            Some(parameter) => Flag::known(parameter, value),
            None => Flag::unknown(self.name, value),
        };
        (flag, rest)
    }
}

/// Where in a word its last flag starts, if one is glued to what stands before it. The tokens after the word
/// come last one first.
pub(crate) fn glued_start<'a>(word: &'a str, after_reversed: &[Token<'a>]) -> Option<usize> {
    if is_url(word) {
        return None;
    }
    let starts_dashes =
        |at: usize| at > 0 && word[at..].starts_with(is_dash) && !word[..at].ends_with(is_dash);
    let starts = word
        .char_indices()
        .rev()
        .map(|(at, _)| at)
        .filter(|at| starts_dashes(*at));
    let mut starts = starts.filter_map(|at| {
        let (_, rest) = split_dashes(&word[at..])?;
        Some((at, Start::known(rest)?))
    });
    starts
        .find(|(_, start)| {
            let after = after_reversed.iter().rev().take(TELLING_TOKENS);
            start.is_told_by_value(&after.copied().collect::<Vec<_>>())
        })
        .map(|(at, _)| at)
}

fn has_dashes(token: &Token<'_>) -> bool {
    split_dashes(token.text).is_some()
}

fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Splits the dashes that can start a flag from what follows: two hyphens or more, or a dash that an editor
/// made of them.
fn split_dashes(word: &str) -> Option<(&str, &str)> {
    let rest = word.trim_start_matches(is_dash);
    let dashes = &word[..word.len() - rest.len()];
    (dashes.len() >= 2).then_some((dashes, rest))
}

fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2012}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
    )
}
