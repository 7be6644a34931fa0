//! Questions over the ledger that a report or a person asks: what thresholds would keep, what looks odd.

use std::collections::BTreeMap;

use serde::Serialize;
use terminus_manifest::{
    ledger::LedgerRow,
    verdict::VerdictRow,
    words::{Outcome, Reason, Role},
};

use crate::{
    CollectionPlan, Error, IngestPlan,
    scores::{MEASURED, Scores},
    thresholds::{self, SweepRow},
};

/// What people should look at before training.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// Pictures of train collections that look like photographs, by collection.
    pub photos_in_train: BTreeMap<String, u64>,
    /// Pictures of anchor collections that look like drawings, by collection.
    pub drawings_in_anchors: BTreeMap<String, u64>,
    /// Pictures of anchor collections without a stated licence, by collection.
    pub anchors_without_license: BTreeMap<String, u64>,
    /// Pictures of anchor collections without a stated consent, by collection.
    pub anchors_without_consent: BTreeMap<String, u64>,
    /// Pictures that no file of `ingest.scores.files` knows, by collection.
    pub without_joined_scores: BTreeMap<String, u64>,
    /// Safety scores that no file of `ingest.scores.files` gives.
    pub missing_safety_scores: Vec<&'static str>,
}

/// Flags of rows that passed.
pub fn flags<'a>(
    passed: impl Iterator<Item = (&'a LedgerRow, &'a CollectionPlan)>,
    scores: &Scores,
) -> Flags {
    let mut flags = Flags {
        missing_safety_scores: scores.missing_safety(),
        ..Flags::default()
    };
    for (row, collection) in passed {
        let count = |counts: &mut BTreeMap<String, u64>, applies: bool| {
            if applies {
                *counts.entry(collection.name.clone()).or_default() += 1;
            }
        };
        count(&mut flags.without_joined_scores, scores.lack(row));
        let looks = row.looks_like.as_deref();
        match collection.role {
            Role::Train => count(&mut flags.photos_in_train, looks == Some("photo")),
            Role::Anchor => {
                count(&mut flags.drawings_in_anchors, looks == Some("drawing"));
                count(&mut flags.anchors_without_license, row.license.is_none());
                count(&mut flags.anchors_without_consent, row.consent.is_none());
            }
        }
    }
    flags
}

/// What thresholds at each score would keep, by collection: over items that are there and readable.
///
/// # Errors
/// The ledger or a file of scores cannot be read.
pub fn sweep(plan: &IngestPlan) -> Result<Vec<SweepRow>, Error> {
    let scores = Scores::read(&plan.score_files)?;
    let ledger = plan.root.ledger().rows()?;
    let verdicts = plan.root.verdicts().latest()?;
    let mut table = Vec::new();
    for collection in &plan.collections {
        let rows: Vec<&LedgerRow> = ledger
            .iter()
            .filter(|row| row.collection == collection.name && row.fault.is_none())
            .filter(|row| {
                let key = VerdictRow::passed(
                    row.item_id,
                    terminus_manifest::words::Stage::Ingest,
                    &collection.config_hash,
                );
                let verdict = verdicts.get(&terminus_manifest::log::LogRow::key(&key));
                verdict.is_none_or(|verdict| {
                    verdict.verdict != Outcome::Gone
                        && verdict.reason != Some(Reason::SplitIntoTiles)
                })
            })
            .collect();
        for name in MEASURED.into_iter().chain(scores.names()) {
            let values: Vec<f64> = rows.iter().filter_map(|row| scores.of(name, row)).collect();
            let missing = (rows.len() - values.len()) as u64;
            table.push(thresholds::sweep(&collection.name, name, values, missing));
        }
    }
    Ok(table)
}
