//! Prompt to caption text.

use crate::permutation::flatten;
use crate::weights::Part;

/// After these no comma is needed before the next part.
const ENDS_CLAUSE: [char; 4] = ['.', '!', '?', ':'];

/// What the parts of a prompt say of the picture, as one line.
///
/// Parts of a weight of 0 or less are left out: like `--no`, they name what the picture should lack.
pub(crate) fn caption(parts: &[Part]) -> String {
    let mut line = String::new();
    for part in parts.iter().filter(|part| part.weight() > 0.0) {
        let text = tidy(&flatten(&without_links(part.text())));
        if !text.contains(char::is_alphanumeric) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(if line.ends_with(ENDS_CLAUSE) {
                " "
            } else {
                ", "
            });
        }
        line.push_str(&text);
    }
    line
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

/// One line with single spaces, and without the commas and dashes that hung on what was taken out.
fn tidy(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if word.starts_with(',') && !line.is_empty() && !line.ends_with(',') {
            line.push(',');
        }
        let bare = word.trim_matches(',');
        if bare.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(bare);
        if word.ends_with(',') {
            line.push(',');
        }
    }
    let end = line.trim_end_matches([' ', ',', ';', '-', '—', '–']).len();
    line.truncate(end);
    line
}

#[cfg(test)]
mod tests {
    use crate::Prompt;

    fn caption(prompt: &str) -> String {
        Prompt::parse(prompt).to_caption()
    }

    #[test]
    fn nothing_but_words_is_left() {
        let prompt = "<https://s.mj.run/a> a  {red, blue}\tcar ,, —ar 3:2, at dusk (https://x.y/z.png) --no text";
        assert_eq!(caption(prompt), "a red, blue car, at dusk");
        assert_eq!(caption("https://x.png --v 5"), "");
        assert_eq!(
            caption("1,000 paper cranes, ukiyo-e --"),
            "1,000 paper cranes, ukiyo-e"
        );
        assert_eq!(
            caption(r"{red\, pastel, {, deep} blue} bird"),
            "red, pastel, deep blue bird"
        );
    }

    #[test]
    fn what_the_picture_should_lack_is_left_out() {
        assert_eq!(
            caption("still life::2 fruit::-.5 oil painting::"),
            "still life, oil painting"
        );
        assert_eq!(caption("One cat. ::2 ,:: anime"), "One cat. anime");
    }
}
