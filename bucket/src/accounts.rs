//! What every stage did with every item of a recipe: `in` = passed + rejected + failed + pending + gone.
//!
//! A pure query over ledger and verdicts, so that a report never has to be believed: it can be asked again.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    Root,
    generation::StageCounts,
    ids::ItemId,
    ledger::LedgerRow,
    verdict::VerdictRow,
    words::{Outcome, Reason, Role, Stage},
};

use crate::{CollectionPlan, Error};

/// What a root knows, read once.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The ledger, ordered by item id.
    pub ledger: Vec<LedgerRow>,
    /// The verdicts that count, ordered by what they are about: a map of them would hold every key twice.
    verdicts: Vec<VerdictRow>,
}

impl Facts {
    /// Reads ledger and verdicts.
    ///
    /// # Errors
    /// A part of a log cannot be read.
    pub fn read(root: &Root) -> Result<Self, Error> {
        Ok(Self {
            ledger: root.ledger().rows_by(|a, b| a.item_id.cmp(&b.item_id))?,
            verdicts: root.verdicts().rows_by(|a, b| about(a).cmp(&about(b)))?,
        })
    }

    /// The verdict of a stage on an item with these settings, if it has one.
    pub fn verdict(&self, item_id: ItemId, stage: Stage, config_hash: &str) -> Option<&VerdictRow> {
        self.place(&(item_id, stage, config_hash))
            .ok()
            .map(|at| &self.verdicts[at])
    }

    fn place(&self, key: &(ItemId, Stage, &str)) -> Result<usize, usize> {
        self.verdicts.binary_search_by(|row| about(row).cmp(key))
    }

    /// Takes in verdicts that are newer than those that count.
    pub(crate) fn judge(&mut self, verdicts: impl IntoIterator<Item = VerdictRow>) {
        let mut new = Vec::new();
        for row in verdicts {
            match self.place(&about(&row)) {
                Ok(at) => self.verdicts[at] = row,
                Err(_) => new.push(row),
            }
        }
        self.verdicts.append(&mut new);
        self.verdicts.sort_by(|a, b| about(a).cmp(&about(b)));
    }

    /// What has become of an item, stage by stage, until one does not pass it.
    pub fn path_of(
        &self,
        item_id: ItemId,
        collection: &CollectionPlan,
    ) -> Vec<(Stage, Outcome, Option<&VerdictRow>)> {
        let mut path = Vec::new();
        for (stage, config_hash) in collection.stages() {
            let verdict = self.verdict(item_id, stage, config_hash);
            let outcome = verdict.map_or(Outcome::Pending, |verdict| verdict.verdict);
            path.push((stage, outcome, verdict));
            if outcome != Outcome::Passed {
                break;
            }
        }
        path
    }
}

/// What a verdict is about.
fn about(row: &VerdictRow) -> (ItemId, Stage, &str) {
    (row.item_id, row.stage, &row.config_hash)
}

impl CollectionPlan {
    /// The stages in order, each with the hash of its settings.
    pub fn stages(&self) -> [(Stage, &str); 3] {
        [
            (Stage::Ingest, &self.ingest_config_hash),
            (Stage::Caption, &self.caption_config_hash),
            (Stage::Bucket, &self.config_hash),
        ]
    }
}

/// The account of one collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionAccount {
    /// Its name.
    pub name: String,
    /// What its samples are for.
    pub role: Role,
    /// What each stage did.
    pub stages: BTreeMap<Stage, StageCounts>,
    /// Items that a stage did not pass, by reason.
    pub reasons: BTreeMap<Stage, BTreeMap<Reason, u64>>,
}

/// The accounts of all collections of a recipe, in its order.
pub fn accounts(facts: &Facts, collections: &[CollectionPlan]) -> Vec<CollectionAccount> {
    let mut accounts = CollectionAccount::empty(collections);
    let places: HashMap<&str, usize> = collections
        .iter()
        .enumerate()
        .map(|(n, c)| (c.name.as_str(), n))
        .collect();
    for row in &facts.ledger {
        let Some(&place) = places.get(row.collection.as_str()) else {
            continue;
        };
        for (stage, outcome, verdict) in facts.path_of(row.item_id, &collections[place]) {
            accounts[place].add(stage, outcome, verdict.and_then(|verdict| verdict.reason));
        }
    }
    accounts
}

impl CollectionAccount {
    /// Accounts in which nothing has come in yet, one a collection.
    pub(crate) fn empty(collections: &[CollectionPlan]) -> Vec<Self> {
        let account = |collection: &CollectionPlan| Self {
            name: collection.name.clone(),
            role: collection.role,
            stages: Stage::ALL
                .iter()
                .map(|&stage| (stage, StageCounts::default()))
                .collect(),
            reasons: BTreeMap::new(),
        };
        collections.iter().map(account).collect()
    }

    /// Counts what a stage said of an item.
    pub(crate) fn add(&mut self, stage: Stage, outcome: Outcome, reason: Option<Reason>) {
        self.stages.entry(stage).or_default().add(outcome);
        if let Some(reason) = reason {
            let reasons = self.reasons.entry(stage).or_default();
            *reasons.entry(reason).or_default() += 1;
        }
    }
}

/// The sum over collections.
pub fn total(accounts: &[CollectionAccount]) -> BTreeMap<Stage, StageCounts> {
    let mut total: BTreeMap<Stage, StageCounts> = BTreeMap::new();
    for (&stage, counts) in accounts.iter().flat_map(|account| &account.stages) {
        let sum = total.entry(stage).or_default();
        sum.entered += counts.entered;
        sum.passed += counts.passed;
        sum.rejected += counts.rejected;
        sum.failed += counts.failed;
        sum.pending += counts.pending;
        sum.gone += counts.gone;
    }
    total
}
