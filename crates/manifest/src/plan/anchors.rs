//! Which samples an epoch takes how often.

use crate::plan::{
    PlanSample, Quota, Role,
    keys::{Keys, permute},
    positions,
};

/// A use of a sample: its position, and how many uses of it come before.
pub(super) type Use = (u32, u32);

/// A collection's samples as an endless walk round a permutation of them.
struct Pool {
    permutation: Vec<u32>,
    /// Position in the permutation at which this epoch starts.
    start: u64,
    /// Places in this epoch.
    places: u64,
}

impl Pool {
    /// The samples at `pool`. Epoch `e` starts where the epochs before, each with as many places, ended.
    fn new(
        samples: &[PlanSample],
        mut pool: Vec<u32>,
        places: u64,
        epoch: u64,
        keys: &mut Keys,
    ) -> Self {
        permute(samples, &mut pool, |id| keys.anchor(id));
        let start = u128::from(epoch) * u128::from(places) % pool.len().max(1) as u128;
        Self {
            permutation: pool,
            start: start as u64,
            places,
        }
    }

    /// The pool from the epoch's start on, round and round; nothing if it is empty.
    fn walk(&self) -> impl Iterator<Item = u32> {
        let (before, after) = self.permutation.split_at(self.start as usize);
        after.iter().chain(before).copied().cycle()
    }
}

/// The uses of train samples: each once, or as often as their collection's quota says.
pub(super) fn uses(
    samples: &[PlanSample],
    quotas: &[Quota],
    epoch: u64,
    keys: &mut Keys,
) -> Vec<Use> {
    let is_once = |quota: &Quota| quota.places == quota.available;
    if quotas.iter().all(is_once) {
        return (0..)
            .zip(samples)
            .filter(|(_, sample)| sample.role == Role::Train)
            .map(|(position, _)| (position, 0))
            .collect();
    }
    let mut uses = Vec::new();
    for quota in quotas {
        let positions = positions(samples, quota.role, Some(quota.collection));
        let pool = Pool::new(samples, positions, quota.places, epoch, keys);
        let count = quota.places as usize;
        let rounds = (0_u32..).flat_map(|round| (0..quota.available).map(move |_| round));
        uses.extend(pool.walk().zip(rounds).take(count));
    }
    uses
}

/// The anchors of an epoch.
pub(super) struct Anchors {
    pools: Vec<Pool>,
    /// The epoch's uses of many pools, each spread evenly; empty where there is one.
    merged: Vec<u32>,
}

impl Anchors {
    /// One pool a quota if the recipe has rules for them, else all anchors as one.
    pub(super) fn new(
        samples: &[PlanSample],
        quotas: &[Quota],
        has_rules: bool,
        epoch: u64,
        keys: &mut Keys,
    ) -> Self {
        let mut pool = |collection, places| {
            let positions = positions(samples, Role::Anchor, collection);
            Pool::new(samples, positions, places, epoch, keys)
        };
        let pools: Vec<Pool> = if has_rules {
            let quotas = quotas.iter();
            quotas
                .map(|quota| pool(Some(quota.collection), quota.places))
                .collect()
        } else {
            vec![pool(None, quotas.iter().map(|quota| quota.places).sum())]
        };
        let merged = if pools.len() > 1 {
            merge(&pools)
        } else {
            Vec::new()
        };
        Self { pools, merged }
    }

    /// Places that the ratio gives to anchors.
    pub(super) fn places(&self) -> u64 {
        self.pools.iter().map(|pool| pool.places).sum()
    }

    /// Anchors to choose from.
    pub(super) fn pool(&self) -> u64 {
        let sizes = self.pools.iter().map(|pool| pool.permutation.len() as u64);
        sizes.sum()
    }

    /// Whether all anchors are one pool, of which any may be repeated.
    pub(super) fn is_one_pool(&self) -> bool {
        self.pools.len() < 2
    }

    /// The epoch's anchors, and then more of them, round and round; nothing if there are none. The first
    /// [`Anchors::places`] are the epoch's.
    pub(super) fn walk(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self.pools.as_slice() {
            [] => Box::new(std::iter::empty()),
            [pool] => Box::new(pool.walk()),
            _ => Box::new(self.merged.iter().copied().cycle()),
        }
    }
}

/// The uses of all pools in one order in which each is spread evenly: the next comes from the pool that is furthest
/// behind its part, the first of equals.
fn merge(pools: &[Pool]) -> Vec<u32> {
    let total: u64 = pools.iter().map(|pool| pool.places).sum();
    let mut walks: Vec<_> = pools.iter().map(|pool| (pool.walk(), 0_u64)).collect();
    let mut merged = Vec::with_capacity(total as usize);
    for place in 1..=total {
        let behind = |at: usize| {
            let due = i128::from(place) * i128::from(pools[at].places);
            due - i128::from(walks[at].1) * i128::from(total)
        };
        let next = (0..pools.len())
            .filter(|&at| walks[at].1 < pools[at].places)
            .max_by_key(|&at| (behind(at), std::cmp::Reverse(at)));
        if let Some((walk, taken)) = next.map(|at| &mut walks[at]) {
            *taken += 1;
            merged.extend(walk.next());
        }
    }
    merged
}
