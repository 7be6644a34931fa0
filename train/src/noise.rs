//! Gaussian noise and uniform draws that depend on what they are for, never on what was drawn before.
//!
//! A generator with state would have to be saved, restored and shared between threads in a fixed order. Here each
//! sample of each step has a key of its own, and Philox (Salmon et al. 2011, "Parallel random numbers: as easy as
//! 1, 2, 3") turns a key and a counter into numbers. Any thread can make any sample's noise at any time, on any
//! machine, and a resumed run draws what the run that never stopped would have drawn.

use terminus_manifest::ids;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Where numbers come from: the purpose of a draw and everything that it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseKey(u64);

impl NoiseKey {
    /// The key of the draw `purpose` (as in `noise`, `timestep`) for these fields.
    pub fn new(purpose: &str, fields: &[&str]) -> Self {
        let mut all = Vec::with_capacity(fields.len() + 1);
        all.push(purpose);
        all.extend_from_slice(fields);
        Self(ids::hash_u64("train-draw", &all))
    }

    /// A uniform number below `bound`.
    pub fn below(self, bound: u64) -> u64 {
        ids::below(self.bits(), bound)
    }

    /// A uniform number in `[0, 1)`, with 53 random bits.
    pub fn unit(self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fills `values` with independent draws from the standard normal distribution.
    pub fn fill_normal(self, values: &mut [f32]) {
        for (block, quad) in values.chunks_mut(4).enumerate() {
            let [a, b, c, d] = philox(block as u64, self.0);
            let normals = [box_muller(a, b), box_muller(c, d)];
            for (value, normal) in quad.iter_mut().zip(normals.as_flattened()) {
                *value = *normal;
            }
        }
    }

    /// `count` independent draws from the standard normal distribution.
    pub fn normal(self, count: usize) -> Vec<f32> {
        let mut values = vec![0.0; count];
        self.fill_normal(&mut values);
        values
    }

    fn bits(self) -> u64 {
        let [a, b, ..] = philox(0, self.0);
        u64::from(a) << 32 | u64::from(b)
    }
}

/// Philox4x32-10 of a 64-bit counter under a 64-bit key.
fn philox(counter: u64, key: u64) -> [u32; 4] {
    let mut x = [counter as u32, (counter >> 32) as u32, 0, 0];
    let mut k = [key as u32, (key >> 32) as u32];
    for _ in 0..ROUNDS {
        let product = [0, 2].map(|i| u64::from(MULTIPLIERS[i / 2]) * u64::from(x[i]));
        let high = product.map(|p| (p >> 32) as u32);
        let low = product.map(|p| p as u32);
        x = [high[1] ^ x[1] ^ k[0], low[1], high[0] ^ x[3] ^ k[1], low[0]];
        k = [
            k[0].wrapping_add(KEY_STEPS[0]),
            k[1].wrapping_add(KEY_STEPS[1]),
        ];
    }
    x
}

/// Two independent standard normal numbers from two uniform ones.
fn box_muller(a: u32, b: u32) -> [f32; 2] {
    // Half a step above the grid: the logarithm never sees 0, and the largest value is about 6.7.
    let unit = (f64::from(a) + 0.5) / 4_294_967_296.0;
    let radius = (-2.0 * unit.ln()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * f64::from(b) / 4_294_967_296.0).sin_cos();
    [(radius * cosine) as f32, (radius * sine) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_vectors() {
        // Known-answer tests of Random123 (kat_vectors, philox4x32 with 10 rounds).
        assert_eq!(
            philox(0, 0),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
    }

    #[test]
    fn normal_draws_have_mean_0_variance_1_and_normal_tails() {
        let values = NoiseKey::new("noise", &["42"]).normal(1 << 20);
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n - mean * mean;
        let fourth = values.iter().map(|&v| f64::from(v).powi(4)).sum::<f64>() / n;
        assert!(mean.abs() < 4.0 / n.sqrt(), "mean {mean}");
        assert!(
            (variance - 1.0).abs() < 6.0 / n.sqrt(),
            "variance {variance}"
        );
        assert!(
            (fourth - 3.0).abs() < 40.0 / n.sqrt(),
            "fourth moment {fourth}"
        );
    }

    #[test]
    fn a_draw_depends_on_every_field_and_on_nothing_else() {
        let key = |fields: &[&str]| NoiseKey::new("noise", fields).normal(7);
        assert_eq!(key(&["1", "2"]), key(&["1", "2"]));
        assert_ne!(key(&["1", "2"]), key(&["1", "3"]));
        assert_ne!(
            NoiseKey::new("noise", &["1"]).unit().to_bits(),
            NoiseKey::new("timestep", &["1"]).unit().to_bits()
        );
        assert_eq!(key(&["1"])[..5], NoiseKey::new("noise", &["1"]).normal(5));
    }
}
