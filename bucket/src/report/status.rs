//! The report's counts without the rest: what a terminal shows, of a million items in less than a second.

use std::collections::HashMap;

use terminus_manifest::{
    generation::Generation,
    glance::{LedgerGlance, VerdictGlance},
    words::{Outcome, Stage},
};

use super::{Report, Yields};
use crate::{BucketPlan, CollectionPlan, Error, accounts::CollectionAccount};

impl Report {
    /// What counting alone tells of a recipe and generation `number` of it, the newest without one: the same as
    /// [`Report::of`], but `uses`, `texts`, `captioners`, `scores`, `safety` and `rights` stay empty, and no caption and no prompt is read.
    ///
    /// # Errors
    /// A file of the root cannot be read, or there is no generation of this number.
    pub fn status(plan: &BucketPlan, number: Option<u32>) -> Result<Self, Error> {
        let generation = match number {
            Some(number) => Some(Generation::numbered(&plan.root, &plan.recipe, number)?),
            None => Generation::latest(&plan.root, &plan.recipe)?,
        };
        let index = generation
            .as_ref()
            .map(Generation::index)
            .transpose()?
            .unwrap_or_default();
        let (ledger, verdicts) = rayon::join(
            || LedgerGlance::read(&plan.root),
            || VerdictGlance::read(&plan.root),
        );
        let (accounts, yields) = count(plan, &ledger?, &verdicts?);
        let yields = yields.with_samples(&index);
        Ok(Self::counted(
            plan,
            generation.as_ref(),
            &index,
            accounts,
            yields,
        ))
    }
}

/// Follows every item through the stages; both tables are ordered by item.
fn count(
    plan: &BucketPlan,
    ledger: &[LedgerGlance],
    verdicts: &[VerdictGlance],
) -> (Vec<CollectionAccount>, Yields) {
    let places: HashMap<&str, usize> = plan
        .collections
        .iter()
        .enumerate()
        .map(|(place, collection)| (collection.name.as_str(), place))
        .collect();
    let stages: Vec<_> = plan
        .collections
        .iter()
        .map(CollectionPlan::stages)
        .collect();
    let mut accounts = CollectionAccount::empty(&plan.collections);
    let mut sizes: HashMap<(usize, u32, u32), u64> = HashMap::new();
    let mut rest = verdicts;
    for row in ledger {
        let skipped = rest.iter().take_while(|v| v.item_id < row.item_id).count();
        let own = rest[skipped..]
            .iter()
            .take_while(|v| v.item_id == row.item_id)
            .count();
        let judged = &rest[skipped..skipped + own];
        rest = &rest[skipped + own..];
        let Some(&place) = places.get(&*row.collection) else {
            continue;
        };
        let mut is_captioned = false;
        for &(stage, config_hash) in &stages[place] {
            let verdict = judged
                .iter()
                .find(|verdict| verdict.stage == stage && &*verdict.config_hash == config_hash);
            let outcome = verdict.map_or(Outcome::Pending, |verdict| verdict.verdict);
            let reason = verdict.and_then(|verdict| verdict.reason);
            accounts[place].add(stage, outcome, reason);
            if outcome != Outcome::Passed {
                break;
            }
            is_captioned |= stage == Stage::Caption;
        }
        if is_captioned && let Some((width, height)) = row.tile_width.zip(row.tile_height) {
            *sizes.entry((place, width, height)).or_default() += 1;
        }
    }
    let mut yields = Yields::default();
    for ((place, width, height), pictures) in sizes {
        yields.pictures(&plan.collections[place].name, (width, height), pictures);
    }
    (accounts, yields)
}
