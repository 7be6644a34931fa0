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
    if pattern.is_dir() {
        return Err(Error::IsFolder {
            collection: collection.to_owned(),
            path: pattern.to_owned(),
        });
    }
    let no_match = || Error::NoMatch {
        collection: collection.to_owned(),
        pattern: pattern.to_owned(),
    };
    let mut paths: Vec<PathBuf> = if pattern.is_file() {
        vec![pattern.to_owned()]
    } else {
        let mut found = matches(collection, pattern)?;
        found.retain(|path| path.is_file());
        found
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

/// The folders that `pattern` names, sorted; a path that exists names itself.
///
/// # Errors
/// The pattern is none, or a folder cannot be listed.
pub(crate) fn folders(collection: &str, pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    if pattern.is_dir() {
        return Ok(vec![pattern.to_owned()]);
    }
    let mut found = matches(collection, pattern)?;
    found.retain(|path| path.is_dir());
    found.sort();
    Ok(found)
}

fn matches(collection: &str, pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = pattern.to_str().ok_or_else(|| Error::NoMatch {
        collection: collection.to_owned(),
        pattern: pattern.to_owned(),
    })?;
    let found = glob::glob(text).map_err(|source| Error::Pattern {
        collection: collection.to_owned(),
        source,
    })?;
    let found: Result<Vec<PathBuf>, _> = found.collect();
    found.map_err(|source| Error::Unlisted {
        collection: collection.to_owned(),
        source,
    })
}

/// Whether a file's name ends so, case aside: `ends(path, ".csv.gz")`.
pub(crate) fn ends(path: &Path, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_ascii_lowercase().ends_with(end)
}

/// The extensions of images, by which files of a mixed archive are told from the rest when nothing else is known.
const IMAGE_EXTENSIONS: [&str; 10] = [
    "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif",
];

/// Whether a name ends as those of images do.
pub(crate) fn is_image(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|own| {
        IMAGE_EXTENSIONS
            .iter()
            .any(|known| own.eq_ignore_ascii_case(known))
    })
}
