//! The text of a recipe as one tree, each value of which knows where it was written.

mod overlay;
mod sources;

use std::path::Path;

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue, Deserializer},
};

use super::{
    Recipe,
    fault::{Draft, Faults},
    key::{KeyPath, Step},
};

pub(super) use sources::Sources;

/// A recipe's tree: the file with its overrides laid over it.
pub(super) struct Document<'i> {
    root: DeTable<'i>,
}

impl<'i> Document<'i> {
    /// The tree of `sources`; text that is no TOML is faulted, and there is no tree of a file that has such.
    pub fn parse(sources: &'i Sources, faults: &mut Faults) -> Option<Self> {
        let (file, errors) = DeTable::parse_recoverable(sources.text());
        let is_whole = errors.is_empty();
        faults.extend(errors.iter().map(|error| syntax_fault(error, 0)));
        let mut root = file.into_inner();
        for set in sources.sets() {
            match DeTable::parse(set.padded()) {
                Ok(table) => overlay::lay_over(&mut root, table.into_inner(), set, faults),
                Err(error) => faults.push(
                    syntax_fault(&error, set.start())
                        .hint("write --set key=value, such as --set train.epochs=3"),
                ),
            }
        }
        is_whole.then_some(Self { root })
    }

    pub fn root(&self) -> &DeTable<'i> {
        &self.root
    }

    pub fn root_mut(&mut self) -> &mut DeTable<'i> {
        &mut self.root
    }

    /// Gives a recipe without a name that of its file.
    pub fn name_after(&mut self, file: &Path) {
        if let (false, Some(stem)) = (self.root.contains_key("name"), file.file_stem()) {
            let stem = DeValue::String(stem.to_string_lossy().into_owned().into());
            self.root
                .insert(written_nowhere("name".into()), written_nowhere(stem));
        }
    }

    /// The recipe that the tree says, as far as it has not been cut; what cannot be read is faulted.
    pub fn to_recipe(&self, file: &Path, faults: &mut Faults) -> Option<Recipe> {
        let mut root = self.root.clone();
        let list = DeValue::Array(DeArray::new());
        let text = DeValue::String("".into());
        for (key, stand_in) in [("collection", list), ("root", text)] {
            if !root.contains_key(key) {
                root.insert(written_nowhere(key.into()), written_nowhere(stand_in));
            }
        }
        match Recipe::deserialize(Deserializer::from(written_nowhere(root))) {
            Ok(mut recipe) => {
                file.clone_into(&mut recipe.file);
                Some(recipe)
            }
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let key = key_at(&self.root, offset, &KeyPath::default()).unwrap_or_default();
                faults.push(Draft::new(offset, &key, error.message()));
                None
            }
        }
    }

    /// Where `path` was written, or else the nearest table around it.
    pub fn offset_of(&self, path: &KeyPath) -> usize {
        let mut steps = path.steps().iter();
        let Some(Step::Key(first)) = steps.next() else {
            return 0;
        };
        let Some((key, mut value)) = self.root.get_key_value(first.as_str()) else {
            return 0;
        };
        let mut offset = key.span().start;
        for step in steps {
            value = match (value.get_ref(), step) {
                (DeValue::Table(table), Step::Key(key)) => {
                    match table.get_key_value(key.as_str()) {
                        Some((key, value)) => {
                            offset = key.span().start;
                            value
                        }
                        None => break,
                    }
                }
                (DeValue::Array(items), Step::Item { index, .. }) => match items.get(*index) {
                    Some(item) => {
                        offset = item.span().start;
                        item
                    }
                    None => break,
                },
                _ => break,
            };
        }
        offset
    }

    /// Whether the recipe says anything at the dotted key.
    pub fn says(&self, dotted: &str) -> bool {
        let mut keys = dotted.split('.');
        let first = keys.next().and_then(|key| self.root.get(key));
        keys.fold(first, |value, key| value?.get_ref().get(key))
            .is_some()
    }
}

fn syntax_fault(error: &toml::de::Error, least: usize) -> Draft {
    let offset = error.span().map_or(least, |span| span.start.max(least));
    Draft::new(offset, &KeyPath::default(), error.message())
}

fn written_nowhere<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// The key whose value begins at `offset`.
fn key_at(table: &DeTable, offset: usize, path: &KeyPath) -> Option<KeyPath> {
    table.iter().find_map(|(key, value)| {
        let path = path.key(key.get_ref());
        if value.span().start == offset || key.span().start == offset {
            return Some(path);
        }
        match value.get_ref() {
            DeValue::Table(table) => key_at(table, offset, &path),
            DeValue::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                let path = path.item(index, name_of_item(item));
                match item.get_ref() {
                    _ if item.span().start == offset => Some(path),
                    DeValue::Table(table) => key_at(table, offset, &path),
                    _ => None,
                }
            }),
            _ => None,
        }
    })
}

/// The `name` that a table gives itself.
pub(super) fn name_of<'a>(table: &'a DeTable) -> Option<&'a str> {
    table.get("name")?.get_ref().as_str()
}

/// The `name` that an item of a list gives itself.
pub(super) fn name_of_item<'a>(item: &'a Spanned<DeValue>) -> Option<&'a str> {
    name_of(item.get_ref().as_table()?)
}
