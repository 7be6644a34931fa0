//! The hashes that order an epoch, without an allocation per sample.

use crate::{
    ids::{SampleId, hash},
    plan::PlanSample,
};

/// H(…): what a permutation sorts by.
pub(super) type Key = [u8; 16];

/// Makes keys for one seed and epoch.
pub(super) struct Keys {
    seed: String,
    epoch: String,
    /// The id at hand, in hex: kept for its allocation.
    id: String,
}

impl Keys {
    pub(super) fn new(seed: u64, epoch: u64) -> Self {
        Self {
            seed: seed.to_string(),
            epoch: epoch.to_string(),
            id: String::new(),
        }
    }

    /// H("order", seed, epoch, `sample_id`): another in each epoch.
    pub(super) fn order(&mut self, sample: SampleId) -> Key {
        self.spell(sample);
        hash("order", &[&self.seed, &self.epoch, &self.id])
    }

    /// [`Keys::order`] of the first use of a sample; H("order", seed, epoch, `sample_id`, copy) of a further one.
    pub(super) fn order_of_use(&mut self, sample: SampleId, copy: u32) -> Key {
        if copy == 0 {
            return self.order(sample);
        }
        self.spell(sample);
        let copy = copy.to_string();
        hash("order", &[&self.seed, &self.epoch, &self.id, &copy])
    }

    /// H("anchor", seed, `sample_id`): the same in every epoch.
    pub(super) fn anchor(&mut self, sample: SampleId) -> Key {
        self.spell(sample);
        hash("anchor", &[&self.seed, &self.id])
    }

    /// H("chunk", seed, epoch, width, height, chunk).
    pub(super) fn chunk(&self, (width, height): (u32, u32), chunk: u64) -> Key {
        let numbers = [u64::from(width), u64::from(height), chunk].map(|n| n.to_string());
        let [width, height, chunk] = &numbers;
        hash("chunk", &[&self.seed, &self.epoch, width, height, chunk])
    }

    fn spell(&mut self, sample: SampleId) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.id.clear();
        for byte in sample.0 {
            self.id.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.id.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// The positions of uses by [`Keys::order_of_use`], ties by id.
pub(super) fn order_uses(samples: &[PlanSample], uses: &[(u32, u32)], keys: &mut Keys) -> Vec<u32> {
    let id = |position: u32| samples[position as usize].sample_id;
    let mut keyed: Vec<(Key, u32)> = uses
        .iter()
        .map(|&(position, copy)| (keys.order_of_use(id(position), copy), position))
        .collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| id(a.1).cmp(&id(b.1))));
    keyed.into_iter().map(|(_, position)| position).collect()
}

/// Sorts positions by `key` of their sample's id, ties by id.
pub(super) fn permute(
    samples: &[PlanSample],
    positions: &mut [u32],
    mut key: impl FnMut(SampleId) -> Key,
) {
    let id = |position: u32| samples[position as usize].sample_id;
    let mut keyed: Vec<(Key, u32)> = positions
        .iter()
        .map(|&position| (key(id(position)), position))
        .collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| id(a.1).cmp(&id(b.1))));
    for (slot, (_, position)) in positions.iter_mut().zip(keyed) {
        *slot = position;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_hashes_of_the_contract() {
        let sample = SampleId([0xab; 16]);
        let text = sample.to_string();
        let mut keys = Keys::new(42, 3);
        assert_eq!(keys.order(sample), hash("order", &["42", "3", &text]));
        assert_eq!(keys.anchor(sample), hash("anchor", &["42", &text]));
        assert_eq!(
            keys.chunk((832, 1216), 7),
            hash("chunk", &["42", "3", "832", "1216", "7"])
        );
    }
}
