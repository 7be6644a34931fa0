//! How much of a latent is picture and how much is noise.

use crate::schedule::NoiseSchedule;

/// `abar` that stands for 0 where a solver divides by it: diffusers' value, an SNR of −72 dB.
const NUDGED_ALPHA: f64 = 1.0 / (1 << 24) as f64;

/// A point of the walk: latents are `signal · picture + noise · ε`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// √abar.
    pub signal: f64,
    /// √(1 − abar).
    pub noise: f64,
}

impl Level {
    /// The finished picture.
    pub const CLEAN: Self = Self {
        signal: 1.0,
        noise: 0.0,
    };

    /// The level of an `abar`.
    pub fn of(alpha: f64) -> Self {
        Self {
            signal: alpha.sqrt(),
            noise: (1.0 - alpha).sqrt(),
        }
    }

    /// The level at a timestep. `is_nudged` keeps it from pure noise, where log-SNR and σ are infinite.
    pub fn at(schedule: &NoiseSchedule, timestep: usize, is_nudged: bool) -> Self {
        let alpha = schedule.alpha_cumprod(Some(timestep));
        Self::of(if is_nudged {
            alpha.max(NUDGED_ALPHA)
        } else {
            alpha
        })
    }

    /// σ of Karras et al.: noise in units of the picture.
    pub fn sigma(self) -> f64 {
        self.noise / self.signal
    }

    /// Half the log-SNR, λ; infinite for the finished picture.
    pub fn lambda(self) -> f64 {
        (self.signal / self.noise).ln()
    }
}
