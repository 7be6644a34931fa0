//! Takes away what no kept generation names.

use std::{collections::HashSet, path::PathBuf};

use fs_err as fs;
use serde::Serialize;
use terminus_manifest::{
    atomic,
    generation::{Draft, Generation, recipes},
};

use crate::{BucketPlan, Error};

/// What was taken away, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Generations of this recipe that are kept.
    pub kept: Vec<u32>,
    /// Generations of this recipe that went.
    pub generations: Vec<u32>,
    /// Shards that went, by name.
    pub shards: Vec<String>,
    /// Bytes of those shards.
    pub size_bytes: u64,
    /// Half-written files of dead processes that went.
    pub leftovers: u64,
}

/// Removes all but the newest `plan.keep_generations` generations of the recipe and those that `needed` names (what a
/// run of training goes on from), and then every shard that no generation of any recipe names. Shards of a generation
/// that is being made stay. With `dry_run` nothing is removed.
///
/// # Errors
/// Another process publishes at the moment, or a file cannot be read or removed. What was removed before that was in
/// nobody's way: the next run goes on.
pub fn gc(plan: &BucketPlan, needed: &[u32]) -> Result<Collected, Error> {
    let _lock = plan.root.lock("bucket")?;
    let published = Generation::published(&plan.root, &plan.recipe)?;
    let newest = published
        .len()
        .saturating_sub(plan.keep_generations as usize);
    let (old, new) = published.split_at(newest);
    let (mut kept, gone): (Vec<u32>, Vec<u32>) =
        old.iter().partition(|number| needed.contains(number));
    kept.extend(new);
    let mut collected = Collected {
        kept,
        generations: gone,
        ..Collected::default()
    };
    for path in unnamed_shards(plan, &collected.generations)? {
        collected.size_bytes += fs::metadata(&path)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        collected.shards.push(name.into_owned());
    }
    if plan.dry_run {
        return Ok(collected);
    }
    // Generations first: a shard never goes while something published names it.
    for &number in &collected.generations {
        Generation::numbered(&plan.root, &plan.recipe, number)?.remove()?;
    }
    for name in &collected.shards {
        fs::remove_file(plan.root.shards().join(name))?;
    }
    collected.leftovers = plan.root.remove_leftovers()?;
    let folder = plan.root.generations_of(&plan.recipe);
    collected.leftovers += atomic::remove_leftovers(&folder)?;
    Ok(collected)
}

/// Shards that nothing names once the generations `gone` of this recipe are gone.
fn unnamed_shards(plan: &BucketPlan, gone: &[u32]) -> Result<Vec<PathBuf>, Error> {
    let mut named: HashSet<String> = HashSet::new();
    for recipe in recipes(&plan.root)? {
        for number in Generation::published(&plan.root, &recipe)? {
            if recipe == plan.recipe && gone.contains(&number) {
                continue;
            }
            let generation = Generation::numbered(&plan.root, &recipe, number)?;
            named.extend(generation.manifest.shards.into_iter().filter_map(|shard| {
                let name = shard.path.rsplit('/').next()?;
                Some(name.to_owned())
            }));
        }
    }
    let mut unnamed = Vec::new();
    for path in plan.root.shard_files()? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !named.contains(name.as_ref()) && Draft::owner(&plan.root, &path)?.is_none() {
            unnamed.push(path);
        }
    }
    Ok(unnamed)
}
