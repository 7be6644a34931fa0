//! Judging: every item of the recipe's collections, from its facts alone.

use std::collections::HashMap;

use terminus_manifest::{
    failpoint,
    ids::{GroupId, ItemId},
    ledger::LedgerRow,
    log::{COMPACT_PAST_PARTS, LogRow as _},
    run::Cancel,
    verdict::{VerdictKey, VerdictRow},
    words::{Outcome, Stage},
};

use super::State;
use crate::{
    Error,
    decide::{Candidate, decide},
    duplicates::regroup,
    scores::Scores,
    status,
};

/// Rows whose group is recorded at once.
const GROUPED_ROWS: usize = 1024;

/// Groups what shows the same, judges, and records what changed.
pub(super) fn judge(state: &mut State<'_>, scores: &Scores, cancel: &Cancel) -> Result<(), Error> {
    let _turn = state.take_turn(cancel)?;
    let plan = state.plan;
    if !plan.dry_run {
        let groups = regroup(state.ledger.values().map(|row| &**row), plan.duplicates);
        record_groups(state, &groups)?;
    }
    let orders: HashMap<&str, usize> = plan
        .collections
        .iter()
        .enumerate()
        .map(|(order, collection)| (collection.name.as_str(), order))
        .collect();
    let mut rows: Vec<&LedgerRow> = state.ledger.values().map(|row| &**row).collect();
    rows.sort_by_key(|row| row.item_id);
    let candidates: Vec<Candidate<'_>> = rows
        .into_iter()
        .filter_map(|row| {
            let order = *orders.get(row.collection.as_str())?;
            let collection = &plan.collections[order];
            Some(Candidate {
                row,
                collection,
                order,
                is_found: state.is_found(row, &collection.config_hash),
            })
        })
        .collect();
    let verdicts = decide(&candidates, &plan.overrides, scores, plan.duplicates);
    let passed = candidates
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| verdict.verdict == Outcome::Passed)
        .map(|(candidate, _)| (candidate.row, candidate.collection));
    let mut summary = std::mem::take(&mut state.summary);
    summary.flags = status::flags(passed, scores);
    let mut changed: Vec<VerdictRow> = Vec::new();
    for (candidate, verdict) in candidates.iter().zip(verdicts) {
        let before = state.verdicts.get(&verdict.key());
        let is_ours = owner(candidate.row).in_shard(plan.shard, plan.of);
        if is_ours {
            summary.decided += 1;
            summary.counts.add(verdict.verdict);
            summary.gone += u64::from(verdict.verdict == Outcome::Gone);
            if let Some(reason) = verdict.reason {
                *summary.reasons.entry(reason).or_default() += 1;
                let by_collection = summary.collections.entry(candidate.collection.name.clone());
                *by_collection.or_default().entry(reason).or_default() += 1;
            }
        }
        // Of another share, only what was judged before and is a duplicate now, or no longer.
        let is_news = before.map_or(is_ours, |before| !before.says_the_same(&verdict));
        if is_news {
            changed.push(verdict);
        }
    }
    summary.changed = changed.len() as u64;
    state.summary = summary;
    if plan.dry_run || (changed.is_empty() && state.logs.is_none()) {
        return Ok(());
    }
    failpoint::pass("ingest.before_verdicts");
    let logs = state.logs()?;
    logs.verdicts.append(logs.run, changed)?;
    logs.ledger.compact(COMPACT_PAST_PARTS)?;
    logs.verdicts.compact(COMPACT_PAST_PARTS)?;
    Ok(())
}

/// Records the rows whose group changes. They are moved out of the ledger and in again, some at a time: copies of all rows would be
/// most of what an ingest holds.
fn record_groups(state: &mut State<'_>, groups: &[(ItemId, Option<GroupId>)]) -> Result<(), Error> {
    if groups.is_empty() {
        return Ok(());
    }
    let mut ledger = std::mem::take(&mut state.ledger);
    let logs = state.logs()?;
    let mut part = logs.ledger.begin(logs.run)?;
    for groups in groups.chunks(GROUPED_ROWS) {
        let rows = groups.iter().filter_map(|&(item_id, group_id)| {
            let mut row = *ledger.remove(&item_id)?;
            row.group_id = group_id;
            Some(row)
        });
        let mut rows: Vec<LedgerRow> = rows.collect();
        part.write(&mut rows)?;
        let rows = rows.into_iter();
        ledger.extend(rows.map(|row| (row.key(), Box::new(row))));
    }
    part.commit()?;
    state.ledger = ledger;
    Ok(())
}

/// The item whose share of `--shard` a row belongs to: a tile goes with its grid.
fn owner(row: &LedgerRow) -> ItemId {
    match row.parent_id {
        Some(parent) if row.tile > 0 => parent,
        _ => row.item_id,
    }
}

impl State<'_> {
    /// Whether an item is there: the walk found it, or its grid, which is one still; of another share, whether the last
    /// verdict says so.
    fn is_found(&self, row: &LedgerRow, config_hash: &str) -> bool {
        let owner = owner(row);
        if !owner.in_shard(self.plan.shard, self.plan.of) {
            let verdict = self.verdicts.get(&VerdictKey {
                item_id: row.item_id,
                stage: Stage::Ingest,
                config_hash: config_hash.to_owned(),
            });
            return verdict.is_none_or(|verdict| verdict.verdict != Outcome::Gone);
        }
        let is_still_tile = || {
            let grid = self.ledger.get(&owner);
            grid.is_some_and(|grid| {
                grid.kind.as_deref() == Some("grid")
                    && grid.sha256 == row.sha256
                    && grid.fault.is_none()
            })
        };
        self.found.contains(&owner) && (row.tile == 0 || is_still_tile())
    }
}
