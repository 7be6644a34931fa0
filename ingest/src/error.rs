//! What ends an ingest. What is wrong with one item is a verdict, never one of these.

use std::path::PathBuf;

/// Why an ingest could not run or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A collection's folder is not there.
    #[error("collection `{collection}`: the folder `{}` does not exist\nhint: correct `source.folder` of this collection in the recipe, or bring the folder", path.display())]
    NoFolder {
        /// The collection.
        collection: String,
        /// The folder.
        path: PathBuf,
    },
    /// A collection's folder cannot be listed.
    #[error("collection `{collection}`: {source}")]
    Walk {
        /// The collection.
        collection: String,
        /// What stands in the way; names the path.
        source: walkdir::Error,
    },
    /// A glob names nothing.
    #[error("collection `{collection}`: no file is named by `{}`\nhint: correct `source` of this collection in the recipe; relative paths start from the recipe's folder", pattern.display())]
    NoMatch {
        /// The collection.
        collection: String,
        /// The glob or path.
        pattern: PathBuf,
    },
    /// A folder stands where files are to be named.
    #[error("collection `{collection}`: `{0}` is a folder\nhint: name its files by a glob, such as `{0}/*`; images in a tree are `source = {{ folder = … }}`", path.display())]
    IsFolder {
        /// The collection.
        collection: String,
        /// The folder.
        path: PathBuf,
    },
    /// A folder of a glob cannot be listed.
    #[error("collection `{collection}`: {source}")]
    Unlisted {
        /// The collection.
        collection: String,
        /// What stands in the way; names the path.
        source: glob::GlobError,
    },
    /// A glob that is none.
    #[error("collection `{collection}`: `source` is no glob: {source}")]
    Pattern {
        /// The collection.
        collection: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A list of a kind that is not read.
    #[error("collection `{collection}`: `{}` is no list that is read\nhint: its name must end in .txt, .csv, .tsv, .jsonl or .parquet, or in one of these and .gz", path.display())]
    ListFormat {
        /// The collection.
        collection: String,
        /// The file.
        path: PathBuf,
    },
    /// A table lacks the column that its source is about.
    #[error("collection `{collection}`: `{}` has no column for `{key}`; its columns are {found}\nhint: name it in the collection: columns = {{ {key} = \"…\" }}", path.display())]
    NoColumn {
        /// The collection.
        collection: String,
        /// The file.
        path: PathBuf,
        /// The key of `columns` that names it.
        key: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A file of scores cannot be read.
    #[error("scores: `{}`: {source}\nhint: correct `ingest.scores.files`", path.display())]
    ScoresFile {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        source: parquet::errors::ParquetError,
    },
    /// A file of scores has nothing to join by.
    #[error("scores: `{}` has no column `sha256`; its columns are {found}\nhint: scores join the ledger by the sha256 of the file's bytes, in lower-case hex", path.display())]
    ScoresColumn {
        /// The file.
        path: PathBuf,
        /// The columns that are there.
        found: String,
    },
    /// A collection selects by a score that nothing gives.
    #[error(
        "collection `{collection}`: `select.scores` asks for `{name}`, which nothing gives; there are {known}\nhint: correct the name, or name the file that has it in `ingest.scores.files`"
    )]
    UnknownScore {
        /// The collection.
        collection: String,
        /// The score.
        name: String,
        /// The scores that are there.
        known: String,
    },
    /// A phrase of a collection's `select` that every prompt holds.
    #[error(
        "collection `{collection}`: `select` names the phrase `{phrase}`, which has no word\nhint: phrases are found as whole words; take it out"
    )]
    NoWord {
        /// The collection.
        collection: String,
        /// The phrase.
        phrase: String,
    },
    /// The part that fetches addresses cannot be started.
    #[error("starting the downloads: {source}")]
    Downloads {
        /// What stands in the way.
        source: reqwest::Error,
    },
    /// The part that fetches addresses has ended before its work.
    #[error(
        "the downloads ended early; what is finished is saved\nhint: run the same command again"
    )]
    DownloadsEnded,
    /// A file of the contract cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] terminus_manifest::Error),
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Someone asked to stop. Everything finished so far is saved.
    #[error("interrupted")]
    Interrupted,
}
