//! Taking away what no one would write under a picture.

use std::sync::LazyLock;

use regex::Regex;

use super::Judged;

/// A rule that replaces what an expression finds.
struct Rule {
    name: &'static str,
    find: Regex,
    replace: &'static str,
    /// The text goes on with a capital letter.
    capitalises: bool,
}

/// Applied in this order.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |name, find: &str, replace, capitalises| {
        // The expressions are constants, and a test runs them all.
        Regex::new(find).ok().map(|find| Rule {
            name,
            find,
            replace,
            capitalises,
        })
    };
    [
        rule(
            "chat_tokens",
            r"</?s>|<pad>|<unk>|<\|[A-Za-z0-9_]+\|>|\[/?INST\]|(?im)^\s*(?:assistant|answer)\s*:\s*",
            " ",
            false,
        ),
        rule("url", r"(?i)\b(?:https?://|www\.)\S+", " ", false),
        rule(
            "markdown",
            r"(?m)^\s{0,3}#{1,6}\s+|^\s*[-*•]\s+|^\s*\d+\.\s+|\*\*|__|`+|!?\[([^\]]*)\]\([^)]*\)",
            "$1",
            false,
        ),
        rule("whitespace", r"\s{2,}|[\t\r\n]|^\s+|\s+$", " ", false),
        rule(
            "caption_label",
            r"(?i)^\s*(?:(?:caption|description)\s*:|(?:sure|certainly|of course)[,!.]\s*|here(?:'s|’s| is) (?:a|an|the|your)\b[^:.]{0,60}:)\s*",
            "",
            true,
        ),
        rule(
            "lead_in",
            r"(?i)^\s*(?:(?:the|this) (?:image|photo|photograph|picture|illustration|artwork|drawing|painting) (?:showcases|features|captures|depicts|portrays|shows|is of|is|displays|presents)|in this (?:image|photo|photograph|picture|illustration|scene|artwork),(?: there (?:is|are)| we (?:can )?see)?)\s+",
            "",
            true,
        ),
        rule("appears_to_be", r"(?i)\bappears to be\b", "is", false),
        rule("appears_to_be", r"(?i)\bappear to be\b", "are", false),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The text without all that; an answer that was cut loses its last, unfinished sentence if half of it remains.
pub(super) fn clean(raw: &str, is_cut: bool) -> Judged {
    let mut text = raw.to_owned();
    let mut rules = Vec::new();
    let mut note = |rule: &'static str| {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    for rule in RULES.iter() {
        // A label may stand before a lead-in, and two labels one behind the other.
        while rule.find.is_match(&text) {
            let mut changed = rule.find.replace_all(&text, rule.replace).into_owned();
            if rule.name == "whitespace" {
                changed = changed.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if rule.capitalises {
                changed = capitalised(&changed);
            }
            if changed == text {
                break;
            }
            note(rule.name);
            text = changed;
        }
        if rule.name == "whitespace"
            && let Some(inner) = unquoted(&text)
        {
            note("quotes");
            text = inner.to_owned();
        }
    }
    // Quotation marks may have stood behind a label.
    if let Some(inner) = unquoted(&text) {
        note("quotes");
        text = inner.to_owned();
    }
    // What was taken away may have left spaces; that is no rule of its own.
    text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if is_cut
        && !ends_a_sentence(&text)
        && let Some(end) = last_sentence_end(&text).filter(|end| end * 2 >= text.len())
    {
        note("trimmed_tail");
        text.truncate(end);
    }
    Judged {
        text,
        rules,
        is_refused: false,
    }
}

/// The text inside quotation marks that stand around all of it.
fn unquoted(text: &str) -> Option<&str> {
    [('"', '"'), ('“', '”'), ('\'', '\'')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .filter(|inner| !inner.contains(['"', '“', '”']))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.trim_start().chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

pub(super) fn ends_a_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '”', '\'', ')']);
    text.ends_with(['.', '!', '?', '。', '！', '？'])
}

/// Where the last whole sentence ends.
pub(super) fn last_sentence_end(text: &str) -> Option<usize> {
    let is_end = |at: usize| {
        let behind = &text[at + 1..];
        // Not the point of a number or inside of a word.
        behind.is_empty() || behind.starts_with([' ', '"', '”', ')'])
    };
    text.rmatch_indices(['.', '!', '?'])
        .map(|(at, _)| at)
        .find(|at| is_end(*at))
        .map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &str) -> (String, Vec<&'static str>) {
        let judged = clean(raw, false);
        (judged.text, judged.rules)
    }

    #[test]
    fn every_expression_is_one() {
        assert_eq!(RULES.len(), 8);
    }

    #[test]
    fn a_lead_in_goes_and_the_sentence_begins_with_a_capital_letter() {
        for (raw, text, rules) in [
            ("The image showcases a girl.", "A girl.", vec!["lead_in"]),
            ("this PHOTO depicts two cats.", "Two cats.", vec!["lead_in"]),
            (
                "In this illustration, there is a tower.",
                "A tower.",
                vec!["lead_in"],
            ),
            (
                "Caption: The image shows a fox.",
                "A fox.",
                vec!["caption_label", "lead_in"],
            ),
            (
                "Here's a detailed caption for the image: A fox.",
                "A fox.",
                vec!["caption_label"],
            ),
            (
                "A man who appears to be asleep.",
                "A man who is asleep.",
                vec!["appears_to_be"],
            ),
            ("\"A quiet street.\"", "A quiet street.", vec!["quotes"]),
            (
                "A fox, see https://x.y/z </s>",
                "A fox, see",
                vec!["chat_tokens", "url", "whitespace"],
            ),
            (
                "**A fox**\n\n- with a tail",
                "A fox with a tail",
                vec!["markdown", "whitespace"],
            ),
            (
                "A picture of a fox in the image.",
                "A picture of a fox in the image.",
                vec![],
            ),
        ] {
            assert_eq!(cleaned(raw), (text.to_owned(), rules), "{raw}");
        }
    }

    #[test]
    fn what_was_cut_ends_at_its_last_sentence_if_half_remains() {
        let judged = clean("A fox in the snow at 3.5 metres. It looks up at the", true);
        assert_eq!(judged.text, "A fox in the snow at 3.5 metres.");
        assert_eq!(judged.rules, ["trimmed_tail"]);
        let mostly_open = "A fox. It looks up at the moon and the stars and the clouds and";
        assert!(clean(mostly_open, true).rules.is_empty());
    }

    #[test]
    fn cleaning_what_is_clean_changes_nothing() {
        for raw in [
            "The image shows a fox.",
            "Caption: caption: \"x\"",
            "# A\n* b",
        ] {
            let once = clean(raw, false).text;
            assert_eq!(clean(&once, false).text, once);
        }
    }
}
