//! Append-only logs: folders of Parquet parts in which the last row of a key counts.
//!
//! A process writes parts of its own, named after the run number that it claimed, so that any number of processes
//! append at once. "Last" is the highest run number, then part, then row. Past 64 parts a log is compacted.

mod damage;

use std::{
    cmp::Ordering,
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    io,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use fs_err as fs;

use crate::{
    Error, atomic,
    lock::Lock,
    table::{self, Table},
};

/// A row of a log.
pub trait LogRow: Table + Clone + Send {
    /// What the row is about; the last row about it counts.
    type Key: Clone + Eq + Ord + Hash;

    /// What the row is about.
    fn key(&self) -> Self::Key;

    /// The run that wrote it.
    fn run(&self) -> u32;

    /// Records the run that writes it.
    fn set_run(&mut self, run: u32);
}

/// Parts past which a log is compacted.
pub const COMPACT_PAST_PARTS: usize = 64;

/// The run that a process has claimed, and which share of the items it works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Claimed by creating a file exclusively.
    pub number: u32,
    /// `i` of `--shard i/N`.
    pub shard: u32,
    /// `N` of it; 1 for all items.
    pub of: u32,
}

/// A folder of parts.
#[derive(Debug)]
pub struct Log<T> {
    folder: PathBuf,
    next_part: u32,
    rows: PhantomData<fn() -> T>,
}

/// One file of a log. Compacted files come first, then parts in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PartName {
    is_part: bool,
    name: String,
}

impl<T: LogRow> Log<T> {
    /// The log in `folder`, which need not exist yet.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            next_part: 0,
            rows: PhantomData,
        }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends rows as one part, atomically. No rows, no part.
    ///
    /// # Errors
    /// The part cannot be written; then none of its rows is there.
    pub fn append(&mut self, run: Run, mut rows: Vec<T>) -> Result<(), Error> {
        self.append_and_keep(run, &mut rows)
    }

    /// As [`Log::append`], for rows that are needed afterwards; they carry the run then.
    ///
    /// # Errors
    /// As for [`Log::append`].
    pub fn append_and_keep(&mut self, run: Run, rows: &mut [T]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut part = self.begin(run)?;
        part.write(rows)?;
        part.commit()
    }

    /// Begins a part that is written piece by piece, for rows that are too many to be held together.
    ///
    /// # Errors
    /// Its file cannot be made.
    pub fn begin(&mut self, run: Run) -> Result<Part<'_, T>, Error> {
        let name = format!(
            "{:06}-{}of{}-{:05}.parquet",
            run.number, run.shard, run.of, self.next_part
        );
        let writer = table::Writer::create(&self.folder.join(name))?;
        let log = self;
        Ok(Part { log, run, writer })
    }

    /// The rows that count, one a key, ordered by key.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn rows(&self) -> Result<Vec<T>, Error> {
        let latest = self.latest()?;
        let mut rows: Vec<T> = latest.into_values().collect();
        rows.sort_by_cached_key(T::key);
        Ok(rows)
    }

    /// The rows that count, one a key, in the order of `compare`, which must tell apart what [`LogRow::key`] does. Of
    /// small rows this costs a third of [`Log::rows`], and the rows are held once, where that holds them twice.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn rows_by(&self, compare: impl Fn(&T, &T) -> Ordering) -> Result<Vec<T>, Error> {
        let mut rows = self.all()?;
        // Stable: of one key the last stays the last. A compacted file is sorted already.
        rows.sort_by(&compare);
        rows.dedup_by(|later, kept| {
            let is_same = compare(later, kept).is_eq();
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        Ok(rows)
    }

    /// The rows that count, by key.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn latest(&self) -> Result<HashMap<T::Key, T>, Error> {
        self.latest_as(|row| row, |row| row)
    }

    /// As [`Log::latest`], each row in a place of its own: a map with room for more rows than it has, as all have that grow, is small
    /// then.
    ///
    /// # Errors
    /// As for [`Log::latest`].
    pub fn latest_boxed(&self) -> Result<HashMap<T::Key, Box<T>>, Error> {
        self.latest_as(Box::new, |row| row)
    }

    fn latest_as<V>(
        &self,
        hold: fn(T) -> V,
        held: fn(&V) -> &T,
    ) -> Result<HashMap<T::Key, V>, Error> {
        self.of_all_parts(|parts| {
            let mut latest: HashMap<T::Key, V> = HashMap::new();
            for part in parts {
                let rows = table::read::<T>(&self.folder.join(&part.name))?;
                if latest.is_empty() {
                    latest.reserve(rows.len());
                }
                for row in rows {
                    match latest.entry(row.key()) {
                        Entry::Occupied(mut kept) if held(kept.get()).run() <= row.run() => {
                            kept.insert(hold(row));
                        }
                        Entry::Occupied(_) => {}
                        Entry::Vacant(place) => {
                            place.insert(hold(row));
                        }
                    }
                }
            }
            Ok(latest)
        })
    }

    /// Every row, the earlier first.
    fn all(&self) -> Result<Vec<T>, Error> {
        self.of_all_parts(|parts| self.read_parts(parts))
    }

    /// What `read` makes of the parts. A compaction may replace some between listing and reading; then the list is made
    /// anew.
    fn of_all_parts<R>(&self, read: impl Fn(&[PartName]) -> Result<R, Error>) -> Result<R, Error> {
        for _ in 0..16 {
            match read(&self.parts()?) {
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
        read(&self.parts()?)
    }

    fn read_parts(&self, parts: &[PartName]) -> Result<Vec<T>, Error> {
        let mut rows: Vec<T> = Vec::new();
        for part in parts {
            let part = table::read::<T>(&self.folder.join(&part.name))?;
            if rows.is_empty() {
                rows = part;
            } else {
                rows.extend(part);
            }
        }
        if !rows.is_sorted_by_key(T::run) {
            rows.sort_by_key(T::run);
        }
        Ok(rows)
    }

    /// How many files the log has.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn part_count(&self) -> Result<usize, Error> {
        Ok(self.parts()?.len())
    }

    fn parts(&self) -> Result<Vec<PartName>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut parts = Vec::new();
        for entry in entries {
            let Ok(name) = entry?.file_name().into_string() else {
                continue;
            };
            let is_table = Path::new(&name).extension().is_some_and(|e| e == "parquet");
            if is_table && !atomic::is_temporary(&name) {
                parts.push(PartName {
                    is_part: !name.starts_with("compact-"),
                    name,
                });
            }
        }
        parts.sort();
        Ok(parts)
    }

    /// Puts the rows that count into one file, if there are more than `past` files; gives how many went.
    ///
    /// Parts that others write meanwhile stay. A kill between the new file and the removal of the old ones leaves
    /// rows twice, which changes nothing, because their runs are the same.
    ///
    /// # Errors
    /// Another process compacts, or a file cannot be read or written.
    pub fn compact(&self, past: usize) -> Result<usize, Error> {
        if self.part_count()? <= past {
            return Ok(0);
        }
        let _lock = Lock::take(&self.folder.join(".compact.lock"))?;
        let parts = self.parts()?;
        let rows = self.read_parts(&parts)?;
        let newest = rows.iter().map(T::run).max().unwrap_or(0);
        let mut latest: HashMap<T::Key, T> = HashMap::with_capacity(rows.len());
        for row in rows {
            latest.insert(row.key(), row);
        }
        let mut rows: Vec<T> = latest.into_values().collect();
        rows.sort_by_cached_key(T::key);
        let serial = parts.iter().filter(|part| !part.is_part).count();
        let name = format!("compact-{newest:06}-{serial:03}.parquet");
        table::write(&self.folder.join(&name), &rows)?;
        for part in parts.iter().filter(|part| part.name != name) {
            fs::remove_file(self.folder.join(&part.name))?;
        }
        Ok(parts.len())
    }
}

/// A part of a log that is being written. Dropped before [`Part::commit`], it leaves nothing behind.
pub struct Part<'l, T> {
    log: &'l mut Log<T>,
    run: Run,
    writer: table::Writer<T>,
}

impl<T: LogRow> Part<'_, T> {
    /// Writes more rows, which carry the run then.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, rows: &mut [T]) -> Result<(), Error> {
        for row in &mut *rows {
            row.set_run(self.run.number);
        }
        self.writer.write(rows)
    }

    /// Adds the part to the log, atomically.
    ///
    /// # Errors
    /// The part cannot be written; then none of its rows is there.
    pub fn commit(self) -> Result<(), Error> {
        self.writer.commit()?;
        self.log.next_part += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::ItemId,
        verdict::VerdictRow,
        words::{Outcome, Reason, Stage},
    };

    fn run(number: u32) -> Run {
        Run {
            number,
            shard: 0,
            of: 1,
        }
    }

    fn verdict(source: &str) -> VerdictRow {
        VerdictRow::passed(ItemId::new(source, 0), Stage::Ingest, "c")
    }

    #[test]
    fn the_last_row_of_a_key_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path().join("verdicts"));
        let rejected = verdict("a")
            .because(Outcome::Rejected, Reason::TooSmall)
            .measured(5.0, 9.0);
        log.append(run(2), vec![rejected.clone()]).unwrap();
        log.append(run(1), vec![verdict("a"), verdict("b")])
            .unwrap();
        log.append(run(2), vec![]).unwrap();
        let latest = log.latest().unwrap();
        assert_eq!(latest.len(), 2);
        let row = &latest[&rejected.key()];
        assert!(row.says_the_same(&rejected));
        assert_eq!(row.run, 2);
    }

    #[test]
    fn compaction_changes_no_row_that_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path());
        for n in 1..=5 {
            let row = verdict(&format!("{}", n % 2)).detail(format!("run {n}"));
            log.append(run(n), vec![row]).unwrap();
        }
        let before = log.rows().unwrap();
        assert_eq!(log.compact(64).unwrap(), 0);
        assert_eq!(log.compact(3).unwrap(), 5);
        assert_eq!(log.part_count().unwrap(), 1);
        assert_eq!(log.rows().unwrap(), before);
        log.append(run(6), vec![verdict("0").detail("run 6")])
            .unwrap();
        assert_eq!(log.compact(1).unwrap(), 2);
        assert_eq!(log.rows().unwrap().iter().filter(|r| r.run == 6).count(), 1);
    }
}
