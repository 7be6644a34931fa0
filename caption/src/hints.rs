//! Hints in what a model is asked: `{prompt}` stands for the picture's own prompt without its parameters, and `{NAME}` for
//! the tags that the tagger of this name gave it.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use regex::{Captures, Regex};
use terminus_manifest::ledger::LedgerRow;
use terminus_prompt::Prompt;

/// The name under which the picture's own prompt is known.
pub(crate) const OWN_PROMPT: &str = crate::config::BUILT_IN;

#[expect(clippy::unwrap_used, reason = "an expression that a test compiles")]
static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([A-Za-z0-9_-]+)\}").unwrap());

/// What is known of one picture, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints(Vec<(String, String)>);

impl Hints {
    /// The hints of these names that `of` gives.
    pub(crate) fn new<'n>(
        names: impl IntoIterator<Item = &'n str>,
        of: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let known = names.into_iter().filter_map(|name| {
            let text = of(name)?;
            Some((name.to_owned(), text))
        });
        Self(known.collect())
    }

    /// Whether this is known.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&str> {
        let known = self.0.iter().find(|(known, _)| known == name);
        known.map(|(_, text)| text.as_str())
    }

    /// A prompt with its hints in place; none if one of them is not known.
    pub(crate) fn fill<'p>(&self, prompt: &'p str) -> Option<Cow<'p, str>> {
        let names = names_in(prompt);
        names.into_iter().all(|name| self.has(name)).then(|| {
            PLACE.replace_all(prompt, |place: &Captures<'_>| {
                self.get(&place[1]).unwrap_or_default().to_owned()
            })
        })
    }
}

/// The names of the hints that a prompt asks for.
pub(crate) fn names_in(prompt: &str) -> BTreeSet<&str> {
    let places = PLACE.captures_iter(prompt);
    places.map(|place| place.extract::<1>().1[0]).collect()
}

/// The picture's own prompt without its parameters; none if nothing is left.
pub(crate) fn own_prompt(row: &LedgerRow) -> Option<String> {
    let caption = Prompt::parse(row.prompt.as_deref()?).to_caption();
    (!caption.is_empty()).then_some(caption)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_filled_if_all_that_it_asks_for_is_known() {
        let hints = Hints::new(["tags", "prompt", "none"], |name| {
            (name != "none").then(|| format!("<{name}, {{prompt}}>"))
        });
        let plain = "Describe it. Answer as {\"caption\": \"…\"} or { }.";
        assert_eq!(hints.fill(plain).as_deref(), Some(plain));
        let both = hints.fill("Tags: {tags}. It was asked for by {prompt}; {tags}");
        let filled =
            "Tags: <tags, {prompt}>. It was asked for by <prompt, {prompt}>; <tags, {prompt}>";
        assert_eq!(
            both.as_deref(),
            Some(filled),
            "what was put in is not read again"
        );
        assert_eq!(hints.fill("Tags: {tags}, {none}"), None);
        assert_eq!(Hints::default().fill("{tags}"), None);
    }

    #[test]
    fn the_own_prompt_is_without_its_parameters() {
        let mut row = LedgerRow::found(
            terminus_manifest::ids::ItemId::new("a", 0),
            "a".to_owned(),
            "c".to_owned(),
            "a.png".to_owned(),
        );
        assert_eq!(own_prompt(&row), None);
        row.prompt = Some("a fox, watercolour --ar 3:2 --niji 5".to_owned());
        assert_eq!(own_prompt(&row).as_deref(), Some("a fox, watercolour"));
        row.prompt = Some("--ar 3:2".to_owned());
        assert_eq!(own_prompt(&row), None);
    }
}
