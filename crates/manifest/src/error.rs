//! What can be wrong with files of the contract.

use std::path::PathBuf;

/// A fact about a file or a value that breaks the contract.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that should be an id, a word of a closed list or a number is not.
    #[error("`{found}` is not a {what}")]
    NotAnId {
        /// What was expected.
        what: &'static str,
        /// The text.
        found: String,
    },
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A Parquet file cannot be read or written.
    #[error("`{}`: {source}\nhint: the file is damaged or was not written by terminus; `terminus verify` lists such files", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library says.
        source: parquet::errors::ParquetError,
    },
    /// Columns cannot be put together into a table.
    #[error("table `{table}`: {source}")]
    Arrow {
        /// The table's name.
        table: &'static str,
        /// What the Arrow library says.
        source: arrow_schema::ArrowError,
    },
    /// A file lacks a column, or holds it with another type.
    #[error("`{}`: column `{column}` {fault}\nhint: the file has another schema version than this program", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        fault: ColumnFault,
    },
    /// A JSON document cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value has no canonical JSON form.
    #[error("the settings cannot be written as canonical JSON: {0}")]
    Canonical(serde_json::Error),
    /// The bytes of a file are not those that its record names.
    #[error("`{}` has sha256 {found}, its record says {expected}\nhint: the file was changed or damaged after it was written", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest in the record.
        expected: String,
        /// The digest of the bytes.
        found: String,
    },
    /// A manifest of a later program.
    #[error("`{}` has schema version {found}, this program reads up to {supported}\nhint: update terminus", path.display())]
    SchemaVersion {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
    },
    /// A recipe has no published generation.
    #[error("`{}` does not exist: no generation of this recipe has been published\nhint: run `terminus bucket` with the recipe first", path.display())]
    NoGeneration {
        /// The `latest.json` that was looked for.
        path: PathBuf,
    },
    /// A recipe has no generation of the number that was asked for.
    #[error("`{}` does not exist: this generation is not published, or `terminus gc` took it\nhint: published are {}", path.display(), listed(published))]
    NoSuchGeneration {
        /// The manifest that was looked for.
        path: PathBuf,
        /// The generations that there are.
        published: Vec<u32>,
    },
    /// A row that an index names is not in its shard.
    #[error("`{}` has {rows} rows, row {row} was asked for", path.display())]
    RowOutOfRange {
        /// The shard.
        path: PathBuf,
        /// Rows in it.
        rows: u64,
        /// The row asked for.
        row: u64,
    },
    /// Another process holds a lock of the root.
    #[error("`{}` is locked: another terminus process is at work there\nhint: wait until it ends; a lock never outlives its process", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A number that should be a ratio is not, or is out of its range.
    #[error("`{found}` is not a ratio: {allowed}")]
    Ratio {
        /// The number, as it was written.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The settings ask for an epoch that no machine could hold.
    #[error(
        "an epoch of {places} places is asked for, at most {limit} are possible\nhint: lower the anchor ratio of `[mix]`, the batch size or the accumulation"
    )]
    PlanTooLarge {
        /// Places that the settings ask for.
        places: u128,
        /// The most that are planned.
        limit: u64,
    },
    /// A line of `overrides.csv` cannot be obeyed.
    #[error("{}:{line}: {fault}", path.display())]
    Override {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: String,
    },
}

/// Numbers for a hint.
fn listed(numbers: &[u32]) -> String {
    if numbers.is_empty() {
        return "none".to_owned();
    }
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

/// What is wrong with a column that was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has another type.
    #[error("has type {found}, expected {expected}")]
    Type {
        /// Type in the file.
        found: String,
        /// Type of the contract.
        expected: String,
    },
    /// It has nulls where the contract has none.
    #[error("is null in row {row}")]
    Null {
        /// The first such row.
        row: usize,
    },
    /// A text that is no value of its type.
    #[error("holds `{found}` in row {row}")]
    Value {
        /// The text.
        found: String,
        /// The row.
        row: usize,
    },
}
