//! The report of a recipe: what every stage did with every collection, and the mix that came of it.

mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    generation::{BucketRecord, Generation, MixRecord},
    index::IndexRow,
    ledger::LedgerRow,
    plan::RoleMix,
    words::{Outcome, Packing, Stage},
};

use crate::{
    BucketPlan, Error,
    accounts::{CollectionAccount, Facts, accounts},
};

/// Everything that a report shows; also its `--json` form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The recipe.
    pub recipe: String,
    /// The newest generation; none if nothing is published.
    pub generation: Option<u32>,
    /// When it was published.
    pub created_at: Option<String>,
    /// The collections, in the recipe's order.
    pub collections: Vec<CollectionReport>,
    /// Asked and achieved mix of the newest generation.
    pub mix: Option<MixRecord>,
    /// Samples by size.
    pub buckets: Vec<BucketRecord>,
    /// Samples by packing.
    pub packings: BTreeMap<Packing, u64>,
    /// Pictures and the samples that they gave, by original size.
    pub yields: Vec<SizeYield>,
    /// Samples held out.
    pub validation_samples: u64,
}

/// One collection of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectionReport {
    /// What each stage did.
    #[serde(flatten)]
    pub account: CollectionAccount,
    /// Samples in the generation, both splits.
    pub samples: u64,
    /// Its part of the mix.
    pub mix: RoleMix,
}

/// What pictures of one size gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeYield {
    /// The collection.
    pub collection: String,
    /// Width of the pictures.
    pub width: u32,
    /// Height of the pictures.
    pub height: u32,
    /// Pictures that captioning passed.
    pub pictures: u64,
    /// Samples that were cut from them.
    pub samples: u64,
    /// The share of their pixels that the samples show, 0 to 1.
    pub kept_area: f64,
}

impl Report {
    /// Asks ledger, verdicts and the newest generation.
    ///
    /// # Errors
    /// A file of the root cannot be read.
    pub fn read(plan: &BucketPlan) -> Result<Self, Error> {
        let facts = Facts::read(&plan.root)?;
        let generation = Generation::latest(&plan.root, &plan.recipe)?;
        let index = generation
            .as_ref()
            .map(Generation::index)
            .transpose()?
            .unwrap_or_default();
        let manifest = generation.map(|generation| generation.manifest);
        let mix = manifest.as_ref().map(|manifest| manifest.mix.clone());
        let collections = accounts(&facts, &plan.collections)
            .into_iter()
            .map(|account| CollectionReport {
                samples: index
                    .iter()
                    .filter(|row| row.collection == account.name)
                    .count() as u64,
                mix: mix
                    .as_ref()
                    .and_then(|mix| mix.by_collection.get(&account.name).copied())
                    .unwrap_or_default(),
                account,
            })
            .collect();
        let mut packings = BTreeMap::new();
        for row in &index {
            *packings.entry(row.packing).or_default() += 1;
        }
        let held_out = terminus_manifest::words::Split::Validation;
        Ok(Self {
            recipe: plan.recipe.clone(),
            generation: manifest.as_ref().map(|manifest| manifest.generation),
            created_at: manifest
                .as_ref()
                .map(|manifest| manifest.created_at.clone()),
            collections,
            buckets: manifest
                .map(|manifest| manifest.buckets)
                .unwrap_or_default(),
            packings,
            yields: yields(plan, &facts, &index),
            validation_samples: index.iter().filter(|row| row.split == held_out).count() as u64,
            mix,
        })
    }

    /// Whether every stage's verdicts add up to what came in.
    pub fn adds_up(&self) -> bool {
        self.collections
            .iter()
            .flat_map(|c| c.account.stages.values())
            .all(|counts| {
                counts.entered
                    == counts.passed
                        + counts.rejected
                        + counts.failed
                        + counts.pending
                        + counts.gone
            })
    }
}

fn yields(plan: &BucketPlan, facts: &Facts, index: &[IndexRow]) -> Vec<SizeYield> {
    let mut yields: BTreeMap<(String, u32, u32), (u64, u64, u64)> = BTreeMap::new();
    let key = |row: &LedgerRow| Some((row.collection.clone(), row.tile_width?, row.tile_height?));
    for row in &facts.ledger {
        let Some(collection) = plan.collections.iter().find(|c| c.name == row.collection) else {
            continue;
        };
        let is_passed = |(stage, hash)| {
            facts
                .verdict(row.item_id, stage, hash)
                .is_some_and(|verdict| verdict.verdict == Outcome::Passed)
        };
        let [ingest, caption, _] = collection.stages();
        debug_assert_eq!(caption.0, Stage::Caption);
        if let Some(key) = key(row).filter(|_| is_passed(ingest) && is_passed(caption)) {
            yields.entry(key).or_default().0 += 1;
        }
    }
    for row in index {
        let key = (
            row.collection.clone(),
            row.original_width,
            row.original_height,
        );
        let (_, samples, pixels) = yields.entry(key).or_default();
        *samples += 1;
        *pixels += u64::from(row.width) * u64::from(row.height);
    }
    yields
        .into_iter()
        .map(
            |((collection, width, height), (pictures, samples, pixels))| SizeYield {
                kept_area: pixels as f64
                    / (f64::from(width) * f64::from(height) * pictures.max(1) as f64),
                collection,
                width,
                height,
                pictures,
                samples,
            },
        )
        .collect()
}
