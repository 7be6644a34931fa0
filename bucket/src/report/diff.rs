//! What one generation has that another has not.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use comfy_table::Cell;
use serde::{Deserialize, Serialize};
use terminus_manifest::{
    generation::{Generation, StageCounts},
    ids::SampleId,
    index::IndexRow,
    plan::Mix,
    words::Stage,
};

use super::table::table;
use crate::{BucketPlan, Error};

/// Two generations of a recipe, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// The recipe.
    pub recipe: String,
    /// The first generation.
    pub from: Side,
    /// The second.
    pub to: Side,
    /// What changed, by collection.
    pub collections: BTreeMap<String, CollectionDiff>,
    /// Samples by size, before and after, where the two differ.
    pub buckets: BTreeMap<String, (u64, u64)>,
    /// Shards that only the second names.
    pub shards_added: u64,
    /// Shards that only the first names.
    pub shards_gone: u64,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its number.
    pub generation: u32,
    /// When it was published.
    pub created_at: String,
    /// Hash of the recipe that made it.
    pub recipe_sha256: String,
    /// Its samples.
    pub samples: u64,
    /// Its mix.
    pub mix: Mix,
    /// What each stage had done.
    pub counts: BTreeMap<Stage, StageCounts>,
}

/// What changed in one collection, in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionDiff {
    /// Pixels that the second alone has.
    pub added: u64,
    /// Pixels that the first alone has.
    pub removed: u64,
    /// In both, with the same captions.
    pub kept: u64,
    /// In both, with other captions.
    pub recaptioned: u64,
    /// In both, on another side of the split, or with another role.
    pub moved: u64,
}

impl Diff {
    /// Compares generations `from` and `to` of a recipe.
    ///
    /// # Errors
    /// One of them is not published, or cannot be read.
    pub fn read(plan: &BucketPlan, from: u32, to: u32) -> Result<Self, Error> {
        let open = |number| -> Result<_, Error> {
            let generation = Generation::numbered(&plan.root, &plan.recipe, number)?;
            let index = generation.index()?;
            Ok((generation, index))
        };
        let ((from, before), (to, after)) = (open(from)?, open(to)?);
        let names = |generation: &Generation| -> Vec<String> {
            let shards = generation.manifest.shards.iter();
            shards.map(|shard| shard.path.clone()).collect()
        };
        let (old, new) = (names(&from), names(&to));
        let beyond =
            |a: &[String], b: &[String]| a.iter().filter(|s| !b.contains(s)).count() as u64;
        Ok(Self {
            recipe: plan.recipe.clone(),
            collections: collections(&before, &after),
            buckets: buckets(&from, &to),
            shards_added: beyond(&new, &old),
            shards_gone: beyond(&old, &new),
            from: side(from, &before),
            to: side(to, &after),
        })
    }
}

fn side(generation: Generation, index: &[IndexRow]) -> Side {
    let manifest = generation.manifest;
    Side {
        generation: manifest.generation,
        created_at: manifest.created_at,
        recipe_sha256: manifest.recipe_sha256,
        samples: index.len() as u64,
        mix: manifest.mix.total,
        counts: manifest.counts,
    }
}

fn collections(before: &[IndexRow], after: &[IndexRow]) -> BTreeMap<String, CollectionDiff> {
    let old: HashMap<SampleId, &IndexRow> = before.iter().map(|r| (r.sample_id, r)).collect();
    let new: HashMap<SampleId, &IndexRow> = after.iter().map(|r| (r.sample_id, r)).collect();
    let mut diffs: BTreeMap<String, CollectionDiff> = BTreeMap::new();
    for row in after {
        let diff = diffs.entry(row.collection.clone()).or_default();
        match old.get(&row.sample_id) {
            None => diff.added += 1,
            Some(old) => {
                diff.moved += u64::from(old.split != row.split || old.role != row.role);
                if old.captions == row.captions {
                    diff.kept += 1;
                } else {
                    diff.recaptioned += 1;
                }
            }
        }
    }
    for row in before {
        if !new.contains_key(&row.sample_id) {
            diffs.entry(row.collection.clone()).or_default().removed += 1;
        }
    }
    diffs
}

fn buckets(from: &Generation, to: &Generation) -> BTreeMap<String, (u64, u64)> {
    let mut buckets: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for record in &from.manifest.buckets {
        let name = format!("{}x{}", record.width, record.height);
        buckets.entry(name).or_default().0 = record.samples;
    }
    for record in &to.manifest.buckets {
        let name = format!("{}x{}", record.width, record.height);
        buckets.entry(name).or_default().1 = record.samples;
    }
    buckets.retain(|_, (before, after)| before != after);
    buckets
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, .. } = self;
        writeln!(
            f,
            "recipe {}, generations {} ({}) and {} ({})",
            self.recipe, from.generation, from.created_at, to.generation, to.created_at
        )?;
        if from.recipe_sha256 != to.recipe_sha256 {
            writeln!(f, "the recipe itself has changed between them")?;
        }
        let header = [
            "collection",
            "added",
            "removed",
            "kept",
            "recaptioned",
            "moved",
        ];
        let mut samples = table(&header, 1);
        for (name, diff) in &self.collections {
            let counts = [
                diff.added,
                diff.removed,
                diff.kept,
                diff.recaptioned,
                diff.moved,
            ];
            samples.add_row(std::iter::once(Cell::new(name)).chain(counts.map(Cell::new)));
        }
        writeln!(f, "\n{samples}")?;
        let mut mix = table(&["mix", "before", "after"], 1);
        let asked = |side: &Side| {
            side.mix
                .asked
                .map_or("no ratio".to_owned(), |asked| asked.to_string())
        };
        mix.add_row(["asked".to_owned(), asked(from), asked(to)]);
        let achieved = |side: &Side| format!("{:.6}", side.mix.achieved);
        mix.add_row(["achieved".to_owned(), achieved(from), achieved(to)]);
        for (name, count) in [
            ("samples", (|side| side.samples) as fn(&Side) -> u64),
            ("train places", |side| side.mix.by_role.train.places),
            ("anchor places", |side| side.mix.by_role.anchor.places),
            ("repeats", |side| side.mix.repeats),
            ("shortfall", |side| side.mix.shortfall),
        ] {
            mix.add_row([
                name.to_owned(),
                count(from).to_string(),
                count(to).to_string(),
            ]);
        }
        writeln!(f, "\n{mix}")?;
        if !self.buckets.is_empty() {
            let mut buckets = table(&["bucket", "before", "after"], 1);
            for (name, (before, after)) in &self.buckets {
                buckets.add_row([Cell::new(name), Cell::new(before), Cell::new(after)]);
            }
            writeln!(f, "\n{buckets}")?;
        }
        write!(
            f,
            "\n{} shards added, {} no longer named",
            self.shards_added, self.shards_gone
        )
    }
}
