//! Files that are either whole or not there: written to a temporary name in their folder, synced, renamed.

mod large;

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use fs_err as fs;
use sha2::{Digest as _, Sha256};

pub(crate) use large::LargeFile;

use crate::ids::Sha256Digest;

static COUNTER: AtomicU64 = AtomicU64::new(0);
const PREFIX: &str = ".tmp-";

/// A file that is being written. Dropped before [`AtomicFile::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<io::BufWriter<fs::File>>,
    temporary: Temporary,
    hasher: Sha256,
    size_bytes: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Digest of the bytes.
    pub sha256: Sha256Digest,
    /// How many.
    pub size_bytes: u64,
}

impl AtomicFile {
    /// Begins `target`; makes its folder if it is missing.
    ///
    /// # Errors
    /// The folder or the temporary file cannot be made.
    pub fn create(target: &Path) -> io::Result<Self> {
        let (temporary, file) = Temporary::create(target)?;
        Ok(Self {
            file: Some(io::BufWriter::with_capacity(1 << 20, file)),
            temporary,
            hasher: Sha256::new(),
            size_bytes: 0,
        })
    }

    /// Syncs the bytes and gives them their name, replacing what bore it.
    ///
    /// # Errors
    /// The bytes cannot be written, as on a full disk; then the target is untouched.
    pub fn commit(self) -> io::Result<Written> {
        let target = self.temporary.target.clone();
        self.commit_as(&target)
    }

    /// [`AtomicFile::commit`] under a name, in the same folder tree, that is known only now.
    ///
    /// # Errors
    /// As for [`AtomicFile::commit`].
    pub fn commit_as(mut self, target: &Path) -> io::Result<Written> {
        if let Some(mut file) = self.file.take() {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        if target.parent() != self.temporary.path.parent()
            && let Some(folder) = target.parent()
        {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&self.temporary.path, target)?;
        sync_folder(target)?;
        let hasher = std::mem::take(&mut self.hasher);
        Ok(Written {
            sha256: Sha256Digest(hasher.finalize().into()),
            size_bytes: self.size_bytes,
        })
    }

    /// Digest of the bytes written so far.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest(self.hasher.clone().finalize().into())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = self.file.as_mut() else {
            return Ok(0);
        };
        let written = file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A name that nobody else uses, in the folder of the target. Dropped, it takes its file along.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    target: PathBuf,
}

impl Temporary {
    fn create(target: &Path) -> io::Result<(Self, fs::File)> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut name = OsString::from(format!("{PREFIX}{}-{count}-", std::process::id()));
        name.push(target.file_name().unwrap_or_default());
        let path = folder.join(name);
        let file = fs::File::create(&path)?;
        let target = target.to_owned();
        Ok((Self { path, target }, file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a commit the temporary name is gone; otherwise nothing half-written may stay.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes a whole file atomically.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(target: &Path, bytes: &[u8]) -> io::Result<Written> {
    let mut file = AtomicFile::create(target)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Writes a whole file atomically whose digest is known: the bytes go to the disk as they are, uncopied and unread.
///
/// # Errors
/// The folder or the file cannot be written.
pub(crate) fn write_known(target: &Path, bytes: &[u8], before_rename: fn()) -> io::Result<()> {
    let (temporary, mut file) = Temporary::create(target)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    before_rename();
    fs::rename(&temporary.path, target)?;
    sync_folder(target)
}

/// Removes temporary files in `folder` whose process has ended without removing them.
///
/// # Errors
/// The folder cannot be listed; a missing one is empty.
pub fn remove_leftovers(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let owner = rest.split('-').next().unwrap_or_default();
        let is_alive = owner == std::process::id().to_string()
            || Path::new("/proc").join(owner).join("stat").exists();
        if !is_alive {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a file name is that of an unfinished file.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn sync_folder(target: &Path) -> io::Result<()> {
    let folder = target
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a/b.txt");
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!target.exists());
        drop(file);
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 0);
        let written = write(&target, b"whole").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(
            written,
            Written {
                sha256: Sha256Digest::of(b"whole"),
                size_bytes: 5
            }
        );
    }

    #[test]
    fn leftovers_of_dead_processes_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        // Process numbers end below 2^22 on Linux.
        fs::write(folder.path().join(".tmp-99999999-0-x.parquet"), b"x").unwrap();
        let alive = AtomicFile::create(&folder.path().join("y.parquet")).unwrap();
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
        alive.commit().unwrap();
        assert!(folder.path().join("y.parquet").exists());
    }
}
