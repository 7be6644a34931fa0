//! Words, and where a weight cuts one.

/// A word of a prompt, or the piece of a word between two weights.
///
/// `a::2b c` gives `a::`, `2b` and `c`: a piece ends where its weight does, because what follows a weight
/// starts a new part, and may start a flag, just as if a space stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub text: &'a str,
    /// Whether a space stands before it.
    pub is_spaced: bool,
}

/// The tokens of a prompt, in order.
pub(crate) fn tokens(prompt: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for word in prompt.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_len(rest));
            tokens.push(Token {
                text: piece,
                is_spaced: rest.len() == word.len(),
            });
            rest = after;
        }
    }
    tokens
}

/// The text of neighbouring tokens, with one space where there was any.
pub(crate) fn join(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.is_spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(token.text);
    }
    text
}

/// Whether a token is a link, bare or in the angle brackets that keep Discord from drawing a preview.
pub(crate) fn is_url(token: &str) -> bool {
    let link = token.strip_prefix('<').unwrap_or(token);
    ["http://", "https://"].iter().any(|scheme| {
        link.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The address of a link without its brackets and the punctuation behind it.
pub(crate) fn link_url(link: &str) -> &str {
    link.strip_prefix('<')
        .unwrap_or(link)
        .trim_end_matches([',', ':', '>'])
}

/// Splits `text::weight` at the last `::` that ends a token. The weight is empty in `text::`.
pub(crate) fn split_weight(token: &str) -> Option<(&str, &str)> {
    let at = token.rfind("::")?;
    let (text, weight) = (&token[..at], &token[at + 2..]);
    (number_len(weight) == weight.len()).then_some((text, weight))
}

/// The length in bytes of the first piece of a word: up to and with its first weight, or a link in brackets.
fn piece_len(word: &str) -> usize {
    let mut is_in_link = false;
    for (at, c) in word.char_indices() {
        let rest = &word[at..];
        if let Some(weight) = rest.strip_prefix("::") {
            return at + 2 + number_len(weight);
        }
        is_in_link |= c == '<' && is_url(rest);
        if c == '>' && is_in_link {
            let after = rest[1..].trim_start_matches(',');
            let weight_len = after
                .strip_prefix("::")
                .map_or(0, |weight| 2 + number_len(weight));
            return word.len() - after.len() + weight_len;
        }
    }
    word.len()
}

/// The length in bytes of the decimal number that starts a text: 0 if there is none, or if a letter follows
/// (`::2d art` is an art in two dimensions).
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if fraction > 0 {
            end += 1 + fraction;
        }
    }
    let is_number = end > sign;
    let goes_on = text[end..]
        .chars()
        .next()
        .is_some_and(char::is_alphanumeric);
    if is_number && !goes_on { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(prompt: &str) -> Vec<&str> {
        tokens(prompt).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn a_weight_ends_a_token() {
        assert_eq!(texts("hot::2 dog::-.5,x"), ["hot::2", "dog::-.5", ",x"]);
        assert_eq!(texts("a::2d b::::c"), ["a::", "2d", "b::", "::", "c"]);
    }

    #[test]
    fn a_link_is_one_token() {
        assert_eq!(
            texts("<https://s.mj.run/a>::2 c"),
            ["<https://s.mj.run/a>::2", "c"]
        );
        assert!(is_url("HTTPS://x") && !is_url("https") && !is_url("éhttp://"));
    }

    #[test]
    fn joining_restores_the_text() {
        let prompt = "a::b c::2 d";
        assert_eq!(join(&tokens(prompt)), prompt);
    }
}
