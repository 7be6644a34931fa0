//! Scores by name: those that the ledger has, and those that were computed elsewhere and join by sha256.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use terminus_manifest::{ids::Sha256Digest, ledger::LedgerRow};

use crate::{Error, cells::Table};

/// Names of the scores that the ledger has.
pub const MEASURED: [&str; 7] = [
    "brightness",
    "dark",
    "light",
    "entropy",
    "sharpness",
    "flatness",
    "palette",
];

/// Scores that a collection should have before it is trained on or shared, and the words that name them.
pub const SAFETY: [(&str, &[&str]); 4] = [
    ("aesthetic", &["aesthetic"]),
    ("nsfw", &["nsfw", "unsafe", "safety"]),
    ("watermark", &["watermark"]),
    ("person", &["person", "people", "face"]),
];

/// Scores that were computed elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    columns: BTreeMap<String, HashMap<Sha256Digest, f64>>,
    /// All columns of the files, those without a number too.
    named: BTreeSet<String>,
}

impl Scores {
    /// Reads the number columns of files that have a `sha256` column; where files share a column, the later counts.
    ///
    /// # Errors
    /// A file cannot be read or has no `sha256` column.
    pub fn read(files: &[PathBuf]) -> Result<Self, Error> {
        let mut columns: BTreeMap<String, HashMap<Sha256Digest, f64>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        for path in files {
            let failed = |source| Error::ScoresFile {
                path: path.clone(),
                source,
            };
            let table = Table::open(path).map_err(failed)?;
            let names = table.names();
            if table.column(None, &["sha256"]).is_none() {
                return Err(Error::ScoresColumn {
                    path: path.clone(),
                    found: names.join(", "),
                });
            }
            named.extend(names.iter().map(|name| name.to_lowercase()));
            for cells in table.read(4096, |_| true) {
                let cells = cells.map_err(failed)?;
                for row in 0..cells.rows() {
                    let sha256 = cells.text("sha256", row).and_then(|text| text.parse().ok());
                    let Some(sha256) = sha256 else { continue };
                    for name in &names {
                        if let Some(value) = cells.number(name, row) {
                            columns
                                .entry(name.to_lowercase())
                                .or_default()
                                .insert(sha256, value);
                        }
                    }
                }
            }
        }
        columns.remove("sha256");
        named.remove("sha256");
        Ok(Self { columns, named })
    }

    /// Whether a score has this name, measured or joined.
    pub(crate) fn knows(&self, name: &str) -> bool {
        MEASURED.contains(&name) || self.named.contains(&name.to_lowercase())
    }

    /// The names that can be asked for.
    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        let joined = self.named.iter().map(String::as_str);
        MEASURED.into_iter().chain(joined)
    }

    /// Whether files are joined, and none of them tells anything of this item.
    pub(crate) fn lack(&self, row: &LedgerRow) -> bool {
        let is_in = |column: &HashMap<Sha256Digest, f64>| {
            row.sha256
                .is_some_and(|sha256| column.contains_key(&sha256))
        };
        !self.named.is_empty() && !self.columns.values().any(is_in)
    }

    /// The score of an item, by name.
    pub fn of(&self, name: &str, row: &LedgerRow) -> Option<f64> {
        match name {
            "brightness" => row.brightness,
            "dark" => row.dark,
            "light" => row.light,
            "entropy" => row.entropy,
            "sharpness" => row.sharpness,
            "flatness" => row.flatness,
            "palette" => row.palette,
            _ => self
                .columns
                .get(&name.to_lowercase())?
                .get(&row.sha256?)
                .copied(),
        }
    }

    /// The names of joined scores.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// The safety scores that no column gives.
    pub fn missing_safety(&self) -> Vec<&'static str> {
        let has = |words: &[&str]| {
            self.names()
                .any(|name| words.iter().any(|word| name.contains(word)))
        };
        let missing = SAFETY.iter().filter(|(_, words)| !has(words));
        missing.map(|(name, _)| *name).collect()
    }
}
