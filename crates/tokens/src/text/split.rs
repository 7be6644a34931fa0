//! Splitting a text into pieces, by the regular expressions of GPT-2, Llama 3 and Qwen 2.

use unicode_properties::{GeneralCategoryGroup as Group, UnicodeGeneralCategory as _};

/// Whose expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// GPT-2: contractions in lower case, at most one space before a run.
    Gpt2,
    /// Llama 3: contractions in any case, one sign before letters, so many digits together, line ends with signs.
    Modern {
        /// Digits that stand together at most.
        digits: usize,
    },
}

/// The expressions as `tokenizer.json` writes them.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

impl Split {
    /// By its expression; none if it is unknown.
    pub(super) fn from_pattern(pattern: &str) -> Option<Self> {
        Some(match pattern {
            GPT2 => Self::Gpt2,
            LLAMA3 => Self::Modern { digits: 3 },
            QWEN2 => Self::Modern { digits: 1 },
            _ => return None,
        })
    }

    /// Gives `each` every piece; put together they are the text.
    pub(super) fn for_each(self, text: &str, mut each: impl FnMut(&str)) {
        let mut rest = text;
        while !rest.is_empty() {
            let length = self.piece(rest).max(first_length(rest));
            each(&rest[..length]);
            rest = &rest[length..];
        }
    }

    /// The length of the first piece.
    fn piece(self, text: &str) -> usize {
        let any_case = self != Self::Gpt2;
        if let Some(length) = contraction(text, any_case) {
            return length;
        }
        let by_expression = match self {
            Self::Gpt2 => gpt2(text),
            Self::Modern { digits } => modern(text, digits),
        };
        by_expression.unwrap_or_else(|| spaces(text))
    }
}

fn gpt2(text: &str) -> Option<usize> {
    let start = usize::from(text.starts_with(' '));
    let behind = &text[start..];
    [is_letter, is_number, is_sign]
        .into_iter()
        .map(|class| run(behind, class))
        .find(|length| *length > 0)
        .map(|length| start + length)
}

fn modern(text: &str, digits: usize) -> Option<usize> {
    let first = text.chars().next()?;
    // One sign or space before letters.
    let start = if is_letter(first) || is_number(first) || is_line_end(first) {
        0
    } else {
        first.len_utf8()
    };
    let letters = run(&text[start..], is_letter);
    if letters > 0 {
        return Some(start + letters);
    }
    if is_number(first) {
        let taken = text.chars().take_while(|&c| is_number(c)).take(digits);
        return Some(taken.map(char::len_utf8).sum());
    }
    let start = usize::from(text.starts_with(' '));
    let signs = run(&text[start..], is_sign);
    if signs > 0 {
        let end = start + signs;
        return Some(end + run(&text[end..], is_line_end));
    }
    // Spaces up to the last line end among them.
    let blank = &text[..run(text, char::is_whitespace)];
    blank.rfind(is_line_end).map(|at| at + 1)
}

/// `\s+(?!\S)|\s+`: all spaces but the last, if something follows and more than one are there.
fn spaces(text: &str) -> usize {
    let length = run(text, char::is_whitespace);
    let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
    if length < text.len() && length > last {
        length - last
    } else {
        length
    }
}

fn contraction(text: &str, any_case: bool) -> Option<usize> {
    CONTRACTIONS
        .iter()
        .find(|word| {
            let start = text.get(..word.len());
            start.is_some_and(|start| {
                start == **word || (any_case && start.eq_ignore_ascii_case(word))
            })
        })
        .map(|word| word.len())
}

fn run(text: &str, class: impl Fn(char) -> bool) -> usize {
    text.find(|c| !class(c)).unwrap_or(text.len())
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn is_letter(c: char) -> bool {
    c.general_category_group() == Group::Letter
}

fn is_number(c: char) -> bool {
    c.general_category_group() == Group::Number
}

fn is_sign(c: char) -> bool {
    !c.is_whitespace() && !is_letter(c) && !is_number(c)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(split: Split, text: &str) -> Vec<&str> {
        let mut ends = vec![0];
        split.for_each(text, |piece| ends.push(ends[ends.len() - 1] + piece.len()));
        ends.windows(2).map(|end| &text[end[0]..end[1]]).collect()
    }

    #[test]
    fn a_space_goes_with_the_word_behind_it_and_digits_stand_in_threes() {
        let split = Split::Modern { digits: 3 };
        assert_eq!(
            pieces(split, "It'S 12345  cats!!\n\nYes"),
            ["It", "'S", " ", "123", "45", " ", " cats", "!!\n\n", "Yes"]
        );
        assert_eq!(pieces(split, "a  \n b"), ["a", "  \n", " b"]);
        assert_eq!(pieces(split, "end  "), ["end", "  "]);
    }

    #[test]
    fn gpt2_keeps_digits_together_and_knows_contractions_in_lower_case_alone() {
        assert_eq!(
            pieces(Split::Gpt2, "it's 12345 IT'S"),
            ["it", "'s", " 12345", " IT", "'", "S"]
        );
    }
}
