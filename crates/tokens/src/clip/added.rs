//! Tokens that are cut out of a text before anything else looks at it.

use std::borrow::Cow;

use super::normalize::normalize;

/// A token that stands for itself wherever its text occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddedToken {
    /// The text that it matches.
    pub(super) content: String,
    /// Its id.
    pub(super) id: u32,
    /// Whether it is looked for after normalisation (any case), or in the raw text.
    pub(super) is_normalized: bool,
}

/// The added tokens of a tokenizer, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AddedTokens {
    raw: Vec<AddedToken>,
    normalized: Vec<AddedToken>,
}

/// A part of a text: an added token, or text between two of them, normalised.
pub(super) enum Part<'t> {
    /// An added token's id.
    Token(u32),
    /// Normalised text.
    Text(&'t str),
}

impl AddedTokens {
    pub(super) fn new(tokens: impl IntoIterator<Item = AddedToken>) -> Self {
        let mut this = Self::default();
        for token in tokens {
            if token.content.is_empty() {
                continue;
            }
            if token.is_normalized {
                let content = normalize(&token.content).into_owned();
                this.normalized.push(AddedToken { content, ..token });
            } else {
                this.raw.push(token);
            }
        }
        for tokens in [&mut this.raw, &mut this.normalized] {
            // Of two that start at one place, the longer one matches.
            tokens.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
        }
        this
    }

    /// All of them, as `special_tokens_map.json` and `tokenizer_config.json` list them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &AddedToken> {
        self.raw.iter().chain(&self.normalized)
    }

    /// Calls `each` with the parts of a text, in order.
    pub(super) fn for_each_part(&self, text: &str, mut each: impl FnMut(Part<'_>)) {
        for_each_cut(&self.raw, text, |part| match part {
            Part::Token(id) => each(Part::Token(id)),
            Part::Text(raw) => {
                let normal: Cow<'_, str> = normalize(raw);
                for_each_cut(&self.normalized, &normal, &mut each);
            }
        });
    }
}

fn for_each_cut(tokens: &[AddedToken], text: &str, mut each: impl FnMut(Part<'_>)) {
    let mut rest = text;
    while let Some((at, token)) = first_match(tokens, rest) {
        if at > 0 {
            each(Part::Text(&rest[..at]));
        }
        each(Part::Token(token.id));
        rest = &rest[at + token.content.len()..];
    }
    if !rest.is_empty() {
        each(Part::Text(rest));
    }
}

/// The leftmost match, the longest of those that start there.
fn first_match<'a>(tokens: &'a [AddedToken], text: &str) -> Option<(usize, &'a AddedToken)> {
    if tokens.is_empty() {
        return None;
    }
    (0..text.len()).find_map(|at| {
        let rest = &text.as_bytes()[at..];
        let token = tokens
            .iter()
            .find(|token| rest.starts_with(token.content.as_bytes()))?;
        Some((at, token))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(content: &str, id: u32, is_normalized: bool) -> AddedToken {
        AddedToken {
            content: content.to_owned(),
            id,
            is_normalized,
        }
    }

    fn parts(tokens: &AddedTokens, text: &str) -> Vec<Result<u32, String>> {
        let mut out = Vec::new();
        tokens.for_each_part(text, |part| {
            out.push(match part {
                Part::Token(id) => Ok(id),
                Part::Text(text) => Err(text.to_owned()),
            });
        });
        out
    }

    #[test]
    fn the_leftmost_token_matches_and_of_those_the_longest() {
        let tokens = AddedTokens::new([
            token("b", 1, false),
            token("abc", 2, false),
            token("ab", 3, false),
        ]);
        assert_eq!(parts(&tokens, "xabcb"), [Err("x".to_owned()), Ok(2), Ok(1)]);
        assert_eq!(parts(&tokens, "ababx"), [Ok(3), Ok(3), Err("x".to_owned())]);
    }

    #[test]
    fn a_raw_token_minds_the_case_and_a_normalised_one_does_not() {
        let tokens = AddedTokens::new([token("<Raw>", 1, false), token("<Any>", 2, true)]);
        assert_eq!(
            parts(&tokens, "<raw><ANY><Raw>"),
            [Err("<raw>".to_owned()), Ok(2), Ok(1)]
        );
    }
}
