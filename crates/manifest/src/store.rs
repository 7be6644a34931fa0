//! The content store: bytes as they came, named by their sha256, never changed.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    atomic::{remove_leftovers, write_known},
    failpoint,
    ids::Sha256Digest,
    ledger::LedgerRow,
};

/// The folder `originals/` of a root.
#[derive(Clone, Debug)]
pub struct ContentStore {
    folder: PathBuf,
}

impl ContentStore {
    /// The store in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the bytes with this digest lie or would lie: `ab/abcdef….png`.
    pub fn path_of(&self, sha256: Sha256Digest, extension: &str) -> PathBuf {
        let name = sha256.to_string();
        self.folder
            .join(&name[..2])
            .join(format!("{name}.{extension}"))
    }

    /// Where the bytes of an item can be read: here if they were copied, else where they were found.
    pub fn locate(&self, row: &LedgerRow) -> Option<PathBuf> {
        let extension = match row.format.as_deref()? {
            "jpeg" => "jpg",
            "tiff" => "tif",
            other => other,
        };
        let kept = self.path_of(row.sha256?, extension);
        Some(if kept.exists() {
            kept
        } else {
            PathBuf::from(&row.origin)
        })
    }

    /// Keeps `bytes`, whose digest is `sha256`; bytes that are there already are left alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(
        &self,
        bytes: &[u8],
        sha256: Sha256Digest,
        extension: &str,
    ) -> Result<PathBuf, Error> {
        let path = self.path_of(sha256, extension);
        let is_there = path
            .metadata()
            .is_ok_and(|found| found.len() == bytes.len() as u64);
        if !is_there {
            write_known(&path, bytes, || failpoint::pass("store.before_rename"))?;
        }
        Ok(path)
    }

    /// Removes what dead processes left half-written.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn remove_leftovers(&self) -> Result<u64, Error> {
        let mut removed = 0;
        let entries = match fs_err::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                removed += remove_leftovers(Path::new(&path))?;
            }
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = ContentStore::new(folder.path());
        let sha256 = Sha256Digest::of(b"x");
        let path = store.keep(b"x", sha256, "png").unwrap();
        assert_eq!(path, store.keep(b"x", sha256, "png").unwrap());
        assert_eq!(fs_err::read(path).unwrap(), b"x");
    }
}
