//! The items of a folder: every regular, visible file that is not a sidecar of one.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::Write as _,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::words::Reason;
use walkdir::WalkDir;

use super::{Found, Place, SIDECAR_EXTENSIONS, Sidecar, Sink, Stat, Walk, pattern::is_image};
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

/// Lists the items of `folder`, ordered by source id. Symbolic links are followed, hidden files and folders passed over.
///
/// # Errors
/// The folder cannot be listed. One in it that cannot is an item, as is a link to nowhere.
pub(crate) fn list(collection: &str, folder: &Path) -> Result<Vec<Found>, Error> {
    if !folder.is_dir() {
        return Err(Error::NoFolder {
            collection: collection.to_owned(),
            path: folder.to_owned(),
        });
    }
    let walk = WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    let mut items = Vec::new();
    // Files by their path without extension: what a sidecar and its images share.
    let mut by_stem: BTreeMap<PathBuf, Vec<File>> = BTreeMap::new();
    for entry in walk {
        let file = entry.and_then(|entry| {
            let stat = Stat::of(&entry.metadata()?);
            let is_file = entry.file_type().is_file();
            Ok(is_file.then(|| File {
                path: entry.into_path(),
                stat,
            }))
        });
        match file {
            Ok(Some(file)) => by_stem.entry(file.stem()).or_default().push(file),
            Ok(None) => {}
            Err(source) if source.depth() == 0 => {
                return Err(Error::Walk {
                    collection: collection.to_owned(),
                    source,
                });
            }
            Err(error) => items.extend(unlisted(collection, folder, &error)),
        }
    }
    for files in by_stem.into_values() {
        collect_stem(collection, folder, files, &mut items);
    }
    items.sort_by(|a, b| a.source_id.cmp(&b.source_id));
    Ok(items)
}

/// A file that the walk came by.
struct File {
    path: PathBuf,
    stat: Stat,
}

impl File {
    fn extension(&self) -> &OsStr {
        self.path.extension().unwrap_or_default()
    }

    /// Its place among sidecars, if its extension is that of one.
    fn rank(&self) -> Option<usize> {
        SIDECAR_EXTENSIONS
            .iter()
            .position(|known| self.extension().eq_ignore_ascii_case(known))
    }

    /// `a` of `a.png` and `a.txt`; of `a.png.txt` too, if there is an `a.png`.
    fn stem(&self) -> PathBuf {
        let stem = self.path.with_extension("");
        if self.rank().is_some() && is_image(&stem) && stem.is_file() {
            stem.with_extension("")
        } else {
            stem
        }
    }

    /// Whether it is a sidecar of this image alone, or of all that share its stem.
    fn belongs_to(&self, image: &Path) -> bool {
        let name = self.path.file_stem();
        name == image.file_stem() || name == image.file_name()
    }
}

/// What the walk could not enter or follow; none for what vanished meanwhile, and for links to folders that are walked anyway.
fn unlisted(collection: &str, folder: &Path, error: &walkdir::Error) -> Option<Found> {
    let path = error.path()?;
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let is_seen = !relative.iter().any(is_hidden);
    let fault = error.io_error().filter(|_| is_seen)?;
    let detail = match (fault.kind(), fs::read_link(path)) {
        (io::ErrorKind::NotFound, Ok(target)) => {
            format!("it is a link to `{}`, which is not there", target.display())
        }
        (io::ErrorKind::NotFound, Err(_)) => return None,
        _ if path.is_dir() => {
            format!("the folder cannot be listed, and what is in it is not seen: {fault}")
        }
        _ => fault.to_string(),
    };
    let origin = path.to_string_lossy().into_owned();
    let name = portable(relative);
    let reason = Reason::Unreadable;
    Some(Found::without_bytes(
        collection, &name, origin, reason, detail,
    ))
}

/// Adds the items among files that share a stem. A sidecar without an image is an item itself.
fn collect_stem(collection: &str, folder: &Path, files: Vec<File>, items: &mut Vec<Found>) {
    let is_lone = files.iter().all(|file| file.rank().is_some());
    let (mut sidecars, images): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| !is_lone && file.rank().is_some());
    sidecars.sort_by_key(File::rank);
    for File { path, stat } in images {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        let origin = path.to_string_lossy().into_owned();
        let name = portable(relative);
        let own = sidecars.iter().filter(|file| file.belongs_to(&path));
        let own = own.map(|file| Sidecar {
            extension: file.extension().to_string_lossy().to_lowercase(),
            place: Place::File(file.path.clone()),
            stat: file.stat,
        });
        let own = own.collect();
        let mut found = Found::new(collection, &name, origin, Place::File(path)).within(stat);
        found.sidecars = own;
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
            "e.png",
            "e.webp",
            "e.png.txt",
        ] {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, b"x").unwrap();
        }
        fs_err::create_dir(folder.path().join(".cache")).unwrap();
        fs_err::write(folder.path().join(".cache/d.png"), b"x").unwrap();
        let expected = [
            ("c:a.jpg", 2),
            ("c:a.png", 2),
            ("c:b/c.webp", 0),
            ("c:e.png", 1),
            ("c:e.webp", 0),
            ("c:lone.txt", 0),
        ];
        assert_eq!(
            names(folder.path()),
            expected.map(|(name, n)| (name.to_owned(), n))
        );
    }

    #[test]
    fn links_are_followed_and_one_to_nowhere_is_an_item() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("in");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir(world.path().join("elsewhere")).unwrap();
        fs::write(world.path().join("elsewhere/a.png"), b"x").unwrap();
        for (target, link) in [
            ("../elsewhere/a.png", "file.png"),
            ("../elsewhere", "folder"),
            ("../nowhere", "broken.png"),
            ("../nowhere", ".#lock"),
            ("..", "sub/loop"),
        ] {
            std::os::unix::fs::symlink(target, folder.join(link)).unwrap();
        }
        let found = list("c", &folder).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.source_id.as_str()).collect();
        assert_eq!(names, ["c:broken.png", "c:file.png", "c:folder/a.png"]);
        let Place::Nothing { reason, detail } = &found[0].place else {
            panic!("{:?}", found[0].place);
        };
        assert_eq!(*reason, Reason::Unreadable);
        assert_eq!(detail, "it is a link to `../nowhere`, which is not there");
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
