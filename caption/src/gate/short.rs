//! A form of a caption that CLIP reads whole.

use super::clean::last_sentence_end;

/// Tokens of a text that SDXL's text encoders read.
pub const CLIP_TOKENS: usize = 75;

/// The longest start of `text` that has at most [`CLIP_TOKENS`] tokens and ends with a sentence, else with a clause, else
/// with a word; none if the whole fits.
pub fn short_form(text: &str, count: impl Fn(&str) -> usize) -> Option<String> {
    if count(text) <= CLIP_TOKENS {
        return None;
    }
    let mut rest = text;
    while let Some(end) = last_sentence_end(rest) {
        let start = text[..end].trim_end();
        if count(start) <= CLIP_TOKENS {
            return Some(start.to_owned());
        }
        rest = &text[..end - 1];
    }
    let ends = |separator: char| text.rmatch_indices(separator).map(|(at, _)| at);
    ends(',')
        .chain(ends(' '))
        .map(|end| text[..end].trim_end_matches([',', ' ']))
        .find(|start| !start.is_empty() && count(start) <= CLIP_TOKENS)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn a_long_text_is_cut_at_a_sentence_then_a_clause_then_a_word() {
        let sentence = "word ".repeat(29) + "end.";
        assert_eq!(short_form(&sentence, words), None);
        let long = format!("{sentence} {sentence} {sentence}");
        assert_eq!(
            short_form(&long, words),
            Some(format!("{sentence} {sentence}"))
        );
        let clauses = format!(
            "{}, {}",
            "word ".repeat(70).trim(),
            "more ".repeat(70).trim()
        );
        assert_eq!(words(&short_form(&clauses, words).unwrap()), 70);
        let one = "word ".repeat(100);
        assert_eq!(words(&short_form(&one, words).unwrap()), 75);
    }
}
