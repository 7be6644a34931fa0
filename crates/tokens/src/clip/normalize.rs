//! What happens to a text before it is split: composed characters, single spaces, lower case.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The text in NFC, each run of white space one space, each character in lower case by itself.
///
/// By itself: a final Σ becomes σ, as in transformers, where [`str::to_lowercase`] would give ς.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    if is_normal_ascii(text) {
        return Cow::Borrowed(text);
    }
    if is_nfc(text) {
        fold(text.chars(), text.len())
    } else {
        fold(text.nfc(), text.len())
    }
}

fn is_normal_ascii(text: &str) -> bool {
    let mut after_space = false;
    text.bytes().all(|byte| {
        let is_space = byte == b' ';
        let is_normal =
            (0x21..0x7F).contains(&byte) && !byte.is_ascii_uppercase() || is_space && !after_space;
        after_space = is_space;
        is_normal
    })
}

fn fold(chars: impl Iterator<Item = char>, capacity: usize) -> Cow<'static, str> {
    let mut out = String::with_capacity(capacity);
    let mut after_space = false;
    for c in chars {
        if c.is_whitespace() {
            if !after_space {
                out.push(' ');
            }
            after_space = true;
        } else {
            out.extend(c.to_lowercase());
            after_space = false;
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_composed_before_the_case_is_lowered() {
        assert_eq!(normalize("E\u{301}"), "é");
        assert_eq!(normalize("\u{130}"), "i\u{307}", "not composed again");
    }

    #[test]
    fn every_kind_of_white_space_becomes_one_space() {
        assert_eq!(normalize("a\t\r\n \u{a0}\u{3000}b"), "a b");
        assert_eq!(normalize("a  b"), "a b");
        assert!(matches!(normalize("a b"), Cow::Borrowed("a b")));
        assert_eq!(
            normalize("a\u{200b}b"),
            "a\u{200b}b",
            "a zero-width space is none"
        );
    }

    #[test]
    fn a_final_sigma_is_an_ordinary_one() {
        assert_eq!(normalize("ΟΔΟΣ"), "οδοσ");
    }
}
