//! Where a recipe's words come from: one file, and the overrides of the command line.

use toml::de::DeTable;

use crate::recipe::fault::Place;

/// A recipe's text and its overrides, as if they stood one after the other: an offset tells where one is.
pub(in crate::recipe) struct Sources {
    text: String,
    sets: Vec<Set>,
}

/// One `--set key=value`.
pub(in crate::recipe) struct Set {
    given: String,
    /// Blanks up to `start`, so that the parser's spans are offsets of [`Sources`]; then the override as TOML.
    padded: String,
    start: usize,
}

impl Sources {
    pub fn new(text: String, sets: &[String]) -> Self {
        let mut start = text.len() + 1;
        let sets = sets.iter().map(|given| {
            let set = Set::new(given, start);
            start = set.padded.len() + 1;
            set
        });
        let sets = sets.collect();
        Self { text, sets }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// What stands at `offset`.
    pub fn place(&self, offset: usize) -> Place {
        if let Some(set) = self.sets.iter().rev().find(|set| set.start <= offset) {
            return Place::Set {
                text: set.given.clone(),
            };
        }
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place::File {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..]
                .trim_start_matches('\u{feff}')
                .chars()
                .count(),
        }
    }
}

impl Set {
    fn new(given: &str, start: usize) -> Self {
        Self {
            given: given.to_owned(),
            padded: " ".repeat(start) + &as_toml(given),
            start,
        }
    }

    pub fn padded(&self) -> &str {
        &self.padded
    }

    pub fn start(&self) -> usize {
        self.start
    }
}

/// The override as a line of TOML: a value that is none is text, so that shells need no second quotes.
fn as_toml(given: &str) -> String {
    if DeTable::parse(given).is_ok() {
        return given.to_owned();
    }
    let quoted = given.split_once('=').map(|(key, value)| {
        let value = toml::Value::String(value.trim().to_owned());
        format!("{key}={value}")
    });
    quoted
        .filter(|line| DeTable::parse(line).is_ok())
        .unwrap_or_else(|| given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_toml_is_text() {
        assert_eq!(as_toml("train.epochs=3"), "train.epochs=3");
        assert_eq!(
            as_toml("mix.anchor={share_of_all=0.2}"),
            "mix.anchor={share_of_all=0.2}"
        );
        assert_eq!(as_toml("root=work/a"), "root=\"work/a\"");
        assert_eq!(as_toml("root = it's"), "root =\"it's\"");
        assert_eq!(as_toml("root"), "root");
    }

    #[test]
    fn an_offset_leads_to_its_line_or_its_override() {
        let sources = Sources::new("a = 1\nüb = 2\n".into(), &["c=3".into(), "d=4".into()]);
        let line = |line, column| Place::File { line, column };
        let set = |text: &str| Place::Set { text: text.into() };
        assert_eq!(sources.place(0), line(1, 1));
        assert_eq!(sources.place(8), line(2, 2));
        for (index, text) in ["c=3", "d=4"].into_iter().enumerate() {
            let start = sources.sets()[index].start();
            assert_eq!(sources.place(start), set(text));
            assert_eq!(sources.place(start + 2), set(text));
        }
    }
}
