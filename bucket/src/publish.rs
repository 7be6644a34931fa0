//! Publishes a generation, unless it would be the one that is already there.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

use fs_err as fs;
use sha2::{Digest as _, Sha256};
use terminus_manifest::{
    generation::{
        BucketRecord, Draft, Generation, Manifest, MixRecord, SamplesRecord, ShardRecord,
        plan_samples,
    },
    ids::Sha256Digest,
    index::IndexRow,
    plan::{PlanSettings, RoleMix, collection_key, plan},
    shard::ShardReader,
    time::Timestamp,
    words::Split,
};

use crate::{
    BucketPlan, Error, Summary,
    accounts::{Facts, accounts, total},
    config::OnShortfall,
};

/// Publishes `rows` if they or their mix differ from the parent's; fills in the summary. `written` are the shards of
/// this run, whose digests were taken while they were written.
pub(crate) fn publish(
    bucket: &BucketPlan,
    facts: &Facts,
    parent: Option<&Generation>,
    parent_index: &[IndexRow],
    rows: &[IndexRow],
    written: &HashMap<String, ShardRecord>,
    summary: &mut Summary,
) -> Result<(), Error> {
    let accounts = accounts(facts, &bucket.collections);
    let counts = total(&accounts);
    if rows.is_empty() {
        let pending = counts.values().map(|counts| counts.pending).sum();
        let seen = summary.counts;
        return Err(Error::NoSamples {
            recipe: bucket.recipe.clone(),
            entered: seen.entered,
            rejected: seen.rejected,
            failed: seen.failed,
            pending,
        });
    }
    let mix = mix(bucket, rows)?;
    if bucket.on_shortfall == OnShortfall::Error && mix.total.shortfall > 0 {
        return Err(Error::Shortfall {
            missing: mix.total.shortfall,
        });
    }
    if let Some(parent) = parent {
        summary.generation = Some(parent.manifest.generation);
        summary.manifest = Some(parent.manifest_path().display().to_string());
        if parent.manifest.mix == mix && parent_index == rows {
            return Ok(());
        }
    }
    let draft = Draft::claim(&bucket.root, &bucket.recipe)?;
    let manifest = Manifest {
        schema_version: terminus_manifest::SCHEMA_VERSION,
        recipe: bucket.recipe.clone(),
        generation: draft.number,
        parent: parent.map(|parent| parent.manifest.generation),
        created_at: Timestamp::now().to_string(),
        recipe_sha256: bucket.recipe_sha256.clone(),
        seed: bucket.seed,
        shape: bucket.shape,
        samples: SamplesRecord::default(),
        shards: shards(bucket, parent, written, rows)?,
        mix,
        decoders: decoders(facts, rows),
        buckets: buckets(rows),
        counts,
    };
    let generation = draft.publish(manifest, rows)?;
    summary.generation = Some(generation.manifest.generation);
    summary.manifest = Some(generation.manifest_path().display().to_string());
    summary.published = true;
    Ok(())
}

/// The mix of epoch 0 at device batch 1, so that a trainer's settings never change a manifest.
fn mix(bucket: &BucketPlan, rows: &[IndexRow]) -> Result<MixRecord, Error> {
    let settings = PlanSettings::of_manifest(bucket.seed, bucket.shape, bucket.anchor)
        .with_rules(&bucket.rules);
    let epoch = plan(&plan_samples(rows), &settings, 0)?;
    let trained: Vec<&IndexRow> = rows
        .iter()
        .filter(|row| row.split == Split::Train)
        .collect();
    let mut by_collection: BTreeMap<String, RoleMix> = BTreeMap::new();
    for (row, usage) in trained.iter().zip(epoch.usage(trained.len())) {
        by_collection
            .entry(row.collection.clone())
            .or_default()
            .add(usage);
    }
    let mut short_by_collection = BTreeMap::new();
    for name in by_collection.keys() {
        let key = collection_key(name);
        let quotas = epoch.quotas().iter();
        let short: u64 = quotas
            .filter(|quota| quota.collection == key)
            .map(|quota| quota.asked - quota.places)
            .sum();
        if short > 0 {
            short_by_collection.insert(name.clone(), short);
        }
    }
    Ok(MixRecord {
        total: epoch.mix().clone(),
        by_collection,
        rules: bucket.rules.clone(),
        short_by_collection,
    })
}

/// The records of all shards that the index names; only those that neither this run wrote nor the parent knows are read.
fn shards(
    bucket: &BucketPlan,
    parent: Option<&Generation>,
    written: &HashMap<String, ShardRecord>,
    rows: &[IndexRow],
) -> Result<Vec<ShardRecord>, Error> {
    let known: HashMap<&str, &ShardRecord> = parent
        .iter()
        .flat_map(|parent| &parent.manifest.shards)
        .map(|record| (record.path.as_str(), record))
        .collect();
    let mut names: Vec<&str> = rows.iter().map(|row| row.shard.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(
            |name| match known.get(name).copied().or(written.get(name)) {
                Some(record) => Ok(record.clone()),
                None => record(bucket, name),
            },
        )
        .collect()
}

fn record(bucket: &BucketPlan, relative: &str) -> Result<ShardRecord, Error> {
    let name = Path::new(relative).file_name().unwrap_or_default();
    let path = bucket.root.shards().join(name);
    let mut file = fs::File::open(&path)?;
    let mut hasher = Sha256::new();
    let size_bytes = io::copy(&mut file, &mut hasher)?;
    Ok(ShardRecord {
        path: relative.to_owned(),
        rows: ShardReader::open(&path)?.rows(),
        size_bytes,
        sha256: Sha256Digest(hasher.finalize().into()).to_string(),
    })
}

fn decoders(facts: &Facts, rows: &[IndexRow]) -> BTreeMap<String, u64> {
    let by_item: HashMap<_, _> = facts
        .ledger
        .iter()
        .filter_map(|row| Some((row.item_id, row.decoder.as_deref()?)))
        .collect();
    let mut decoders = BTreeMap::new();
    for row in rows {
        if let Some(decoder) = by_item.get(&row.item_id) {
            *decoders.entry((*decoder).to_owned()).or_default() += 1;
        }
    }
    decoders
}

fn buckets(rows: &[IndexRow]) -> Vec<BucketRecord> {
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for row in rows {
        *counts.entry((row.width, row.height)).or_default() += 1;
    }
    let record = |((width, height), samples)| BucketRecord {
        width,
        height,
        samples,
    };
    counts.into_iter().rev().map(record).collect()
}
