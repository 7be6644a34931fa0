//! Refusing what is not worth training on.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{Circumstances, clean::ends_a_sentence, contradiction::contradicts};
use crate::config::{GateConfig, Language};

static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r"(?i)\b(?:i(?:'|’)?m sorry|i am sorry|i apologi[sz]e|i can(?:'|’)?t|i cannot|i(?:'|’)m unable|i am unable|as an ai|as a language model)\b";
    Regex::new(text).ok()
});

static ABOUT_CAPTIONS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r"(?i)\b(?:this caption|the caption (?:is|should|for)|captions? for (?:this|the) (?:image|picture)|as (?:you )?requested|your prompt|without speculation|twenty words)\b";
    Regex::new(text).ok()
});

/// Function words of English, and those of its neighbours that English has not.
const ENGLISH: &[&str] = &[
    "a", "an", "the", "of", "in", "on", "with", "and", "is", "are", "at", "to", "her", "his", "by",
    "from", "near", "under", "over", "her", "its", "their", "wearing", "holding", "standing",
    "sitting", "looking",
];
const OTHERS: &[&str] = &[
    "une", "le", "la", "les", "des", "du", "et", "avec", "dans", "sur", "est", "der", "die", "das",
    "und", "mit", "ein", "eine", "im", "auf", "ist", "el", "los", "las", "con", "una", "y", "del",
    "en", "il", "gli", "nel", "della", "che", "di", "um", "uma", "com", "na", "em", "os", "een",
    "het", "van", "met",
];

/// A share of letters of other scripts above which a text is not English.
const MOST_FOREIGN: f64 = 0.2;
/// Characters at the end in which repetition is looked for, and how long a repeated subsequence may be.
const TAIL_CHARS: usize = 128;
const LONGEST_REPEATED: usize = 70;
/// How often the same four words may stand in a text.
const SAME_FOUR_WORDS: usize = 3;

/// The names of the rules that refuse a cleaned text; `rules` are those that changed it.
pub(super) fn refusals(
    text: &str,
    rules: &[&'static str],
    around: Circumstances<'_>,
    config: &GateConfig,
) -> Vec<&'static str> {
    if text.is_empty() {
        return vec!["empty"];
    }
    let finds = |rule: &Option<Regex>| rule.as_ref().is_some_and(|rule| rule.is_match(text));
    let is_cut_off = around.is_cut && !rules.contains(&"trimmed_tail") && !ends_a_sentence(text);
    let is_foreign = config.language == Language::English && is_not_english(text);
    let contradicts = around.tags.is_some_and(|tags| contradicts(text, tags));
    [
        ("refusal", finds(&REFUSAL)),
        ("about_captions", finds(&ABOUT_CAPTIONS)),
        (
            "too_short",
            text.chars().count() < config.min_chars as usize,
        ),
        ("question_marks", text.contains("????")),
        ("cut_off", is_cut_off),
        ("circling", around.is_circling),
        ("repeating", is_repeating(text)),
        ("wrong_language", is_foreign),
        ("contradiction", contradicts),
    ]
    .into_iter()
    .filter_map(|(rule, applies)| applies.then_some(rule))
    .collect()
}

/// Letters of another script, or more function words of other languages than of English.
fn is_not_english(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (mut all, mut foreign) = (0_u32, 0_u32);
    for letter in letters {
        all += 1;
        foreign += u32::from(letter as u32 > 0x24f);
    }
    if f64::from(foreign) > MOST_FOREIGN * f64::from(all) {
        return true;
    }
    let (mut english, mut other) = (0, 0);
    for word in words(text) {
        english += u32::from(ENGLISH.contains(&word.as_str()));
        other += u32::from(OTHERS.contains(&word.as_str()));
    }
    other >= 2 && other > english
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn is_repeating(text: &str) -> bool {
    let words: Vec<String> = words(text).collect();
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for four in words.windows(4) {
        let count = counts.entry(four).or_default();
        *count += 1;
        if *count >= SAME_FOUR_WORDS {
            return true;
        }
    }
    let chars: Vec<char> = text.chars().collect();
    let tail = &chars[chars.len().saturating_sub(TAIL_CHARS)..];
    longest_repeated_subsequence(tail) > LONGEST_REPEATED
}

/// The longest subsequence that stands twice, no character of it at the same place in both.
fn longest_repeated_subsequence(text: &[char]) -> usize {
    let mut above = vec![0_usize; text.len() + 1];
    for (row, left) in text.iter().enumerate() {
        let mut current = vec![0_usize; text.len() + 1];
        for (column, right) in text.iter().enumerate() {
            current[column + 1] = if left == right && row != column {
                above[column] + 1
            } else {
                above[column + 1].max(current[column])
            };
        }
        above = current;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Vec<&'static str> {
        refusals(text, &[], Circumstances::default(), &GateConfig::default())
    }

    #[test]
    fn every_rule_refuses_what_it_names_and_lets_a_caption_through() {
        assert!(refused("A girl with silver hair stands in a flower field at dusk.").is_empty());
        assert!(refused("1girl, silver hair, flower field, dusk, cel shading").is_empty());
        assert!(refused("A man in a café reads Le Monde under the Eiffel Tower.").is_empty());
        for (text, rule) in [
            ("", "empty"),
            ("I'm sorry, but I can not see the image here.", "refusal"),
            ("As an AI model, I see a fox in the snow.", "refusal"),
            (
                "The caption for this image is about a fox.",
                "about_captions",
            ),
            ("A fox.", "too_short"),
            ("A fox in the snow ???? and a moon", "question_marks"),
            (
                "Une fille aux cheveux argentés est dans un champ de fleurs avec le soleil.",
                "wrong_language",
            ),
            (
                "Ein Mädchen mit silbernem Haar steht auf der Wiese und schaut.",
                "wrong_language",
            ),
            (
                "夕暮れの花畑に立つ銀髪の少女、アニメ風のイラスト、背景には山々。",
                "wrong_language",
            ),
            (
                "A red fox in the snow, a red fox in the snow, a red fox in the snow.",
                "repeating",
            ),
        ] {
            assert!(refused(text).contains(&rule), "{text}: {:?}", refused(text));
        }
    }

    #[test]
    fn an_answer_that_was_cut_in_mid_sentence_is_refused() {
        let around = Circumstances {
            is_cut: true,
            ..Circumstances::default()
        };
        let config = GateConfig::default();
        assert_eq!(
            refusals("A fox that looks at the", &[], around, &config),
            ["cut_off"]
        );
        assert!(refusals("A fox that looks at the moon.", &[], around, &config).is_empty());
    }

    #[test]
    fn any_language_passes_where_the_settings_say_so() {
        let config = GateConfig {
            language: Language::Any,
            ..GateConfig::default()
        };
        let text = "夕暮れの花畑に立つ銀髪の少女、アニメ風のイラスト、背景には山々。";
        assert!(refusals(text, &[], Circumstances::default(), &config).is_empty());
    }

    #[test]
    fn a_repeated_subsequence_is_counted_without_itself() {
        let count = |text: &str| longest_repeated_subsequence(&text.chars().collect::<Vec<_>>());
        assert_eq!(count("abcdef"), 0);
        assert_eq!(count("abab"), 2);
        assert_eq!(count("aabb"), 2);
    }
}
