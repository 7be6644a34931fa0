//! What values look like, by which they are told from prompt text.

use crate::token::{Token, is_url, join, split_weight};

/// What the value of a parameter looks like, by which it is told from prompt text that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No value.
    Switch,
    /// `16:9`, spaces allowed.
    Ratio,
    /// One number.
    Number,
    /// One number, or nothing.
    NumberOrBare,
    /// A number, or `random`.
    Seed,
    /// The name or code of a style.
    Style,
    /// Links, codes and `random`, each perhaps with a weight.
    References,
    /// Codes of profiles.
    Profiles,
    /// Everything up to the next flag.
    Rest,
    /// The value of a flag that nobody knows.
    Unknown,
}

impl Shape {
    /// Whether a value of this shape is sure enough to make a flag of carelessly written dashes.
    pub(crate) fn is_telling(self) -> bool {
        matches!(
            self,
            Self::Ratio | Self::Number | Self::NumberOrBare | Self::Seed | Self::References
        )
    }

    /// How many of the tokens that follow a flag are its value; the others are prompt text.
    ///
    /// Taking again from just the tokens that were taken takes them all: printing relies on it.
    pub(crate) fn take(self, tokens: &[Token<'_>]) -> usize {
        let Some(first) = tokens.first() else {
            return 0;
        };
        if !matches!(self, Self::Switch | Self::Rest)
            && let Some(taken) = take_braces(tokens)
        {
            return taken;
        }
        let count = |is: fn(&str) -> bool| tokens.iter().take_while(|token| is(token.text)).count();
        match self {
            Self::Switch => 0,
            Self::Rest => tokens.len(),
            Self::Ratio => take_ratio(tokens),
            Self::Number | Self::NumberOrBare => usize::from(is_number(first.text)),
            Self::Seed => usize::from(is_number(first.text) || is_random(first.text)),
            Self::Style => usize::from(is_style(first.text)),
            Self::References => count(is_reference),
            Self::Profiles => count(is_code),
            Self::Unknown => usize::from(first.text.starts_with(|c: char| c.is_ascii_digit())),
        }
    }

    /// Whether a single word that follows is the value even if it does not look like one, rather than text.
    pub(crate) fn takes_any_word(self) -> bool {
        !matches!(self, Self::Switch | Self::NumberOrBare)
    }
}

/// A value without the punctuation that prose puts behind it.
pub(crate) fn trim_value(value: &str) -> &str {
    value.trim_end_matches([',', ';', '.'])
}

/// `{1:1, 16:9}`: the tokens of a permutation in braces, if one starts here and ends on a token.
fn take_braces(tokens: &[Token<'_>]) -> Option<usize> {
    if !tokens.first()?.text.starts_with('{') {
        return None;
    }
    let mut depth = 0_i64;
    for (index, token) in tokens.iter().enumerate() {
        depth += token.text.matches('{').count() as i64 - token.text.matches('}').count() as i64;
        if depth <= 0 {
            return Some(index + 1);
        }
    }
    None
}

/// `16:9`, `16 : 9` and the like; else a word that starts as a number does.
fn take_ratio(tokens: &[Token<'_>]) -> usize {
    for end in 1..=tokens.len().min(3) {
        let text = join(&tokens[..end]);
        let text: String = text.split(' ').collect();
        if let Some((width, height)) = trim_value(&text).split_once([':', '/', 'x', '×', '：'])
            && is_number(width)
            && is_number(height)
        {
            return end;
        }
    }
    usize::from(
        tokens
            .first()
            .is_some_and(|t| t.text.starts_with(|c: char| c.is_ascii_digit())),
    )
}

fn is_number(word: &str) -> bool {
    let word = trim_value(word);
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    digits.contains(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1
}

fn is_random(word: &str) -> bool {
    trim_value(word).eq_ignore_ascii_case("random")
}

/// Letters and digits, some of them digits, joined by hyphens.
pub(crate) fn is_code(word: &str) -> bool {
    let word = trim_value(word);
    let word = split_weight(word).map_or(word, |(code, _)| code);
    word.contains(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_style(word: &str) -> bool {
    const NAMES: [&str; 6] = ["raw", "cute", "expressive", "original", "scenic", "random"];
    let name = trim_value(word);
    NAMES.iter().any(|style| style.eq_ignore_ascii_case(name)) || is_code(word)
}

fn is_reference(word: &str) -> bool {
    let name = split_weight(word).map_or(word, |(name, _)| name);
    is_url(word) || is_random(name) || is_number(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    fn taken(shape: Shape, text: &str) -> usize {
        shape.take(&tokens(text))
    }

    #[test]
    fn a_value_ends_where_text_begins() {
        assert_eq!(taken(Shape::Ratio, "16 : 9 on a mat"), 3);
        assert_eq!(taken(Shape::Ratio, "16:9, 2 cats"), 1);
        assert_eq!(taken(Shape::Ratio, "on a mat"), 0);
        assert_eq!(taken(Shape::Number, "750 cats"), 1);
        assert_eq!(
            taken(Shape::References, "https://x.png::2 1234 random a cat"),
            3
        );
        assert_eq!(taken(Shape::Style, "cute cat"), 1);
        assert_eq!(taken(Shape::Profiles, "31dqpqy m77 cats"), 2);
        assert_eq!(taken(Shape::Rest, "hands, feet"), 2);
    }

    #[test]
    fn a_permutation_is_one_value() {
        assert_eq!(taken(Shape::Ratio, "{1:1, {16:9, 9:16}} cat"), 3);
        assert_eq!(taken(Shape::Number, "{1, 2"), 0);
    }
}
