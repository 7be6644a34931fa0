//! Batches of one bucket each, with the anchors of a bucket spread evenly over it.

use std::collections::BTreeMap;

use crate::{
    Error,
    plan::{
        Place, PlanSample, PlanSettings, Role,
        anchors::{Anchors, Use},
        fits,
        keys::{Key, Keys},
        spread::spread,
    },
};

/// Width and height.
type Bucket = (u32, u32);

/// One use of a sample before fill.
struct Member {
    bucket: Bucket,
    role: Role,
    /// How many uses of the same sample come before it.
    copy: u32,
    key: Key,
    sample: u32,
}

/// A device batch: `start..end` of the members sorted by bucket, filled up from the start of the bucket.
struct Chunk {
    key: Key,
    bucket: Bucket,
    number: u64,
    bucket_start: usize,
    bucket_end: usize,
    start: usize,
}

/// The places of the epoch: chunks of a device batch from each bucket, in a seeded order, padded to whole steps.
pub(super) fn places(
    samples: &[PlanSample],
    train: &[Use],
    anchors: &Anchors,
    settings: &PlanSettings,
    keys: &mut Keys,
) -> Result<Vec<Place>, Error> {
    let device_batch = settings.device_batch.get() as usize;
    let members = members(samples, train, anchors, device_batch as u64, keys);
    let chunks = chunks(&members, device_batch, keys);
    let padded = (chunks.len() as u64).next_multiple_of(settings.batches_per_step()) as usize;
    fits(padded as u128 * device_batch as u128)?;

    let order = interleaved(&members);
    let mut places = Vec::with_capacity(padded * device_batch);
    for (drawn, chunk) in chunks.iter().cycle().take(padded).enumerate() {
        let bucket = &order[chunk.bucket_start..chunk.bucket_end];
        let first = chunk.start - chunk.bucket_start;
        places.extend((first..first + device_batch).map(|at| Place {
            sample: bucket[at % bucket.len()],
            is_fill: drawn >= chunks.len() || at >= bucket.len(),
        }));
    }
    Ok(places)
}

/// Every use of a sample, sorted by bucket and role, then by its order key, ties by id. Of a repeated anchor the first
/// uses come before all second ones, so that copies are as far apart as can be.
fn members(
    samples: &[PlanSample],
    train: &[Use],
    anchors: &Anchors,
    device_batch: u64,
    keys: &mut Keys,
) -> Vec<Member> {
    let mut members = Vec::with_capacity(train.len() + anchors.places() as usize);
    let mut add = |sample: u32, copies: std::ops::Range<u32>| {
        let PlanSample {
            sample_id, role, ..
        } = samples[sample as usize];
        let key = keys.order(sample_id);
        members.extend(copies.map(|copy| Member {
            bucket: bucket_of(samples, sample),
            role,
            copy,
            key,
            sample,
        }));
    };
    if anchors.is_one_pool() {
        let rounds = anchors.places().checked_div(anchors.pool()).unwrap_or(0) as u32;
        for sample in anchors.walk().take(anchors.pool() as usize) {
            add(sample, 0..rounds);
        }
        for sample in extra_anchors(samples, train, anchors, device_batch) {
            add(sample, rounds..rounds + 1);
        }
    } else {
        let mut copies: BTreeMap<u32, u32> = BTreeMap::new();
        for sample in anchors.walk().take(anchors.places() as usize) {
            *copies.entry(sample).or_default() += 1;
        }
        for (sample, copies) in copies {
            add(sample, 0..copies);
        }
    }
    for &(sample, copy) in train {
        let PlanSample {
            sample_id, role, ..
        } = samples[sample as usize];
        members.push(Member {
            bucket: bucket_of(samples, sample),
            role,
            // Further uses have keys of their own, and lie anywhere.
            copy: 0,
            key: keys.order_of_use(sample_id, copy),
            sample,
        });
    }
    members.sort_unstable_by(|a, b| {
        let id = |member: &Member| samples[member.sample as usize].sample_id;
        (a.bucket, a.role, a.copy, a.key)
            .cmp(&(b.bucket, b.role, b.copy, b.key))
            .then_with(|| id(a).cmp(&id(b)))
    });
    members
}

/// The samples of sorted members, the anchors of each bucket spread evenly over it.
fn interleaved(members: &[Member]) -> Vec<u32> {
    let mut order = Vec::with_capacity(members.len());
    for bucket in members.chunk_by(|a, b| a.bucket == b.bucket) {
        let (train, anchors) =
            bucket.split_at(bucket.partition_point(|member| member.role == Role::Train));
        let (mut train, mut anchors) = (train.iter(), anchors.iter());
        let places = spread(bucket.len() as u64, anchors.len() as u64);
        order.extend(
            places
                .filter_map(|is_anchor| {
                    if is_anchor {
                        anchors.next()
                    } else {
                        train.next()
                    }
                })
                .map(|member| member.sample),
        );
    }
    order
}

/// The anchors that are used once more than the others of the pool.
///
/// A pool that is too large for one epoch rotates: its next anchors come. A smaller one is used up evenly, and which
/// of the equals are repeated once more is free: those whose bucket lacks samples for a whole device batch come
/// first, so that less has to be filled.
fn extra_anchors(
    samples: &[PlanSample],
    train: &[Use],
    anchors: &Anchors,
    device_batch: u64,
) -> Vec<u32> {
    let (rounds, mut left) = match anchors.pool() {
        0 => return Vec::new(),
        pool => (anchors.places() / pool, anchors.places() % pool),
    };
    if rounds == 0 {
        return anchors.walk().take(left as usize).collect();
    }
    let pool = || anchors.walk().take(anchors.pool() as usize);
    let mut sizes: BTreeMap<Bucket, u64> = BTreeMap::new();
    for &(sample, _) in train {
        *sizes.entry(bucket_of(samples, sample)).or_default() += 1;
    }
    // What each bucket lacks for whole batches, and its anchors in the order of the walk.
    let mut candidates: BTreeMap<Bucket, Vec<u32>> = BTreeMap::new();
    for sample in pool() {
        let bucket = bucket_of(samples, sample);
        *sizes.entry(bucket).or_default() += rounds;
        candidates.entry(bucket).or_default().push(sample);
    }
    let mut chosen = Vec::with_capacity(left as usize);
    let mut take = |bucket: Bucket, wanted: u64, left: &mut u64| {
        let Some(queue) = candidates.get_mut(&bucket) else {
            return;
        };
        let count = wanted.min(*left).min(queue.len() as u64);
        chosen.extend(queue.drain(..count as usize));
        *left -= count;
    };
    for sample in pool() {
        let bucket = bucket_of(samples, sample);
        let size = sizes.get(&bucket).copied().unwrap_or(0);
        let lacking = size.next_multiple_of(device_batch) - size;
        take(bucket, lacking, &mut left);
        sizes.insert(bucket, size + lacking);
    }
    // No batch is open any more: open one after the other.
    for sample in pool() {
        take(bucket_of(samples, sample), device_batch, &mut left);
    }
    chosen
}

/// Device batches of members that are sorted by bucket, in the order of their keys.
fn chunks(members: &[Member], device_batch: usize, keys: &Keys) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(members.len() / device_batch + 1);
    let mut bucket_start = 0;
    for run in members.chunk_by(|a, b| a.bucket == b.bucket) {
        let bucket_end = bucket_start + run.len();
        for (number, start) in (0..).zip((bucket_start..bucket_end).step_by(device_batch)) {
            chunks.push(Chunk {
                key: keys.chunk(run[0].bucket, number),
                bucket: run[0].bucket,
                number,
                bucket_start,
                bucket_end,
                start,
            });
        }
        bucket_start = bucket_end;
    }
    chunks.sort_unstable_by_key(|chunk| (chunk.key, chunk.bucket, chunk.number));
    chunks
}

fn bucket_of(samples: &[PlanSample], sample: u32) -> Bucket {
    let PlanSample { width, height, .. } = samples[sample as usize];
    (width, height)
}
