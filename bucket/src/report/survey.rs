//! Everything that a report is made of, read once.

use std::collections::{BTreeMap, HashMap};

use terminus_manifest::{
    caption::CaptionRow,
    generation::Generation,
    ids::{CaptionKey, ItemId},
    index::IndexRow,
    ledger::LedgerRow,
    words::{Outcome, Stage},
};

use crate::{BucketPlan, CollectionPlan, Error, accounts::Facts};

/// A root as a recipe sees it: facts, verdicts, captions and one generation.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Ledger and verdicts.
    pub facts: Facts,
    /// Captions by key.
    pub captions: HashMap<CaptionKey, CaptionRow>,
    /// The generation that is reported on; none if nothing is published.
    pub generation: Option<Generation>,
    /// Its index.
    pub index: Vec<IndexRow>,
    /// Scores that were computed elsewhere, by name and item; whoever reads such files puts them here.
    pub joined: BTreeMap<String, HashMap<ItemId, f64>>,
    /// Scores by which unwanted pictures are told, each with whether any column gives it.
    pub safety: Vec<(String, bool)>,
}

impl Survey {
    /// Reads the root of a recipe and generation `number` of it, the newest without one.
    ///
    /// # Errors
    /// A file of the root cannot be read, or there is no generation of this number.
    pub fn read(plan: &BucketPlan, number: Option<u32>) -> Result<Self, Error> {
        let generation = match number {
            Some(number) => Some(Generation::numbered(&plan.root, &plan.recipe, number)?),
            None => Generation::latest(&plan.root, &plan.recipe)?,
        };
        let index = generation
            .as_ref()
            .map(Generation::index)
            .transpose()?
            .unwrap_or_default();
        Ok(Self {
            facts: Facts::read(&plan.root)?,
            captions: plan.root.captions().latest()?,
            generation,
            index,
            joined: BTreeMap::new(),
            safety: Vec::new(),
        })
    }

    /// The ledger rows of a recipe's collections, each with its collection.
    pub(super) fn items<'a>(
        &'a self,
        plan: &'a BucketPlan,
    ) -> impl Iterator<Item = (&'a LedgerRow, &'a CollectionPlan)> {
        let collections: HashMap<&str, &CollectionPlan> = plan
            .collections
            .iter()
            .map(|collection| (collection.name.as_str(), collection))
            .collect();
        self.facts
            .ledger
            .iter()
            .filter_map(move |row| Some((row, *collections.get(row.collection.as_str())?)))
    }

    /// Whether a stage passed an item.
    pub(super) fn has_passed(
        &self,
        row: &LedgerRow,
        collection: &CollectionPlan,
        stage: Stage,
    ) -> bool {
        let hash = collection
            .stages()
            .into_iter()
            .find(|(candidate, _)| *candidate == stage)
            .map_or("", |(_, hash)| hash);
        self.facts
            .verdict(row.item_id, stage, hash)
            .is_some_and(|verdict| verdict.verdict == Outcome::Passed)
    }

    /// The ledger by item.
    pub(super) fn by_item(&self) -> HashMap<ItemId, &LedgerRow> {
        self.facts
            .ledger
            .iter()
            .map(|row| (row.item_id, row))
            .collect()
    }
}
