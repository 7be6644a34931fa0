//! Keys of a recipe, as paths from its top.

use std::fmt;

/// One step of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, with the `name` of the table that is there, if it has one.
    Item { index: usize, name: Option<String> },
}

/// Where in a recipe something is said; displays as a reader of the file would find it: `[train] lr.start`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// The path of a dotted key that leads through tables alone.
    pub(super) fn of(dotted: &str) -> Self {
        Self(
            dotted
                .split('.')
                .map(|key| Step::Key(key.to_owned()))
                .collect(),
        )
    }

    /// This path and one key more.
    #[must_use]
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and one place of a list more.
    #[must_use]
    pub(super) fn item(&self, index: usize, name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        self.with(Step::Item { index, name })
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the top of the recipe.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the paths leads to, or through, the other.
    pub(super) fn touches(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| match (a, b) {
            (Step::Key(a), Step::Key(b)) => a == b,
            (Step::Item { index: a, .. }, Step::Item { index: b, .. }) => a == b,
            _ => false,
        })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = match self.0.as_slice() {
            [] => return Ok(()),
            [Step::Key(key)] => return f.write_str(key),
            [Step::Key(list), Step::Item { index, name }, rest @ ..] if list == "collection" => {
                write!(f, "[[{list}]] ")?;
                match name {
                    Some(name) => write!(f, "\"{name}\"")?,
                    None => write!(f, "#{}", index + 1)?,
                }
                rest
            }
            [Step::Key(table), Step::Key(name), rest @ ..] if table == "captioner" => {
                write!(f, "[{table}.{name}]")?;
                rest
            }
            [Step::Key(table), rest @ ..] => {
                write!(f, "[{table}]")?;
                rest
            }
            rest => rest,
        };
        for (i, step) in rest.iter().enumerate() {
            match (i, step) {
                (0, Step::Key(key)) => write!(f, " {key}")?,
                (_, Step::Key(key)) => write!(f, ".{key}")?,
                (_, Step::Item { index, .. }) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_its_table_and_key() {
        assert_eq!(KeyPath::of("seed").to_string(), "seed");
        assert_eq!(
            KeyPath::of("train.lr.start").to_string(),
            "[train] lr.start"
        );
        assert_eq!(
            KeyPath::of("captioner.cog.prompts")
                .item(1, None)
                .to_string(),
            "[captioner.cog] prompts[1]"
        );
        let collection = KeyPath::of("collection");
        assert_eq!(
            collection.item(0, Some("niji")).key("source").to_string(),
            "[[collection]] \"niji\" source"
        );
        assert_eq!(
            collection.item(1, None).key("name").to_string(),
            "[[collection]] #2 name"
        );
    }

    #[test]
    fn a_table_touches_its_keys_and_no_others() {
        let (train, lr) = (KeyPath::of("train"), KeyPath::of("train.lr"));
        assert!(train.touches(&lr) && lr.touches(&train));
        assert!(!lr.touches(&KeyPath::of("train.ema")));
    }
}
