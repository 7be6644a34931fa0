//! Taking in: every item that a source hands over is read, fetched, or known already.

mod fetching;

use std::{cmp::Reverse, collections::HashMap, ffi::OsStr, path::Path, thread, time::Duration};

use rayon::prelude::*;
use terminus_manifest::{
    failpoint,
    ids::ItemId,
    run::{Cancel, Progress},
    store::ContentStore,
    verdict::VerdictKey,
    words::{Reason, Stage},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{BATCH_ITEMS, State};
use crate::{
    CollectionPlan, Error,
    decide::is_retryable,
    download::Downloads,
    facts::{self, Original, Taken},
    source::{Found, Place, Sink},
};

/// Items that are read, or committed, together. One half of a batch is committed while the next is read or fetched.
const HALF_BATCH: usize = BATCH_ITEMS / 2;
/// Threads that write originals: they wait for the disk, and work little.
const WRITERS: usize = 8;

/// Takes what sources hand over.
pub(super) struct Intake<'s, 'a> {
    state: &'s mut State<'a>,
    progress: &'s dyn Progress,
    cancel: &'s Cancel,
    /// The collection that is walked.
    order: usize,
    /// Whether its source handed over anything.
    is_empty: bool,
    /// Which collection each place belongs to.
    places: HashMap<u64, usize>,
    batch: Vec<Work>,
    /// What was read and is not committed yet.
    ready: Vec<Taken>,
    downloads: Option<Downloads>,
    requested: HashMap<u64, Work>,
    next_number: u64,
}

/// An item to read, of the collection with this place in the recipe.
struct Work {
    order: usize,
    found: Found,
}

impl Work {
    /// How long it takes to read, as far as that is known: its bytes, by the time that one takes in its format.
    fn effort(&self) -> u64 {
        let ending = Path::new(&self.found.origin).extension();
        let a_byte = effort(ending.and_then(OsStr::to_str));
        a_byte * self.found.place.size(self.found.stat).unwrap_or(0)
    }
}

/// What is to be done with an item.
enum Task {
    /// Nothing: it is known.
    Nothing,
    /// Its bytes are read.
    Read,
    /// What was stated of it is recorded anew.
    Restate,
    /// It is fetched.
    Fetch,
}

impl<'s, 'a> Intake<'s, 'a> {
    pub fn new(state: &'s mut State<'a>, progress: &'s dyn Progress, cancel: &'s Cancel) -> Self {
        Self {
            state,
            progress,
            cancel,
            order: 0,
            is_empty: true,
            places: HashMap::new(),
            batch: Vec::new(),
            ready: Vec::new(),
            downloads: None,
            requested: HashMap::new(),
            next_number: 0,
        }
    }

    /// What comes now is of this collection.
    pub fn enter(&mut self, order: usize) {
        (self.order, self.is_empty) = (order, true);
    }

    /// All of the collection has come.
    pub fn leave(&mut self) {
        if self.is_empty {
            let name = self.collection(self.order).name.clone();
            self.state.summary.empty.push(name);
        }
    }

    /// Reads and fetches what is still open.
    pub fn finish(mut self) -> Result<(), Error> {
        self.commit_batch()?;
        while self
            .downloads
            .as_ref()
            .is_some_and(|downloads| downloads.pending() > 0)
        {
            self.check_cancel()?;
            self.take_fetched(Duration::from_millis(200))?;
        }
        commit(self.state, std::mem::take(&mut self.ready))
    }

    fn collection(&self, order: usize) -> &'a CollectionPlan {
        &self.state.plan.collections[order]
    }

    /// What an interruption must not lose is saved first.
    fn check_cancel(&mut self) -> Result<(), Error> {
        if !self.cancel.is_cancelled() {
            return Ok(());
        }
        commit(self.state, std::mem::take(&mut self.ready))?;
        Err(Error::Interrupted)
    }

    fn task_of(&self, found: &Found) -> Task {
        let collection = self.collection(self.order);
        let Some(row) = self.state.ledger.get(&found.item_id) else {
            return if matches!(found.place, Place::Url(_)) {
                Task::Fetch
            } else {
                Task::Read
            };
        };
        let is_stated_anew = row.sidecar_stat != found.sidecar_stat();
        let is_unseen = row.sha256.is_none() && row.fault.is_none();
        let has_verdict = || {
            self.state.verdicts.contains_key(&VerdictKey {
                item_id: found.item_id,
                stage: Stage::Ingest,
                config_hash: collection.config_hash.clone(),
            })
        };
        // Limits are settings: under other ones it may be allowed.
        let is_open = is_unseen
            || row.fault.is_some_and(|fault| match fault {
                Reason::TooLarge
                | Reason::BadSidecar
                | Reason::Robots
                | Reason::OptedOut
                | Reason::AddressRefused => !has_verdict(),
                fault => is_retryable(fault),
            });
        match &found.place {
            Place::Url(_) if self.state.plan.rehash || is_open => Task::Fetch,
            Place::Url(_) if is_stated_anew => Task::Restate,
            Place::Url(_) => Task::Nothing,
            Place::Nothing { reason, .. } => {
                let is_same = row.fault == Some(*reason) && !is_stated_anew;
                if is_same { Task::Nothing } else { Task::Read }
            }
            _ => {
                let stat = found.stat;
                let is_unchanged = row.source_size == stat.map(|stat| stat.size)
                    && row.source_mtime_ns == stat.map(|stat| stat.mtime_ns)
                    && row.source_ctime_ns == stat.map(|stat| stat.ctime_ns)
                    && !is_stated_anew;
                if self.state.plan.rehash || !is_unchanged || is_open {
                    Task::Read
                } else {
                    Task::Nothing
                }
            }
        }
    }

    /// Whether an earlier collection of the recipe holds the same place.
    fn is_taken(&mut self, found: &Found) -> bool {
        if self.state.plan.collections.len() < 2 || matches!(found.place, Place::Nothing { .. }) {
            return false;
        }
        let place = xxh3_64(found.origin.as_bytes());
        *self.places.entry(place).or_insert(self.order) != self.order
    }

    /// Reads the items of the batch, while the rows of the one before are committed.
    fn commit_batch(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        let plan = self.state.plan;
        let ready = std::mem::take(&mut self.ready);
        let read = || {
            in_turn(batch, Work::effort, |work| {
                facts::read(&work.found, &plan.collections[work.order])
            })
        };
        let (committed, read) = commit_meanwhile(self.state, ready, read);
        self.ready = read;
        committed
    }
}

/// Commits `ready` and gives what `read` makes meanwhile. Written by a thread of its own: while it waits for the disk, all workers
/// read.
fn commit_meanwhile<T>(
    state: &mut State<'_>,
    ready: Vec<Taken>,
    read: impl FnOnce() -> T,
) -> (Result<(), Error>, T) {
    thread::scope(|scope| {
        let committing = scope.spawn(|| commit(state, ready));
        let read = read();
        let committed = committing.join();
        let committed = committed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (committed, read)
    })
}

/// How long a byte of this format takes to decode, against one of a PNG.
fn effort(format: Option<&str>) -> u64 {
    match format {
        Some("webp") => 12,
        Some("jpg" | "jpeg") => 4,
        _ => 1,
    }
}

/// What `work` makes of each item, in their order. Workers take what is the most work first, so that none is left with it when
/// the others have nothing more to do.
fn in_turn<T: Send, R: Send>(
    items: Vec<T>,
    effort: impl Fn(&T) -> u64,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let mut items: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    items.sort_by_key(|(_, item)| Reverse(effort(item)));
    let mut made: Vec<_> = items
        .into_iter()
        .par_bridge()
        .map(|(place, item)| (place, work(item)))
        .collect();
    made.sort_by_key(|&(place, _)| place);
    made.into_iter().map(|(_, result)| result).collect()
}

/// Keeps originals in the store, several at a time: the disk brings to safety what waits for it together.
fn keep(store: &ContentStore, originals: &[Original]) -> Result<(), Error> {
    let share = originals.len().div_ceil(WRITERS).max(1);
    let write = |part: &[Original]| part.iter().try_for_each(|original| original.keep(store));
    thread::scope(|scope| {
        let parts = originals.chunks(share);
        let writers: Vec<_> = parts.map(|part| scope.spawn(|| write(part))).collect();
        writers.into_iter().try_for_each(|writer| {
            let written = writer.join();
            written.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

/// Keeps originals, then adds their rows to the ledger.
fn commit(state: &mut State<'_>, ready: Vec<Taken>) -> Result<(), Error> {
    let (mut rows, mut originals) = (Vec::new(), Vec::new());
    for taken in ready {
        // Copies: rows stay, and where pictures come and go among them the workers' memory would grow with every row.
        rows.extend(taken.rows.iter().cloned());
        originals.extend(taken.original);
    }
    keep(&state.store, &originals)?;
    if rows.is_empty() {
        return Ok(());
    }
    for row in &mut rows {
        // The group of a picture that is read again stays, if its bytes do.
        let before = state.ledger.get(&row.item_id);
        row.group_id = before
            .filter(|before| before.picture_id() == row.picture_id())
            .and_then(|before| before.group_id);
    }
    failpoint::pass("ingest.before_batch");
    state.record(rows)?;
    failpoint::pass("ingest.after_batch");
    Ok(())
}

/// The row of an item that could not be fetched.
fn missed(state: &State<'_>, work: &Work, reason: Reason, detail: String) -> Option<Taken> {
    let before = state.ledger.get(&work.found.item_id);
    // What was fetched before stays: a server that fails today takes nothing back.
    if before.is_some_and(|row| row.sha256.is_some() && row.fault.is_none()) && is_retryable(reason)
    {
        return None;
    }
    let collection = &state.plan.collections[work.order];
    let mut row = facts::blank(&work.found, collection);
    facts::set_fault(&mut row, reason, detail);
    facts::state(&mut row, &work.found, collection);
    Some(row.into())
}

/// The rows of an item with what is stated of it now; its bytes and their facts are the same.
fn restated(state: &State<'_>, work: &Work) -> Taken {
    let collection = &state.plan.collections[work.order];
    let ids = (0..=4).map(|tile| ItemId::new(&work.found.source_id, tile));
    let rows = ids.filter_map(|id| state.ledger.get(&id).map(|row| (**row).clone()));
    let rows = rows.map(|mut row| {
        let (kind, parent_id) = (row.kind.take(), row.parent_id.take());
        facts::state(&mut row, &work.found, collection);
        if row.tile > 0 || kind.as_deref() == Some("grid") {
            (row.kind, row.parent_id) = (kind, parent_id);
        }
        row.sidecar_stat = work.found.sidecar_stat();
        row
    });
    Taken {
        rows: rows.collect(),
        original: None,
    }
}

impl Sink for Intake<'_, '_> {
    fn wants(&mut self, found: &Found) -> bool {
        let plan = self.state.plan;
        found.item_id.in_shard(plan.shard, plan.of)
            && !plan.dry_run
            && matches!(self.task_of(found), Task::Read)
    }

    fn take(&mut self, found: Found) -> Result<(), Error> {
        self.check_cancel()?;
        self.is_empty = false;
        let plan = self.state.plan;
        let is_taken = self.is_taken(&found);
        if !found.item_id.in_shard(plan.shard, plan.of) {
            return Ok(());
        }
        if !self.state.found.insert(found.item_id) {
            self.state.summary.repeated += 1;
            return Ok(());
        }
        self.state.summary.found += 1;
        let order = self.order;
        let work = Work { order, found };
        if is_taken {
            if !self.state.ledger.contains_key(&work.found.item_id) && !plan.dry_run {
                let row = facts::blank(&work.found, self.collection(order));
                return self.state.record(vec![row]);
            }
            return Ok(());
        }
        let task = self.task_of(&work.found);
        if !matches!(task, Task::Fetch) {
            self.progress.advance(1);
        }
        match task {
            Task::Nothing => {}
            Task::Read if plan.dry_run => self.state.summary.decoded += 1,
            Task::Fetch | Task::Restate if plan.dry_run => self.state.summary.fetched += 1,
            Task::Read => {
                let has_bytes = !matches!(work.found.place, Place::Nothing { .. });
                self.state.summary.decoded += u64::from(has_bytes);
                self.batch.push(work);
                if self.batch.len() >= HALF_BATCH {
                    self.commit_batch()?;
                }
            }
            Task::Restate => {
                self.state.summary.restated += 1;
                let rows = restated(self.state, &work).rows;
                self.state.record(rows)?;
            }
            Task::Fetch => {
                if let Place::Url(address) = work.found.place.clone() {
                    self.request(work, address)?;
                }
            }
        }
        Ok(())
    }
}
