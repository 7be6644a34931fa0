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
    /// A kind of source that this version does not read.
    #[error(
        "collection `{collection}`: sources of kind `{kind}` are not read by this version\nhint: export the images into a folder with sidecars and use `source = {{ folder = \"…\" }}`"
    )]
    SourceKind {
        /// The collection.
        collection: String,
        /// The kind.
        kind: &'static str,
    },
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
