//! `select`: which items of a source are wanted, told by what the ledger knows of them and by joined scores.

use terminus_manifest::ledger::LedgerRow;

use crate::{
    Error,
    config::{Generator, Kind, Range, Select},
    scores::Scores,
};

/// Why `select` does not want an item; none if it does.
pub(crate) struct Objection {
    pub detail: String,
    /// The value seen and the value allowed, where it is about numbers.
    pub measured: Option<(f64, f64)>,
}

impl From<String> for Objection {
    fn from(detail: String) -> Self {
        Self {
            detail,
            measured: None,
        }
    }
}

/// Refuses what no item can be held against.
///
/// # Errors
/// A score that nothing gives; a phrase without a word.
pub(crate) fn check(collection: &str, select: &Select, scores: &Scores) -> Result<(), Error> {
    if let Some(name) = select.scores.keys().find(|name| !scores.knows(name)) {
        return Err(Error::UnknownScore {
            collection: collection.to_owned(),
            name: name.clone(),
            known: scores.known().collect::<Vec<_>>().join(", "),
        });
    }
    let lists = [&select.any_phrase, &select.all_phrases, &select.none_of];
    let mut phrases = lists.into_iter().flatten();
    match phrases.find(|phrase| words(phrase).trim().is_empty()) {
        Some(phrase) => Err(Error::NoWord {
            collection: collection.to_owned(),
            phrase: phrase.clone(),
        }),
        None => Ok(()),
    }
}

/// Why `select` does not want an item; none if it does.
pub(crate) fn objection(select: &Select, row: &LedgerRow, scores: &Scores) -> Option<Objection> {
    if select.is_all() {
        return None;
    }
    let generator = row.generator.as_deref().unwrap_or("unknown");
    let is_named = |wanted: &Generator| wanted.as_str() == generator;
    if !select.generator.is_empty() && !select.generator.iter().any(is_named) {
        return Some(format!("`select.generator` does not name `{generator}`").into());
    }
    let version = row.generator_version.as_deref().unwrap_or("unknown");
    let is_version = |wanted: &String| is_same_version(wanted, version);
    if !select.generator_version.is_empty() && !select.generator_version.iter().any(is_version) {
        return Some(format!("`select.generator_version` does not name `{version}`").into());
    }
    let kind = row.kind.as_deref().unwrap_or("unknown");
    let is_kind = |wanted: &Kind| wanted.as_str() == kind;
    // The whole of a grid stands for its tiles, which are judged themselves.
    if !select.kind.is_empty() && !select.kind.iter().any(is_kind) && kind != "grid" {
        return Some(format!("`select.kind` does not name `{kind}`").into());
    }
    phrases(select, row)
        .map(Objection::from)
        .or_else(|| numbers(select, row, scores))
}

/// `6` and `6.0` are one version.
fn is_same_version(a: &str, b: &str) -> bool {
    a == b || a.trim_end_matches(".0") == b.trim_end_matches(".0")
}

fn phrases(select: &Select, row: &LedgerRow) -> Option<String> {
    if select.any_phrase.is_empty() && select.all_phrases.is_empty() && select.none_of.is_empty() {
        return None;
    }
    let text = words(row.prompt_text.as_deref().unwrap_or_default());
    let holds = |phrase: &&String| text.contains(&words(phrase));
    if !select.any_phrase.is_empty() && select.any_phrase.iter().find(holds).is_none() {
        return Some("the prompt holds no phrase of `select.any_phrase`".to_owned());
    }
    if let Some(missing) = select.all_phrases.iter().find(|phrase| !holds(phrase)) {
        return Some(format!(
            "the prompt does not hold `{missing}` of `select.all_phrases`"
        ));
    }
    let unwanted = select.none_of.iter().find(holds)?;
    Some(format!(
        "the prompt holds `{unwanted}`, which `select.none_of` names"
    ))
}

fn numbers(select: &Select, row: &LedgerRow, scores: &Scores) -> Option<Objection> {
    let facts = [
        ("width_px", select.width_px, row.tile_width.map(f64::from)),
        (
            "height_px",
            select.height_px,
            row.tile_height.map(f64::from),
        ),
        (
            "reactions",
            select.reactions,
            Some(f64::from(row.reactions.unwrap_or(0))),
        ),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, range, value)| Some((name, range?, value)));
    let named = select.scores.iter().map(|(name, range)| {
        let value = scores.of(name, row);
        (name.as_str(), *range, value)
    });
    facts
        .chain(named)
        .find_map(|(name, range, value)| out_of_range(name, range, value))
}

fn out_of_range(name: &str, range: Range, value: Option<f64>) -> Option<Objection> {
    let Some(value) = value else {
        return Some(format!("it has no `{name}`, which `select` asks for").into());
    };
    let bound = range.broken_by(value)?;
    Some(Objection {
        detail: format!("`{name}` is {value}, `select` wants {}", shown(range)),
        measured: Some((value, bound)),
    })
}

fn shown(range: Range) -> String {
    match (range.min, range.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "a number".to_owned(),
    }
}

/// Words in lower case, each with a space on both sides, so that whole words are found: a hyphen counts as a space.
fn words(text: &str) -> String {
    let mut spaced = String::from(" ");
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        spaced.push_str(&word.to_lowercase());
        spaced.push(' ');
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use terminus_manifest::ids::ItemId;

    fn row(prompt: &str, version: &str) -> LedgerRow {
        let item = ItemId::new("c:a", 0);
        let mut row = LedgerRow::found(item, "c:a".into(), "c".into(), "/a".into());
        let prompt = terminus_prompt::Prompt::parse(prompt);
        row.prompt_text = Some(prompt.text());
        row.generator = Some("midjourney".to_owned());
        row.generator_version = Some(version.to_owned());
        row
    }

    fn wants(select: &Select, row: &LedgerRow) -> bool {
        objection(select, row, &Scores::default()).is_none()
    }

    #[test]
    fn phrases_are_whole_words_without_case_or_hyphen() {
        let select = Select {
            generator_version: vec!["5.2".into()],
            any_phrase: vec!["cel shading".into(), "Anime".into()],
            none_of: vec!["photo".into()],
            ..Select::default()
        };
        let wanted = |prompt, version| wants(&select, &row(prompt, version));
        assert!(wanted("a knight, Cel-Shading", "5.2"));
        assert!(wanted("ANIME still", "5.2"));
        assert!(!wanted("animes", "5.2"));
        assert!(!wanted("anime still", "5.1"));
        assert!(!wanted("anime photo", "5.2"));
        assert!(wanted("anime photograph", "5.2"));
        assert!(!wanted("a knight --no anime", "5.2"));
        assert!(wanted("anime --no photo", "5.2"));
    }

    #[test]
    fn all_phrases_are_asked_for() {
        let select = Select {
            all_phrases: vec!["red hair".into(), "rain".into()],
            ..Select::default()
        };
        assert!(wants(&select, &row("rain on red-hair", "5.2")));
        assert!(!wants(&select, &row("red hair", "5.2")));
    }

    #[test]
    fn what_nothing_can_be_held_against_is_refused() {
        let scores = Scores::default();
        let of = |select: &Select| check("c", select, &scores).map_err(|error| error.to_string());
        let mut select = Select::default();
        select.scores.insert("sharpness".into(), Range::default());
        assert_eq!(of(&select), Ok(()));
        select.scores.insert("aestetic".into(), Range::default());
        assert!(of(&select).unwrap_err().contains("asks for `aestetic`"));
        let select = Select {
            none_of: vec!["--".into()],
            ..Select::default()
        };
        assert!(of(&select).unwrap_err().contains("the phrase `--`"));
    }

    #[test]
    fn numbers_are_held_against_ranges() {
        let at_least = |min| Range {
            min: Some(min),
            max: None,
        };
        let select = Select {
            reactions: Some(at_least(2.0)),
            scores: [("sharpness".to_owned(), at_least(5.0))].into(),
            ..Select::default()
        };
        let mut item = row("x", "6");
        assert!(!wants(&select, &item));
        item.reactions = Some(2);
        assert!(!wants(&select, &item), "without the score it is not wanted");
        item.sharpness = Some(5.0);
        assert!(wants(&select, &item));
    }
}
