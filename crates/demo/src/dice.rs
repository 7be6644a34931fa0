//! The crate's only randomness: `SplitMix64` streams named by (seed, index, purpose).

/// A deterministic stream of draws.
///
/// Streams of different purposes are independent, so that changing one attribute of a picture
/// leaves everything that other streams decide in its place.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

/// `SplitMix64`'s increment (Steele, Lea, Flood 2014).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of `purpose` for picture `index` of the collection `seed`.
    pub fn new(seed: u64, index: u64, purpose: &str) -> Self {
        let mut state = mixed(seed.wrapping_add(GOLDEN));
        state = mixed(state ^ index.wrapping_mul(GOLDEN));
        for byte in purpose.bytes() {
            state = mixed(state ^ u64::from(byte).wrapping_add(GOLDEN));
        }
        Self { state }
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mixed(self.state)
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// A number in `low..high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number in `-amount..amount`, more often near zero than near the ends.
    pub fn jitter(&mut self, amount: f32) -> f32 {
        (self.unit() + self.unit() - 1.0) * amount
    }

    /// A whole number below `n` (0 for `n` = 0), without bias that matters here.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of `choices`, each as likely as the others.
    pub fn pick<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        choices[self.below(N)]
    }

    /// One of `choices` in proportion to its weight.
    pub fn weighted<T: Copy, const N: usize>(&mut self, choices: [(T, u32); N]) -> T {
        let total: u32 = choices.iter().map(|&(_, weight)| weight).sum();
        let mut left = self.below(total as usize) as u32;
        for (value, weight) in choices {
            if left < weight {
                return value;
            }
            left -= weight;
        }
        choices[0].0
    }

    /// Brings `items` into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_index_and_purpose() {
        let first = |seed, index, purpose| Dice::new(seed, index, purpose).bits();
        let draws = [
            first(1, 2, "a"),
            first(2, 1, "a"),
            first(1, 2, "b"),
            first(1, 3, "a"),
        ];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(first(1, 2, "a"), draws[0]);
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(7, 7, "weights");
        let hits = (0..10_000)
            .filter(|_| dice.weighted([(true, 1), (false, 3)]))
            .count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
