//! `select`: which items of a source are wanted, told by what the ledger knows of them.

use terminus_manifest::ledger::LedgerRow;

use crate::config::{Generator, Select};

/// Why `select` does not want an item; none if it does.
pub(crate) fn objection(select: &Select, row: &LedgerRow) -> Option<String> {
    if select.is_all() {
        return None;
    }
    let generator = row.generator.as_deref().unwrap_or("unknown");
    let is_named = |wanted: &Generator| wanted.as_str() == generator;
    if !select.generator.is_empty() && !select.generator.iter().any(is_named) {
        return Some(format!("`select.generator` does not name `{generator}`"));
    }
    let version = row.generator_version.as_deref().unwrap_or("unknown");
    if !select.generator_version.is_empty()
        && !select
            .generator_version
            .iter()
            .any(|wanted| wanted == version)
    {
        return Some(format!(
            "`select.generator_version` does not name `{version}`"
        ));
    }
    let text = words(row.prompt_text.as_deref().unwrap_or_default());
    let holds = |phrase: &&String| text.contains(&words(phrase));
    if !select.any_phrase.is_empty() && select.any_phrase.iter().find(holds).is_none() {
        return Some("the prompt holds no phrase of `select.any_phrase`".to_owned());
    }
    let unwanted = select.no_phrase.iter().find(holds)?;
    Some(format!(
        "the prompt holds `{unwanted}`, which `select.no_phrase` names"
    ))
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
        row.prompt_text = Some(prompt.to_owned());
        row.generator = Some("midjourney".to_owned());
        row.generator_version = Some(version.to_owned());
        row
    }

    #[test]
    fn phrases_are_whole_words_without_case_or_hyphen() {
        let select = Select {
            generator_version: vec!["5.2".into()],
            any_phrase: vec!["cel shading".into(), "Anime".into()],
            no_phrase: vec!["photo".into()],
            ..Select::default()
        };
        let wanted = |prompt, version| objection(&select, &row(prompt, version)).is_none();
        assert!(wanted("a knight, Cel-Shading", "5.2"));
        assert!(wanted("ANIME still", "5.2"));
        assert!(!wanted("animes", "5.2"));
        assert!(!wanted("anime still", "5.1"));
        assert!(!wanted("anime photo", "5.2"));
        assert!(wanted("anime photograph", "5.2"));
    }
}
