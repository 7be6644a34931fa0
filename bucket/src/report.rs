//! The report of a recipe: what every stage did with every collection, and the mix that came of it.

mod captioners;
mod causes;
mod cropping;
mod diff;
mod gallery;
mod histogram;
mod page;
mod plots;
mod rights;
mod scores;
mod status;
mod survey;
mod table;
mod texts;
mod thumbnails;
mod uses;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    generation::{BucketRecord, Generation, MixRecord},
    index::IndexRow,
    plan::RoleMix,
    words::{Packing, Stage},
};

use crate::{
    BucketPlan, Error,
    accounts::{CollectionAccount, accounts},
};

pub use captioners::{CaptionExample, CaptionerReport};
pub use causes::causes;
pub use cropping::{BucketCropping, Cropping};
pub use diff::{CollectionDiff, Diff};
pub use histogram::Histogram;
pub use page::page;
pub use rights::Rights;
pub use scores::{Score, Threshold};
pub use survey::Survey;
pub use texts::{CLIP_TOKENS, Frequency, Texts};
pub use uses::Uses;

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
    /// What cutting keeps.
    pub cropping: Cropping,
    /// How often samples are used in epoch 0.
    pub uses: Vec<Uses>,
    /// What captions say.
    pub texts: Vec<Texts>,
    /// What each captioner gave.
    pub captioners: Vec<CaptionerReport>,
    /// Measured scores and their thresholds.
    pub scores: Vec<Score>,
    /// Scores by which unwanted pictures are told, and whether anything gives them.
    #[serde(default)]
    pub safety: Vec<SafetyScore>,
    /// Whose pictures these are.
    pub rights: Vec<Rights>,
}

/// A score by which unwanted pictures are told: nudity, watermarks, people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetyScore {
    /// Its name.
    pub score: String,
    /// Whether a column of `ingest.scores.files` gives it.
    pub is_there: bool,
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
    /// Adds up what was read of a root.
    ///
    /// # Errors
    /// The mix of the generation asks for an epoch that cannot be planned.
    pub fn of(plan: &BucketPlan, survey: &Survey) -> Result<Self, Error> {
        let accounts = accounts(&survey.facts, &plan.collections);
        let mut report = Self::counted(
            plan,
            survey.generation.as_ref(),
            &survey.index,
            accounts,
            yields(plan, survey),
        );
        report.uses = Uses::of(survey)?;
        report.texts = Texts::of(survey);
        report.captioners = CaptionerReport::of(plan, survey);
        report.scores = Score::of(plan, survey);
        report.safety = survey
            .safety
            .iter()
            .map(|(score, is_there)| SafetyScore {
                score: score.clone(),
                is_there: *is_there,
            })
            .collect();
        report.rights = Rights::of(plan, survey);
        Ok(report)
    }

    /// What counting tells; nothing yet of uses, texts, scores and rights.
    fn counted(
        plan: &BucketPlan,
        generation: Option<&Generation>,
        index: &[IndexRow],
        accounts: Vec<CollectionAccount>,
        yields: Vec<SizeYield>,
    ) -> Self {
        let manifest = generation.map(|generation| &generation.manifest);
        let mix = manifest.map(|manifest| manifest.mix.clone());
        let collections = accounts
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
        for row in index {
            *packings.entry(row.packing).or_default() += 1;
        }
        let held_out = terminus_manifest::words::Split::Validation;
        Self {
            recipe: plan.recipe.clone(),
            generation: manifest.map(|manifest| manifest.generation),
            created_at: manifest.map(|manifest| manifest.created_at.clone()),
            collections,
            buckets: manifest
                .map(|manifest| manifest.buckets.clone())
                .unwrap_or_default(),
            packings,
            yields,
            validation_samples: index.iter().filter(|row| row.split == held_out).count() as u64,
            cropping: Cropping::of(index),
            uses: Vec::new(),
            texts: Vec::new(),
            captioners: Vec::new(),
            scores: Vec::new(),
            safety: Vec::new(),
            rights: Vec::new(),
            mix,
        }
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

fn yields(plan: &BucketPlan, survey: &Survey) -> Vec<SizeYield> {
    let mut yields = Yields::default();
    for (row, collection) in survey.items(plan) {
        let has_come = [Stage::Ingest, Stage::Caption]
            .into_iter()
            .all(|stage| survey.has_passed(row, collection, stage));
        if let Some(size) = row.tile_width.zip(row.tile_height).filter(|_| has_come) {
            yields.pictures(&row.collection, size, 1);
        }
    }
    yields.with_samples(&survey.index)
}

/// Pictures that captioning passed, and their samples, by collection and size.
#[derive(Default)]
struct Yields(BTreeMap<(String, u32, u32), (u64, u64, u64)>);

impl Yields {
    fn pictures(&mut self, collection: &str, (width, height): (u32, u32), count: u64) {
        let key = (collection.to_owned(), width, height);
        self.0.entry(key).or_default().0 += count;
    }

    fn with_samples(mut self, index: &[IndexRow]) -> Vec<SizeYield> {
        for row in index {
            let key = (
                row.collection.clone(),
                row.original_width,
                row.original_height,
            );
            let (_, samples, pixels) = self.0.entry(key).or_default();
            *samples += 1;
            *pixels += u64::from(row.width) * u64::from(row.height);
        }
        self.0
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
}
