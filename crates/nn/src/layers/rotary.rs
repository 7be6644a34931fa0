//! Positions as rotations of queries and keys (Su et al. 2021, arXiv:2104.09864), halves paired as in GPT-NeoX.
// B batch, S tokens, N heads, D size of a head

use tch::{Device, Kind, Tensor};

/// How fast each pair of a head turns: one angle a position, `[D/2]`, in the kind in which angles are computed.
#[derive(Debug)]
pub struct Rotary {
    inv_freq: Tensor,
}

/// How Llama 3.1 slows the pairs that turn slowly, for longer contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongContext {
    /// By how much the slowest pairs are slowed.
    pub factor: f64,
    /// Wavelengths above the old context over this are slowed in full.
    pub low_freq_factor: f64,
    /// Wavelengths below the old context over this are not slowed.
    pub high_freq_factor: f64,
    /// The context before it was lengthened, in tokens.
    pub original_context: f64,
}

impl Rotary {
    /// `theta^(-2i/D)` for the pairs `i` of a head of size `head`, computed in f32 and rounded to `kind`.
    pub fn new(head: i64, theta: f64, scaling: Option<LongContext>, kind: Kind) -> Self {
        let step = Tensor::arange_start_step(0, head, 2, (Kind::Float, Device::Cpu)) / head as f64;
        let mut inv_freq: Tensor = Tensor::from(1.0_f32) / Tensor::from(theta as f32).pow(&step);
        if let Some(scaling) = scaling {
            inv_freq = scaling.apply(&inv_freq);
        }
        Self::from_frequencies(&inv_freq, kind)
    }

    /// From the frequencies that a checkpoint holds, `[D/2]`, rounded to `kind`.
    pub fn from_frequencies(inv_freq: &Tensor, kind: Kind) -> Self {
        Self {
            inv_freq: inv_freq.to_kind(kind),
        }
    }

    /// The same on another device.
    #[must_use]
    pub fn on(self, device: Device) -> Self {
        Self {
            inv_freq: self.inv_freq.to_device(device),
        }
    }

    /// Rotations for positions `[B, S]` i64, to be applied to queries and keys in `kind`.
    pub fn at(&self, positions: &Tensor, kind: Kind) -> Rotation {
        let angles = positions.to_kind(self.inv_freq.kind()).unsqueeze(-1) * &self.inv_freq; // [B, S, D/2]
        let (cos, sin) = (angles.cos().to_kind(kind), angles.sin().to_kind(kind));
        Rotation {
            cos: Tensor::cat(&[&cos, &cos], -1).unsqueeze(2),
            sin: Tensor::cat(&[&-&sin, &sin], -1).unsqueeze(2),
            half: cos.size()[2],
        }
    }
}

impl LongContext {
    fn apply(self, inv_freq: &Tensor) -> Tensor {
        let wavelength = std::f64::consts::TAU * inv_freq.reciprocal();
        let slowed = inv_freq / self.factor;
        let smooth = (self.original_context * wavelength.reciprocal() - self.low_freq_factor)
            / (self.high_freq_factor - self.low_freq_factor);
        let between = (-&smooth + 1.0) * &slowed + &smooth * inv_freq;
        let is_long = wavelength.gt(self.original_context / self.low_freq_factor);
        let is_short = wavelength.lt(self.original_context / self.high_freq_factor);
        let rest = inv_freq.where_self(&is_short, &between);
        slowed.where_self(&is_long, &rest)
    }
}

/// Cosines and sines for the tokens of one call, `[B, S, 1, D]`; the sines of the first half with the sign that they enter with.
#[derive(Debug)]
pub struct Rotation {
    cos: Tensor,
    sin: Tensor,
    half: i64,
}

impl Rotation {
    /// Queries or keys, or both side by side, `[B, S, N, D]`, turned.
    pub fn apply(&self, xs: &Tensor) -> Tensor {
        xs * &self.cos + xs.roll([self.half], [-1]) * &self.sin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_of_a_query_and_a_key_depends_on_their_distance_alone() {
        let rotary = Rotary::new(12, 1e4, None, Kind::Float);
        let xs = (Tensor::arange(12, (Kind::Float, Device::Cpu)) * 0.7).sin();
        let xs = xs.reshape([1, 1, 1, 12]);
        let product = |query: i64, key: i64| {
            let turn = |position: i64| {
                let positions = Tensor::from_slice(&[position]).reshape([1, 1]);
                rotary.at(&positions, Kind::Float).apply(&xs)
            };
            (turn(query) * turn(key)).sum(Kind::Float).double_value(&[])
        };
        assert!((product(9, 4) - product(105, 100)).abs() < 1e-4);
        assert!((product(9, 4) - product(9, 5)).abs() > 1e-2);
    }

    #[test]
    fn angles_in_bf16_are_off_by_as_much_as_the_training_was() {
        let positions = Tensor::arange_start(0, 161, (Kind::Int64, Device::Cpu)).reshape([1, 161]);
        let [exact, rounded] = [Kind::Float, Kind::BFloat16].map(|kind| {
            let rotary = Rotary::new(128, 1e4, None, kind);
            rotary.at(&positions, Kind::Float).sin
        });
        let off = |upto: i64| {
            let difference = exact.narrow(1, 0, upto) - rounded.narrow(1, 0, upto);
            difference.abs().max().double_value(&[])
        };
        assert!(off(21) < 0.07 && off(21) > 0.02, "{}", off(21));
        assert!(off(161) > 0.3, "{}", off(161));
    }
}
