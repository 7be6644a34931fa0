//! Permutations: `{pineapple, blueberry} bird` stands for two prompts.

/// The text with the braces of permutations gone and every alternative kept, and with `\,`, `\{`, `\}` and
/// `\\` as the characters that they stand for.
///
/// `a {red, {dark, light} blue} car` becomes `a red, dark, light blue car`.
pub(crate) fn flatten(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' => {}
            '\\' => {
                let escaped = chars.next_if(|next| matches!(next, ',' | '{' | '}' | '\\'));
                out.push(escaped.unwrap_or('\\'));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_go_and_alternatives_stay() {
        assert_eq!(
            flatten("a {red, {dark, light} blue} car"),
            "a red, dark, light blue car"
        );
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(
            flatten(r"{red\, pastel, \{gold\}} b\w \\"),
            r"red, pastel, {gold} b\w \"
        );
    }
}
