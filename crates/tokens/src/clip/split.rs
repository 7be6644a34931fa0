//! CLIP's splitting of a normalised text into words, digits and runs of signs.
//!
//! The rule is the regular expression
//! `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, whose pieces are
//! split once more by GPT-2's; the second only ever divides the two marks, into `<|`, their name and `|>`.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
const MARKS: [&str; 2] = [super::START, super::END];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Number,
    Space,
    Sign,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Number,
        _ if c.is_whitespace() => Class::Space,
        _ if c.is_ascii() => Class::Sign,
        _ => match c.general_category_group() {
            GeneralCategoryGroup::Letter => Class::Letter,
            GeneralCategoryGroup::Number => Class::Number,
            _ => Class::Sign,
        },
    }
}

/// Calls `each` with every piece of the text, in order; white space is in none.
pub(super) fn for_each_piece<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match class(first) {
            Class::Space => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
            Class::Number => first.len_utf8(),
            Class::Letter => run(rest, Class::Letter),
            Class::Sign => match (prefix(rest, &MARKS), prefix(rest, &CONTRACTIONS)) {
                (Some(mark), _) => {
                    each(&rest[..2]);
                    each(&rest[2..mark - 2]);
                    each(&rest[mark - 2..mark]);
                    rest = &rest[mark..];
                    continue;
                }
                (None, Some(contraction)) => contraction,
                (None, None) => run(rest, Class::Sign),
            },
        };
        each(&rest[..length]);
        rest = &rest[length..];
    }
}

/// The length of the run of one class at the start of a text.
fn run(text: &str, of: Class) -> usize {
    text.char_indices()
        .find(|&(_, c)| class(c) != of)
        .map_or(text.len(), |(at, _)| at)
}

/// The length of the first of these words that the text starts with.
fn prefix(text: &str, words: &[&str]) -> Option<usize> {
    words
        .iter()
        .find(|word| text.starts_with(**word))
        .map(|word| word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        for_each_piece(text, |piece| out.push(piece));
        out
    }

    #[test]
    fn digits_stand_alone_and_signs_run_together() {
        assert_eq!(
            pieces("16:9, 4k!!"),
            ["1", "6", ":", "9", ",", "4", "k", "!!"]
        );
        assert_eq!(pieces("x²½Ⅷ"), ["x", "²", "½", "Ⅷ"]);
        assert_eq!(pieces("snake_case"), ["snake", "_", "case"]);
    }

    #[test]
    fn a_contraction_is_cut_at_the_apostrophe_even_inside_a_word() {
        assert_eq!(
            pieces("it's they're i'll"),
            ["it", "'s", "they", "'re", "i", "'ll"]
        );
        assert_eq!(pieces("'tis 'strange"), ["'t", "is", "'s", "trange"]);
        assert_eq!(pieces("\"'s"), ["\"'", "s"], "the run of signs came first");
        assert_eq!(pieces("o'clock"), ["o", "'", "clock"]);
    }

    #[test]
    fn combining_marks_and_emoji_are_signs() {
        assert_eq!(pieces("x\u{301}y"), ["x", "\u{301}", "y"]);
        assert_eq!(pieces("a👩‍👩‍👧b"), ["a", "👩‍👩‍👧", "b"]);
        assert_eq!(pieces("日本語。"), ["日本語", "。"]);
    }

    #[test]
    fn every_code_point_has_the_class_that_the_reference_gives_it() {
        let text = include_str!("../../../../tests/golden/tokens/classes.json");
        let ranges: std::collections::HashMap<String, Vec<(u32, u32)>> =
            serde_json::from_str(text).unwrap();
        let is_in = |name: &str, c: char| {
            let ranges = &ranges[name];
            let at = ranges.partition_point(|&(_, last)| last < c as u32);
            ranges.get(at).is_some_and(|&(first, _)| first <= c as u32)
        };
        for c in '\0'..=char::MAX {
            let expected = if is_in("letters", c) {
                Class::Letter
            } else if is_in("numbers", c) {
                Class::Number
            } else if is_in("spaces", c) {
                Class::Space
            } else {
                Class::Sign
            };
            assert!(class(c) == expected, "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn a_mark_spelt_in_a_text_is_three_pieces() {
        assert_eq!(pieces("<|endoftext|>!"), ["<|", "endoftext", "|>", "!"]);
        assert_eq!(pieces("<|endoftex|>!"), ["<|", "endoftex", "|>!"]);
    }
}
