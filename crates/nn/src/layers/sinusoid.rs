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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_those_of_the_formula_and_tell_1024_from_1025() {
        let sinusoid = Sinusoid {
            size: 6,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
        };
        let waves = sinusoid.forward(&Tensor::from_slice(&[0_i64, 1024, 1025]));
        assert_eq!((waves.kind(), waves.size()), (Kind::Float, vec![3, 6]));
        for (row, value) in [0.0, 1024.0, 1025.0_f64].into_iter().enumerate() {
            for wave in 0..3 {
                let angle = value * (-MAX_PERIOD.ln() * wave as f64 / 3.0).exp();
                let found = |column: usize| waves.double_value(&[row as i64, column as i64]);
                assert!((found(wave) - angle.cos()).abs() < 1e-5, "{value} {wave}");
                assert!(
                    (found(wave + 3) - angle.sin()).abs() < 1e-5,
                    "{value} {wave}"
                );
            }
        }
        let swapped = Sinusoid {
            flip_sin_to_cos: false,
            ..sinusoid
        };
        let swapped = swapped.forward(&Tensor::from_slice(&[1024.0_f32]));
        assert!(
            swapped
                .narrow(1, 3, 3)
                .equal(&waves.narrow(0, 1, 1).narrow(1, 0, 3))
        );
    }
}
