//! The stage: list, read what is new, judge everything.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;
use terminus_manifest::{
    failpoint,
    generation::StageCounts,
    ids::{GroupId, ItemId, Sha256Digest},
    ledger::LedgerRow,
    log::{Log, LogRow as _, Run},
    run::{Cancel, Progress},
    store::ContentStore,
    verdict::{VerdictKey, VerdictRow},
    words::{Outcome, Reason, Stage},
};

use crate::{
    CollectionPlan, Error, IngestPlan,
    config::Source,
    decide::{Candidate, decide, groups, regroup},
    facts, folder,
    folder::Found,
};

/// Items in flight: the most that a kill costs.
pub const BATCH_ITEMS: usize = 64;
/// One half of a batch is recorded while the next half is read.
const HALF_BATCH_ITEMS: usize = BATCH_ITEMS / 2;

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Items that the walk found.
    pub found: u64,
    /// Items whose bytes were read and decoded.
    pub decoded: u64,
    /// Items that were judged.
    pub decided: u64,
    /// Verdicts that are new or say something else than before.
    pub changed: u64,
    /// Items that are no longer where they were found.
    pub gone: u64,
    /// Verdicts, all of them: `in` adds up.
    pub counts: StageCounts,
    /// Rejected and failed items by reason.
    pub reasons: BTreeMap<Reason, u64>,
}

struct Walked<'a> {
    found: Vec<(usize, Found)>,
    collections: &'a [CollectionPlan],
}

/// Runs the stage.
///
/// # Errors
/// A source that cannot be listed; a file of the root that cannot be read or written; [`Error::Interrupted`].
/// Everything finished before is saved, and the next run goes on from there.
pub fn ingest(
    plan: &IngestPlan,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Summary, Error> {
    let walked = walk(plan, progress)?;
    let ledger = plan.root.ledger().latest()?;
    let verdicts = plan.root.verdicts().latest()?;
    let mut stage = IngestRun {
        plan,
        store: ContentStore::new(plan.root.originals()),
        groups: groups(ledger.values()),
        ledger,
        verdicts,
        summary: Summary {
            found: walked.found.len() as u64,
            ..Summary::default()
        },
        logs: None,
    };
    if !plan.dry_run {
        plan.root.remove_leftovers()?;
        stage.store.remove_leftovers()?;
    }
    stage.read_new(&walked, progress, cancel)?;
    stage.judge(&walked)?;
    Ok(stage.summary)
}

fn walk<'a>(plan: &'a IngestPlan, progress: &dyn Progress) -> Result<Walked<'a>, Error> {
    progress.start("list", None, "items");
    let mut found = Vec::new();
    for (order, collection) in plan.collections.iter().enumerate() {
        let Source::Folder(path) = &collection.source else {
            return Err(Error::SourceKind {
                collection: collection.name.clone(),
                kind: collection.source.kind(),
            });
        };
        let items = folder::list(&collection.name, path)?;
        progress.advance(items.len() as u64);
        let wanted = items
            .into_iter()
            .filter(|item| item.item_id.in_shard(plan.shard, plan.of));
        found.extend(wanted.map(|item| (order, item)));
    }
    progress.finish();
    Ok(Walked {
        found,
        collections: &plan.collections,
    })
}

struct IngestRun<'a> {
    plan: &'a IngestPlan,
    store: ContentStore,
    groups: HashMap<Sha256Digest, GroupId>,
    ledger: HashMap<ItemId, LedgerRow>,
    verdicts: HashMap<VerdictKey, VerdictRow>,
    summary: Summary,
    logs: Option<Logs>,
}

/// Opened with the first row that is written, so that a run that has nothing to do leaves no trace.
struct Logs {
    run: Run,
    ledger: Log<LedgerRow>,
    verdicts: Log<VerdictRow>,
}

impl IngestRun<'_> {
    fn logs(&mut self) -> Result<&mut Logs, Error> {
        let logs = match self.logs.take() {
            Some(logs) => logs,
            None => Logs {
                run: self
                    .plan
                    .root
                    .claim_run("ingest", self.plan.shard, self.plan.of)?,
                ledger: self.plan.root.ledger(),
                verdicts: self.plan.root.verdicts(),
            },
        };
        Ok(self.logs.insert(logs))
    }

    /// Reads items that are new or changed, in batches.
    fn read_new(
        &mut self,
        walked: &Walked<'_>,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let new: Vec<&(usize, Found)> = walked
            .found
            .iter()
            .filter(|(order, item)| self.is_new(item, &walked.collections[*order]))
            .collect();
        self.summary.decoded = new.len() as u64;
        if self.plan.dry_run || new.is_empty() {
            return Ok(());
        }
        progress.start("ingest", Some(new.len() as u64), "images");
        let mut read: Vec<LedgerRow> = Vec::new();
        for half in new.chunks(HALF_BATCH_ITEMS).chain([&[] as &[_]]) {
            if cancel.is_cancelled() {
                self.record(read)?;
                return Err(Error::Interrupted);
            }
            let ready = std::mem::take(&mut read);
            let store = self.store.clone();
            let (recorded, next) = rayon::join(
                || self.record(ready),
                || {
                    let rows = half.par_iter().map(|(order, item)| {
                        let row = facts::read(item, &walked.collections[*order], &store);
                        progress.advance(1);
                        row
                    });
                    rows.collect::<Result<_, Error>>()
                },
            );
            recorded?;
            read = next?;
        }
        progress.finish();
        let changed = regroup(&self.ledger);
        if !changed.is_empty() {
            let logs = self.logs()?;
            logs.ledger.append(logs.run, changed.clone())?;
            self.ledger
                .extend(changed.into_iter().map(|row| (row.item_id, row)));
        }
        Ok(())
    }

    /// Adds what was read to the ledger.
    fn record(&mut self, mut rows: Vec<LedgerRow>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        for row in &mut rows {
            if let Some(sha256) = row.sha256 {
                let group = self.groups.entry(sha256);
                row.group_id = Some(*group.or_insert_with(|| GroupId::new(row.item_id)));
            }
        }
        failpoint::pass("ingest.before_batch");
        let logs = self.logs()?;
        logs.ledger.append(logs.run, rows.clone())?;
        failpoint::pass("ingest.after_batch");
        self.ledger
            .extend(rows.into_iter().map(|row| (row.item_id, row)));
        Ok(())
    }

    /// Whether the bytes of an item have to be read.
    fn is_new(&self, item: &Found, collection: &CollectionPlan) -> bool {
        let Some(row) = self.ledger.get(&item.item_id) else {
            return true;
        };
        let is_unchanged = row.source_size == Some(item.stat.size)
            && row.source_mtime_ns == Some(item.stat.mtime_ns)
            && row.source_ctime_ns == Some(item.stat.ctime_ns)
            && row.sidecar_stat == item.sidecar_stat();
        let has_verdict = || {
            self.verdicts.contains_key(&VerdictKey {
                item_id: item.item_id,
                stage: Stage::Ingest,
                config_hash: collection.config_hash.clone(),
            })
        };
        match row.fault {
            _ if self.plan.rehash || !is_unchanged => true,
            Some(Reason::Unreadable) => true,
            // Limits are settings: under other ones the header may be allowed.
            Some(Reason::TooLarge | Reason::BadSidecar) => !has_verdict(),
            _ => false,
        }
    }

    /// Judges every item of the recipe's collections and records what changed.
    fn judge(&mut self, walked: &Walked<'_>) -> Result<(), Error> {
        let is_found: HashSet<ItemId> = walked.found.iter().map(|(_, item)| item.item_id).collect();
        let order: HashMap<&str, usize> = walked
            .collections
            .iter()
            .enumerate()
            .map(|(n, c)| (c.name.as_str(), n))
            .collect();
        let mut rows: Vec<&LedgerRow> = self
            .ledger
            .values()
            .filter(|row| row.item_id.in_shard(self.plan.shard, self.plan.of))
            .collect();
        rows.sort_by_key(|row| row.item_id);
        let candidates: Vec<Candidate<'_>> = rows
            .into_iter()
            .filter_map(|row| {
                let order = *order.get(row.collection.as_str())?;
                let collection = &walked.collections[order];
                Some(Candidate {
                    row,
                    collection,
                    order,
                    is_found: is_found.contains(&row.item_id),
                })
            })
            .collect();
        let verdicts = decide(&candidates, &self.plan.overrides);
        let mut changed = Vec::new();
        for verdict in verdicts {
            self.summary.decided += 1;
            self.summary.counts.add(verdict.verdict);
            self.summary.gone += u64::from(verdict.verdict == Outcome::Gone);
            if let Some(reason) = verdict.reason {
                *self.summary.reasons.entry(reason).or_default() += 1;
            }
            let before = self.verdicts.get(&verdict.key());
            if !before.is_some_and(|before| before.says_the_same(&verdict)) {
                changed.push(verdict);
            }
        }
        self.summary.changed = changed.len() as u64;
        if self.plan.dry_run || changed.is_empty() {
            return Ok(());
        }
        failpoint::pass("ingest.before_verdicts");
        let logs = self.logs()?;
        logs.verdicts.append(logs.run, changed)?;
        logs.ledger
            .compact(terminus_manifest::log::COMPACT_PAST_PARTS)?;
        logs.verdicts
            .compact(terminus_manifest::log::COMPACT_PAST_PARTS)?;
        Ok(())
    }
}
