//! Random numbers for fresh parameters, the same for a seed and a name on every device and in any order.

/// How a fresh parameter is filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One value everywhere.
    Constant(f64),
    /// Evenly from `-bound` to `bound`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
    /// Normally around 0.
    Normal {
        /// The standard deviation.
        std: f64,
    },
}

impl Init {
    /// Zero everywhere.
    pub const ZEROS: Self = Self::Constant(0.0);
    /// One everywhere.
    pub const ONES: Self = Self::Constant(1.0);

    /// PyTorch's default for weights and biases of linear and convolution layers: even within ±1/√`fan_in`.
    pub fn fan_in(fan_in: i64) -> Self {
        Self::Uniform {
            bound: 1.0 / (fan_in.max(1) as f64).sqrt(),
        }
    }

    /// `count` numbers of the stream that belongs to `seed` and `name`.
    pub(crate) fn fill(self, seed: u64, name: &str, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(seed, name);
        match self {
            Self::Constant(value) => vec![value as f32; count],
            Self::Uniform { bound } => (0..count)
                .map(|_| ((2.0 * stream.unit() - 1.0) * bound) as f32)
                .collect(),
            Self::Normal { std } => {
                let mut values = Vec::with_capacity(count + 1);
                while values.len() < count {
                    // Box & Muller 1958: two even numbers give two normal ones.
                    let radius = (-2.0 * (1.0 - stream.unit()).ln()).sqrt() * std;
                    let (sin, cos) = (std::f64::consts::TAU * stream.unit()).sin_cos();
                    values.push((radius * cos) as f32);
                    values.push((radius * sin) as f32);
                }
                values.truncate(count);
                values
            }
        }
    }
}

/// `SplitMix64` (Steele, Lea & Flood 2014): a fixed stream that no library's next version changes.
struct Stream(u64);

impl Stream {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a of the name, so that a parameter's numbers do not hang on the order of construction.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut of_seed = Self(seed);
        Self(of_seed.next() ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number in 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_std(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn draws_have_the_mean_and_spread_that_were_asked_for() {
        let uniform = Init::fan_in(16).fill(7, "w", 100_000);
        let (mean, std) = mean_and_std(&uniform);
        assert!(
            mean.abs() < 0.002 && (std - 0.25 / 3_f64.sqrt()).abs() < 0.002,
            "{mean} {std}"
        );
        assert!(uniform.iter().all(|v| v.abs() <= 0.25));
        let (mean, std) = mean_and_std(&Init::Normal { std: 0.02 }.fill(7, "w", 100_001));
        assert!(
            mean.abs() < 3e-4 && (std - 0.02).abs() < 3e-4,
            "{mean} {std}"
        );
    }

    #[test]
    fn a_parameter_draws_the_same_for_its_seed_and_name_alone() {
        let draw = |seed, name| Init::fan_in(4).fill(seed, name, 8);
        assert_eq!(draw(1, "a.weight"), draw(1, "a.weight"));
        assert_ne!(draw(1, "a.weight"), draw(1, "b.weight"));
        assert_ne!(draw(1, "a.weight"), draw(2, "a.weight"));
    }
}
