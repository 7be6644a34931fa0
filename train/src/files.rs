//! Folders that are whole or not there, and JSON documents in them.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use serde::{Serialize, de::DeserializeOwned};
use terminus_manifest::{atomic, ids::Sha256Digest};

use crate::Error;

/// A folder that is being filled under a temporary name. Dropped before [`Draft::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Draft {
    draft: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// Begins `target`, in its parent folder, and removes what killed processes began there.
    pub fn begin(target: &Path) -> Result<Self, Error> {
        let parent = target.parent().unwrap_or(Path::new("."));
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        fs::create_dir_all(parent)?;
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            let is_leftover = entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX));
            if is_leftover && entry.path().is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let draft = parent.join(format!("{PREFIX}{name}"));
        fs::create_dir(&draft)?;
        Ok(Self {
            draft,
            target: target.to_owned(),
        })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.draft
    }

    /// Gives the folder its name, in place of what bore it. Its files are synced already.
    pub fn finish(self) -> Result<(), Error> {
        sync_folder(&self.draft)?;
        if self.target.exists() {
            fs::remove_dir_all(&self.target)?;
        }
        fs::rename(&self.draft, &self.target)?;
        sync_folder(self.target.parent().unwrap_or(Path::new(".")))?;
        Ok(())
    }
}

const PREFIX: &str = ".draft-";

impl Drop for Draft {
    fn drop(&mut self) {
        // After `finish` the temporary name is gone; otherwise nothing half-written may stay.
        let _ = fs::remove_dir_all(&self.draft);
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Puts the files of `from` into `to`: weights as hard links where that works, all else as copies.
///
/// Pickles are left out: nothing here reads them.
///
/// # Errors
/// `from` is no folder; the disk is full.
pub(crate) fn link_folder(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let (Some(name), Some(extension)) = (path.file_name(), path.extension()) else {
            continue;
        };
        let target = to.join(name);
        match extension.to_str() {
            Some("safetensors") => {
                // A link into another file system, or where links are forbidden, is a copy.
                let source = fs::canonicalize(&path)?;
                if fs::hard_link(&source, &target).is_err() {
                    fs::copy(&source, &target)?;
                    fs::File::open(&target)?.sync_all()?;
                }
            }
            Some("json" | "txt" | "model") => {
                atomic::write(&target, &fs::read(&path)?)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A line for each file of `folder` that [`link_folder`] takes: its name, its size and a hash of its first megabyte,
/// which in a file of weights holds all names and the first tensors.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn fingerprint(folder: &Path) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str());
        if !matches!(extension, Some("safetensors" | "json" | "txt" | "model")) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        lines.push(format!("{name} {}", beginning(&path)?));
    }
    lines.sort_unstable();
    Ok(lines)
}

/// A file's size and a hash of its first megabyte.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn beginning(path: &Path) -> Result<String, Error> {
    const BEGINNING: u64 = 1 << 20;
    let file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    let mut beginning = Vec::new();
    file.take(BEGINNING).read_to_end(&mut beginning)?;
    Ok(format!("{size} {}", Sha256Digest::of(&beginning)))
}

/// Writes `document` as indented JSON.
pub(crate) fn write_json<T: Serialize>(path: &Path, document: &T) -> Result<(), Error> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })?;
    bytes.push(b'\n');
    atomic::write(path, &bytes)?;
    Ok(())
}

/// Reads a JSON document.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&fs::read(path)?).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_and_replaces_the_old_one() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("000010");
        let draft = Draft::begin(&target).unwrap();
        fs::write(draft.path().join("a"), "half").unwrap();
        drop(draft);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);

        for text in ["old", "new"] {
            let draft = Draft::begin(&target).unwrap();
            fs::write(draft.path().join("a"), text).unwrap();
            draft.finish().unwrap();
            assert_eq!(fs::read_to_string(target.join("a")).unwrap(), text);
        }
    }

    #[test]
    fn what_a_killed_process_began_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join(".draft-000005")).unwrap();
        Draft::begin(&parent.path().join("000010"))
            .unwrap()
            .finish()
            .unwrap();
        assert!(!parent.path().join(".draft-000005").exists());
    }

    #[test]
    fn weights_and_documents_are_taken_along_and_pickles_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let from = parent.path().join("from");
        fs::create_dir(&from).unwrap();
        for name in [
            "config.json",
            "model.safetensors",
            "merges.txt",
            "model.bin",
        ] {
            fs::write(from.join(name), name).unwrap();
        }
        let to = parent.path().join("to");
        link_folder(&from, &to).unwrap();
        assert_eq!(
            fs::read_to_string(to.join("model.safetensors")).unwrap(),
            "model.safetensors"
        );
        assert!(to.join("config.json").exists() && to.join("merges.txt").exists());
        assert!(!to.join("model.bin").exists());
    }
}
