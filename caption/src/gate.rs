//! The quality gate: a model's raw answer becomes a caption, or is refused. Every rule has a name.
//!
//! The gate needs no model and no libtorch: it can be run again over kept raw answers whenever a rule changes.

mod clean;
mod contradiction;
mod reject;
mod short;

use terminus_tokens::ClipTokenizer;

use crate::config::GateConfig;

pub use short::{CLIP_TOKENS, short_form};

/// Version of the rules: with another one, kept answers pass the gate again.
pub const RULES_VERSION: u32 = 1;

/// Every rule in the order in which it is applied, and what it does.
pub const RULES: &[(&str, &str)] = &[
    ("chat_tokens", "takes marks of a chat such as `</s>` away"),
    ("url", "takes addresses away"),
    ("markdown", "takes headings, lists and emphasis away"),
    ("whitespace", "makes every run of white space one space"),
    ("quotes", "takes quotation marks around the whole away"),
    (
        "caption_label",
        "takes `Caption:` and `Here is a …:` at the start away",
    ),
    (
        "lead_in",
        "takes `The image shows` and the like at the start away",
    ),
    ("appears_to_be", "makes `appears to be` `is`"),
    (
        "trimmed_tail",
        "cuts an answer that was too long at its last full stop",
    ),
    ("empty", "refuses an answer of nothing"),
    ("refusal", "refuses `I'm sorry`, `I cannot`, `As an AI`"),
    ("about_captions", "refuses talk about captions and prompts"),
    ("too_short", "refuses fewer characters than `min_chars`"),
    ("question_marks", "refuses `????`"),
    ("cut_off", "refuses an answer that ends in mid-sentence"),
    (
        "circling",
        "refuses an answer whose end goes round in a circle",
    ),
    (
        "repeating",
        "refuses a text that says the same over and over",
    ),
    ("wrong_language", "refuses another language than `language`"),
    ("contradiction", "refuses what a tagger's tags contradict"),
    (
        "repeated_over_pictures",
        "refuses one caption of more than `max_same` pictures",
    ),
];

/// The rule that looks at all captions together; the stage applies it.
pub(crate) const SAME: &str = "repeated_over_pictures";

/// What the gate made of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The caption; empty if it is refused.
    pub text: String,
    /// Names of the rules that changed or refused it.
    pub rules: Vec<&'static str>,
    /// Whether it is refused.
    pub is_refused: bool,
}

/// What is known of an answer beside its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// It ended because it had as many tokens as it may.
    pub is_cut: bool,
    /// Its end went round in a circle.
    pub is_circling: bool,
    /// A tagger's confident tags of the same picture, separated by commas.
    pub tags: Option<&'a str>,
}

/// Cleans `raw` and judges what is left.
pub fn judge(raw: &str, around: Circumstances<'_>, config: &GateConfig) -> Judged {
    let mut judged = clean::clean(raw, around.is_cut);
    judged.rules.extend(reject::refusals(
        &judged.text,
        &judged.rules,
        around,
        config,
    ));
    judged.is_refused = judged.rules.iter().any(|rule| refuses(rule));
    if judged.is_refused {
        judged.text.clear();
    }
    judged
}

/// Whether a rule refuses rather than changes.
pub fn refuses(rule: &str) -> bool {
    let first = RULES.iter().position(|(name, _)| *name == "empty");
    let at = RULES.iter().position(|(name, _)| *name == rule);
    at >= first
}

/// How many tokens a caption has for CLIP, and a shorter form if it has too many.
pub(crate) fn measure(text: &str, tokenizer: &ClipTokenizer) -> (u32, Option<String>) {
    (
        tokenizer.count(text) as u32,
        short_form(text, |text| tokenizer.count(text)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_rule() {
        let page = include_str!("../../docs/captions.md");
        for (name, what) in RULES {
            assert!(page.contains(&format!("| `{name}` | {what} |")), "{name}");
        }
    }

    #[test]
    fn what_is_refused_has_no_text_and_every_rule_has_a_name() {
        let config = GateConfig::default();
        let judged = judge(
            "The image shows a fox. As an AI, I see.",
            Circumstances::default(),
            &config,
        );
        assert!(judged.is_refused && judged.text.is_empty());
        assert_eq!(judged.rules, ["lead_in", "refusal"]);
        assert!(
            judged
                .rules
                .iter()
                .all(|rule| RULES.iter().any(|(name, _)| name == rule))
        );
        assert!(!refuses("lead_in") && refuses("empty") && refuses(SAME));
    }
}
