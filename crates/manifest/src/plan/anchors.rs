//! Which anchors an epoch takes.

use crate::plan::{
    PlanSample,
    keys::{Keys, permute},
};

/// The anchors of an epoch, as an endless walk round a permutation of the pool.
pub(super) struct Anchors {
    /// The pool by H("anchor", seed, `sample_id`).
    permutation: Vec<u32>,
    /// Position in the permutation at which this epoch starts.
    start: u64,
    /// Places that the ratio gives them; 0 if the pool is empty.
    places: u64,
}

impl Anchors {
    /// `pool` holds positions in `samples`. Epoch `e` starts where the epochs before, each with as many places, ended.
    pub(super) fn new(
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

    /// Places that the ratio gives to anchors.
    pub(super) fn places(&self) -> u64 {
        self.places
    }

    /// Anchors to choose from.
    pub(super) fn pool(&self) -> u64 {
        self.permutation.len() as u64
    }

    /// The pool from the epoch's start on, round and round; nothing if it is empty. The first [`Anchors::places`] are
    /// the epoch's.
    pub(super) fn walk(&self) -> impl Iterator<Item = u32> {
        let (before, after) = self.permutation.split_at(self.start as usize);
        after.iter().chain(before).copied().cycle()
    }
}
