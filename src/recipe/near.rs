//! What a misspelt word may have meant.

/// The candidate that is most like `word`, if one is like enough to be worth a question.
///
/// Case, `-` and `_` do not count; of equally near ones the first is taken.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = plain(word);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let likeness = likeness(&word, &plain(candidate));
        if likeness >= LIKE_ENOUGH && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// One slip in three letters is still recognised; two in five are not.
const LIKE_ENOUGH: f64 = 0.65;

fn likeness(word: &str, candidate: &str) -> f64 {
    let (short, long) = if word.len() < candidate.len() {
        (word, candidate)
    } else {
        (candidate, word)
    };
    let is_part = short.len() >= 3 && (long.starts_with(short) || long.ends_with(short));
    let edits = strsim::normalized_damerau_levenshtein(word, candidate);
    if is_part {
        edits.max(LIKE_ENOUGH)
    } else {
        edits
    }
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised_and_other_words_are_not() {
        let keys = ["batch_size", "epochs", "lr", "caption_dropout", "base"];
        assert_eq!(nearest("batchsize", keys), Some("batch_size"));
        assert_eq!(nearest("Batch-Size", keys), Some("batch_size"));
        assert_eq!(nearest("ecpohs", keys), Some("epochs"));
        assert_eq!(nearest("caption_drop", keys), Some("caption_dropout"));
        assert_eq!(nearest("dropout", keys), Some("caption_dropout"));
        assert_eq!(nearest("optimizer", keys), None);
        assert_eq!(nearest("x", keys), None);
    }
}
