//! The items of a folder: every regular, visible file that is not a sidecar of one.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Found, Place, SIDECAR_EXTENSIONS, Sidecar, Sink, Stat, Walk};
use crate::{CollectionPlan, Error};

/// A folder of images in any tree.
pub(crate) struct Folder(pub PathBuf);

impl Walk for Folder {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        list(&collection.name, &self.0)?
            .into_iter()
            .try_for_each(|found| sink.take(found))
    }
}

/// Lists the items of `folder`, ordered by source id. Hidden files and folders and symbolic links are passed over.
///
/// # Errors
/// The folder, or one in it, cannot be listed.
pub(crate) fn list(collection: &str, folder: &Path) -> Result<Vec<Found>, Error> {
    if !folder.is_dir() {
        return Err(Error::NoFolder {
            collection: collection.to_owned(),
            path: folder.to_owned(),
        });
    }
    let failed = |source| Error::Walk {
        collection: collection.to_owned(),
        source,
    };
    let walk = WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    // Files by their path without extension: what a sidecar and its images share.
    let mut by_stem: BTreeMap<PathBuf, Vec<(OsString, PathBuf, Stat)>> = BTreeMap::new();
    for entry in walk {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().is_file() {
            continue;
        }
        let stat = Stat::of(&entry.metadata().map_err(failed)?);
        let path = entry.into_path();
        let extension = path.extension().unwrap_or_default().to_owned();
        by_stem
            .entry(path.with_extension(""))
            .or_default()
            .push((extension, path, stat));
    }
    let mut items = Vec::new();
    for files in by_stem.into_values() {
        collect_stem(collection, folder, files, &mut items);
    }
    items.sort_by(|a, b| a.source_id.cmp(&b.source_id));
    Ok(items)
}

/// Adds the items among files that share a stem. A sidecar without an image is an item itself.
fn collect_stem(
    collection: &str,
    folder: &Path,
    files: Vec<(OsString, PathBuf, Stat)>,
    items: &mut Vec<Found>,
) {
    let rank = |extension: &OsStr| {
        SIDECAR_EXTENSIONS
            .iter()
            .position(|known| extension.eq_ignore_ascii_case(known))
    };
    let has_image = files
        .iter()
        .any(|(extension, ..)| rank(extension).is_none());
    let (mut sidecars, images): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|(extension, ..)| has_image && rank(extension).is_some());
    sidecars.sort_by_key(|(extension, ..)| rank(extension));
    let sidecars: Vec<Sidecar> = sidecars
        .into_iter()
        .map(|(extension, path, stat)| Sidecar {
            extension: extension.to_string_lossy().to_lowercase(),
            place: Place::File(path),
            stat,
        })
        .collect();
    for (_, path, stat) in images {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        let origin = path.to_string_lossy().into_owned();
        let name = portable(relative);
        let mut found = Found::new(collection, &name, origin, Place::File(path)).within(stat);
        found.sidecars.clone_from(&sidecars);
        items.push(found);
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().first() == Some(&b'.')
}

/// A path as text: UTF-8 as it is, other bytes and `%` percent-encoded.
pub(crate) fn portable(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<(String, usize)> {
        let found = list("c", folder).unwrap();
        found
            .into_iter()
            .map(|item| (item.source_id, item.sidecars.len()))
            .collect()
    }

    #[test]
    fn files_that_share_a_stem_share_their_sidecars() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a.png",
            "a.jpg",
            "a.txt",
            "a.json",
            "lone.txt",
            "b/c.webp",
            ".hidden.png",
        ] {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, b"x").unwrap();
        }
        fs_err::create_dir(folder.path().join(".cache")).unwrap();
        fs_err::write(folder.path().join(".cache/d.png"), b"x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.png"), folder.path().join("link.png"))
            .unwrap();
        let expected = [
            ("c:a.jpg", 2),
            ("c:a.png", 2),
            ("c:b/c.webp", 0),
            ("c:lone.txt", 0),
        ];
        assert_eq!(
            names(folder.path()),
            expected.map(|(name, n)| (name.to_owned(), n))
        );
    }

    #[test]
    fn odd_bytes_in_a_name_give_a_portable_id() {
        let path = Path::new(OsStr::from_bytes(b"50%/\xff\xc3\xa9.png"));
        assert_eq!(portable(path), "50%25/%FFé.png");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = list("niji", Path::new("/no/such/folder"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("collection `niji`: the folder `/no/such/folder` does not exist"),
            "{error}"
        );
    }
}
