//! The files that a glob names.

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use super::folder::portable;
use crate::Error;

/// A file that a glob names.
pub(crate) struct SourceFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path from the folder that the glob starts in: the same wherever that folder lies.
    pub name: String,
}

/// The files that `pattern` names, sorted; a path that exists names itself.
///
/// # Errors
/// The pattern is none, or names nothing.
pub(crate) fn files(collection: &str, pattern: &Path) -> Result<Vec<SourceFile>, Error> {
    let is_fixed = |part: &Component<'_>| {
        !part
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|b| b"*?[".contains(b))
    };
    let mut base: PathBuf = if pattern.is_file() {
        pattern.parent().unwrap_or(Path::new("")).to_owned()
    } else {
        pattern.components().take_while(is_fixed).collect()
    };
    if base == pattern {
        base.pop();
    }
    let no_match = || Error::NoMatch {
        collection: collection.to_owned(),
        pattern: pattern.to_owned(),
    };
    let mut paths: Vec<PathBuf> = if pattern.is_file() {
        vec![pattern.to_owned()]
    } else {
        let text = pattern.to_str().ok_or_else(no_match)?;
        let found = glob::glob(text).map_err(|source| Error::Pattern {
            collection: collection.to_owned(),
            source,
        })?;
        found
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect()
    };
    paths.sort();
    if paths.is_empty() {
        return Err(no_match());
    }
    let named = paths.into_iter().map(|path| SourceFile {
        name: portable(path.strip_prefix(&base).unwrap_or(&path)),
        path,
    });
    Ok(named.collect())
}

/// Whether a file's name ends so, case aside: `ends(path, ".csv.gz")`.
pub(crate) fn ends(path: &Path, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_ascii_lowercase().ends_with(end)
}

/// The extensions of images, by which files of a mixed archive are told from the rest when nothing else is known.
pub(crate) const IMAGE_EXTENSIONS: [&str; 10] = [
    "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif",
];
