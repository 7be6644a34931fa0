//! The names on disk under a root.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;

use crate::{
    Error, atomic,
    caption::CaptionRow,
    interest::InterestRow,
    ledger::LedgerRow,
    lock::Lock,
    log::{Log, Run},
    time::Timestamp,
    verdict::VerdictRow,
};

/// The folder that a recipe names as `root`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The root at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Facts about items.
    pub fn ledger(&self) -> Log<LedgerRow> {
        Log::open(self.path.join("ledger"))
    }

    /// Verdicts on items.
    pub fn verdicts(&self) -> Log<VerdictRow> {
        Log::open(self.path.join("verdicts"))
    }

    /// Captions of pictures.
    pub fn captions(&self) -> Log<CaptionRow> {
        Log::open(self.path.join("captions"))
    }

    /// Where pictures are busiest.
    pub fn interest(&self) -> Log<InterestRow> {
        Log::open(self.path.join("interest"))
    }

    /// Bytes as they came, named by their sha256.
    pub fn originals(&self) -> PathBuf {
        self.path.join("originals")
    }

    /// Pixels of samples.
    pub fn shards(&self) -> PathBuf {
        self.path.join("shards")
    }

    /// The finished shards, by name.
    ///
    /// # Errors
    /// The folder cannot be listed; a missing one is empty.
    pub fn shard_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut paths = Vec::new();
        match fs::read_dir(self.shards()) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let is_table = path.extension().is_some_and(|e| e == "parquet");
                    if is_table && !atomic::is_temporary(&name) {
                        paths.push(path);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        paths.sort();
        Ok(paths)
    }

    /// The generations of all recipes.
    pub fn generations(&self) -> PathBuf {
        self.path.join("generations")
    }

    /// The generations of one recipe.
    pub fn generations_of(&self, recipe: &str) -> PathBuf {
        self.generations().join(recipe)
    }

    /// The training run `name`.
    pub fn run_folder(&self, name: &str) -> PathBuf {
        self.path.join("runs").join(name)
    }

    /// People's decisions, which beat every rule.
    pub fn overrides(&self) -> PathBuf {
        self.path.join("overrides.csv")
    }

    /// Takes the lock `name` of this root.
    ///
    /// # Errors
    /// Another process holds it.
    pub fn lock(&self, name: &str) -> Result<Lock, Error> {
        Lock::take(&self.path.join("locks").join(name))
    }

    /// Claims the next run number for a process that works on share `shard` of `of`.
    ///
    /// The claim is a file under `run-numbers/`, created exclusively; it records which verb took the number, when.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn claim_run(&self, verb: &str, shard: u32, of: u32) -> Result<Run, Error> {
        let folder = self.path.join("run-numbers");
        fs::create_dir_all(&folder)?;
        let mut number = highest(&folder)? + 1;
        loop {
            let path = folder.join(format!("{number:06}"));
            match fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(mut file) => {
                    writeln!(file, "{verb} {shard}/{of} {}", Timestamp::now())?;
                    return Ok(Run { number, shard, of });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes what dead processes left half-written in the folders that stages write to.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn remove_leftovers(&self) -> Result<u64, Error> {
        let mut removed = 0;
        for folder in [
            "ledger",
            "verdicts",
            "captions",
            "interest",
            "shards",
            "originals",
        ] {
            removed += atomic::remove_leftovers(&self.path.join(folder))?;
        }
        Ok(removed)
    }
}

fn highest(folder: &Path) -> Result<u32, Error> {
    let mut highest = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse().ok()) {
            highest = highest.max(number);
        }
    }
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_number_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        let numbers: Vec<u32> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| root.claim_run("ingest", 0, 1).unwrap().number))
                .collect();
            claims
                .into_iter()
                .map(|claim| claim.join().unwrap())
                .collect()
        });
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=8).collect::<Vec<u32>>());
    }

    #[test]
    fn a_lock_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        let held = root.lock("bucket").unwrap();
        assert!(matches!(root.lock("bucket"), Err(Error::Locked { .. })));
        drop(held);
        root.lock("bucket").unwrap();
    }
}
