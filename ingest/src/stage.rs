//! The stage: take what the sources hand over, read or fetch what is new, judge everything.

mod intake;
mod judge;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    thread,
    time::Duration,
};

use serde::Serialize;
use terminus_manifest::{
    Error as ManifestError, Lock,
    generation::StageCounts,
    ids::ItemId,
    ledger::LedgerRow,
    log::{Log, LogRow as _, Run},
    run::{Cancel, Progress},
    store::ContentStore,
    verdict::{VerdictKey, VerdictRow},
    words::Reason,
};

use crate::{Error, Flags, IngestPlan, scores::Scores, select, source};
use intake::Intake;

/// Items in flight: the most that a kill costs.
pub const BATCH_ITEMS: usize = 64;

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Items that the walk found.
    pub found: u64,
    /// Collections whose source held nothing.
    pub empty: Vec<String>,
    /// Things that a source handed over again: a message in two exports, an address twice in a list.
    pub repeated: u64,
    /// Items whose bytes were read and decoded.
    pub decoded: u64,
    /// Items that were fetched.
    pub fetched: u64,
    /// Fetched items that the server says are unchanged.
    pub not_modified: u64,
    /// Items of which only what is stated has changed.
    pub restated: u64,
    /// Items that were judged, tiles included.
    pub decided: u64,
    /// Verdicts that are new or say something else than before.
    pub changed: u64,
    /// Items that are no longer where they were found.
    pub gone: u64,
    /// Verdicts, all of them: `in` adds up.
    pub counts: StageCounts,
    /// Rejected and failed items by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// The same by collection.
    pub collections: BTreeMap<String, BTreeMap<Reason, u64>>,
    /// What people should look at.
    pub flags: Flags,
}

/// Runs the stage.
///
/// # Errors
/// A source that is not there; a file of the root that cannot be read or written; [`Error::Interrupted`].
/// Everything finished before is saved, and the next run goes on from there.
pub fn ingest(
    plan: &IngestPlan,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Summary, Error> {
    let scores = Scores::read(&plan.score_files)?;
    for collection in &plan.collections {
        select::check(&collection.name, &collection.select, &scores)?;
    }
    let mut state = State {
        plan,
        store: ContentStore::new(plan.root.originals()),
        ledger: plan.root.ledger().latest_boxed()?,
        verdicts: plan.root.verdicts().latest()?,
        found: HashSet::new(),
        summary: Summary::default(),
        logs: None,
    };
    if !plan.dry_run {
        plan.root.remove_leftovers()?;
        state.store.remove_leftovers()?;
    }
    progress.start("ingest", None, "items");
    let mut intake = Intake::new(&mut state, progress, cancel);
    for (order, collection) in plan.collections.iter().enumerate() {
        intake.enter(order);
        source::walk_of(&collection.source).walk(collection, &mut intake)?;
        intake.leave();
    }
    intake.finish()?;
    progress.finish();
    judge::judge(&mut state, &scores, cancel)?;
    Ok(state.summary)
}

/// What the stage knows and has done.
struct State<'a> {
    plan: &'a IngestPlan,
    store: ContentStore,
    ledger: HashMap<ItemId, Box<LedgerRow>>,
    verdicts: HashMap<VerdictKey, VerdictRow>,
    /// What the walk found in this shard.
    found: HashSet<ItemId>,
    summary: Summary,
    logs: Option<Logs>,
}

/// Opened with the first row that is written, so that a run that has nothing to do leaves no trace.
struct Logs {
    run: Run,
    ledger: Log<LedgerRow>,
    verdicts: Log<VerdictRow>,
}

impl State<'_> {
    fn logs(&mut self) -> Result<&mut Logs, Error> {
        let logs = if let Some(logs) = self.logs.take() {
            logs
        } else {
            let root = &self.plan.root;
            Logs {
                run: root.claim_run("ingest", self.plan.shard, self.plan.of)?,
                ledger: root.ledger(),
                verdicts: root.verdicts(),
            }
        };
        Ok(self.logs.insert(logs))
    }

    /// Appends rows to the ledger and remembers them.
    fn record(&mut self, mut rows: Vec<LedgerRow>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let logs = self.logs()?;
        logs.ledger.append_and_keep(logs.run, &mut rows)?;
        self.ledger
            .extend(rows.into_iter().map(|row| (row.key(), Box::new(row))));
        Ok(())
    }

    /// Processes that share the items judge one after the other, each seeing what the others found.
    fn take_turn(&mut self, cancel: &Cancel) -> Result<Option<Lock>, Error> {
        if self.plan.dry_run {
            return Ok(None);
        }
        let lock = loop {
            match self.plan.root.lock("ingest-judge") {
                Ok(lock) => break lock,
                Err(ManifestError::Locked { .. }) if !cancel.is_cancelled() => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(ManifestError::Locked { .. }) => return Err(Error::Interrupted),
                Err(error) => return Err(error.into()),
            }
        };
        if self.plan.of > 1 {
            self.ledger = self.plan.root.ledger().latest_boxed()?;
            self.verdicts = self.plan.root.verdicts().latest()?;
            // A new number: who judges last has seen most, and the highest number counts.
            self.logs = None;
        }
        Ok(Some(lock))
    }
}
