//! Prompt to caption text.

use crate::permutation::flatten;
use crate::weights::Part;

/// What the parts of a prompt say of the picture, as one line.
///
/// Parts of a weight of 0 or less are left out: like `--no`, they name what the picture should lack.
pub(crate) fn caption(parts: &[Part]) -> String {
    let shown = parts.iter().filter(|part| part.weight() > 0.0);
    let lines: Vec<String> = shown
        .map(|part| flatten(&without_links(part.text())))
        .collect();
    tidy(&lines.join(", "))
}

/// The words of a text without links, and without the brackets that hold a link alone.
fn without_links(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let lower = word.to_ascii_lowercase();
        let link = ["http://", "https://"]
            .iter()
            .filter_map(|scheme| lower.find(scheme))
            .min();
        link.map_or(word, |at| word[..at].trim_end_matches(['<', '(', '[']))
    });
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// One line with single spaces; commas that taking things out has left behind are gone.
fn tidy(text: &str) -> String {
    let clauses = text.split(',').map(|clause| {
        let words: Vec<&str> = clause.split_whitespace().collect();
        words.join(" ")
    });
    let line = clauses
        .filter(|clause| !clause.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    line.trim_end_matches([' ', ';', '-', '—', '–']).to_owned()
}
