//! Locks of a root: one writer at a time where the contract wants one. They end with their process.

use std::{fs::TryLockError, path::Path};

use fs_err as fs;

use crate::Error;

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: fs::File,
}

impl Lock {
    /// Takes the lock at `path`, making the file if it is missing.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds it.
    pub fn take(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
