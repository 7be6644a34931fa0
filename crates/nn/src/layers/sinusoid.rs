//! Numbers as waves, so that a network can tell close ones apart.

use tch::{Kind, Tensor};

/// The period of the slowest wave, over 2π.
const MAX_PERIOD: f64 = 10_000.0;

/// Sinusoidal embedding of timesteps and sizes, as `get_timestep_embedding` of diffusers; always f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinusoid {
    /// The size of an embedding, even.
    pub size: i64,
    /// Cosines first.
    pub flip_sin_to_cos: bool,
    /// What is taken from half the size in the exponent's divisor.
    pub freq_shift: f64,
}

impl Sinusoid {
    /// `[B]` of any kind to `[B, size]` f32.
    pub fn forward(&self, values: &Tensor) -> Tensor {
        let half = self.size / 2;
        let exponent = Tensor::arange(half, (Kind::Float, values.device())) * -MAX_PERIOD.ln()
            / (half as f64 - self.freq_shift); // [size/2]
        let angles = values.to_kind(Kind::Float).unsqueeze(-1) * exponent.exp().unsqueeze(0); // [B, size/2]
        let (sin, cos) = (angles.sin(), angles.cos());
        let waves = if self.flip_sin_to_cos {
            [cos, sin]
        } else {
            [sin, cos]
        };
        Tensor::cat(&waves, -1) // [B, size]
    }
}
