//! The noise schedule: how much of a picture is left at each timestep.
//!
//! Everything else (noising, targets, signal-to-noise ratios, samplers) reads this one table, so that a rescaled
//! schedule is rescaled everywhere.

/// Timesteps of the training process of every SDXL model.
pub const TRAIN_TIMESTEPS: usize = 1000;

/// What a model's `scheduler_config.json` says of its betas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Betas {
    /// Beta of the first timestep.
    pub start: f64,
    /// Beta of the last timestep.
    pub end: f64,
    /// How many timesteps there are.
    pub timesteps: usize,
}

impl Default for Betas {
    /// SDXL's.
    fn default() -> Self {
        Self {
            start: 0.000_85,
            end: 0.012,
            timesteps: TRAIN_TIMESTEPS,
        }
    }
}

/// The cumulative products of `1 − beta` over the timesteps, worked out in f64.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    alphas_cumprod: Vec<f64>,
    has_zero_terminal_snr: bool,
}

impl NoiseSchedule {
    /// The `scaled_linear` schedule: betas whose square roots are evenly spaced.
    ///
    /// With `zero_terminal_snr` it is shifted and scaled so that nothing of the picture is left at the last
    /// timestep and the first stays as it was (Lin et al. 2023, arXiv:2305.08891, algorithm 1).
    pub fn scaled_linear(betas: Betas, zero_terminal_snr: bool) -> Self {
        let (first, last) = (betas.start.sqrt(), betas.end.sqrt());
        let intervals = betas.timesteps.saturating_sub(1).max(1) as f64;
        let mut product = 1.0;
        let mut alphas_cumprod: Vec<f64> = (0..betas.timesteps)
            .map(|i| {
                let root = first + (last - first) * i as f64 / intervals;
                product *= 1.0 - root * root;
                product
            })
            .collect();
        if zero_terminal_snr {
            rescale_to_zero_terminal_snr(&mut alphas_cumprod);
        }
        Self {
            alphas_cumprod,
            has_zero_terminal_snr: zero_terminal_snr,
        }
    }

    /// How many timesteps there are.
    pub fn timesteps(&self) -> usize {
        self.alphas_cumprod.len()
    }

    /// Whether nothing of the picture is left at the last timestep.
    pub fn has_zero_terminal_snr(&self) -> bool {
        self.has_zero_terminal_snr
    }

    /// The share of the picture's variance that is left at timestep `t`; 1 before the first timestep.
    pub fn alpha_cumprod(&self, t: Option<usize>) -> f64 {
        t.map_or(1.0, |t| self.alphas_cumprod[t])
    }

    /// The signal-to-noise ratio `abar / (1 − abar)` at timestep `t`.
    pub fn snr(&self, t: usize) -> f64 {
        let alpha = self.alphas_cumprod[t];
        alpha / (1.0 - alpha)
    }

    /// `abar` of every timestep, as it is stored: rounded once, from f64.
    pub fn alphas_cumprod_f32(&self) -> Vec<f32> {
        self.alphas_cumprod.iter().map(|&a| a as f32).collect()
    }

    /// `√abar` of every timestep: the weight of the picture in a noisy latent.
    pub fn signal_rates_f32(&self) -> Vec<f32> {
        self.alphas_cumprod
            .iter()
            .map(|a| a.sqrt() as f32)
            .collect()
    }

    /// `√(1 − abar)` of every timestep: the weight of the noise in a noisy latent.
    pub fn noise_rates_f32(&self) -> Vec<f32> {
        self.alphas_cumprod
            .iter()
            .map(|a| (1.0 - a).sqrt() as f32)
            .collect()
    }
}

fn rescale_to_zero_terminal_snr(alphas_cumprod: &mut [f64]) {
    let (Some(first), Some(last)) = (alphas_cumprod.first(), alphas_cumprod.last()) else {
        return;
    };
    let (first, last) = (first.sqrt(), last.sqrt());
    let count = alphas_cumprod.len();
    for (t, alpha) in alphas_cumprod.iter_mut().enumerate() {
        // The ends are set, not computed: the first must not move and the last must be 0 to the last bit.
        if t == 0 {
            continue;
        }
        let root = (alpha.sqrt() - last) * first / (first - last);
        *alpha = if t + 1 == count { 0.0 } else { root * root };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zero_terminal() -> NoiseSchedule {
        NoiseSchedule::scaled_linear(Betas::default(), true)
    }

    #[test]
    fn the_rescaled_schedule_equals_the_published_table() {
        let schedule = zero_terminal();
        for (t, alpha, snr) in [
            (0, 0.999_150_00, 1175.47),
            (100, 0.886_761_28, 7.8309),
            (250, 0.652_457_02, 1.877_34),
            (500, 0.241_018_78, 0.317_556),
        ] {
            let found = schedule.alpha_cumprod(Some(t));
            assert!((found - alpha).abs() < 6e-9, "abar at {t}: {found}");
            let found = schedule.snr(t);
            assert!(
                (found / snr - 1.0).abs() < 1e-5,
                "signal-to-noise at {t}: {found}"
            );
        }
    }

    #[test]
    fn nothing_of_the_picture_is_left_at_the_last_timestep() {
        let schedule = zero_terminal();
        assert_eq!(schedule.alpha_cumprod(Some(999)).to_bits(), 0);
        assert_eq!(schedule.signal_rates_f32()[999].to_bits(), 0);
        assert_eq!(schedule.noise_rates_f32()[999].to_bits(), 1f32.to_bits());
    }

    #[test]
    fn the_rescaling_keeps_the_first_timestep_and_the_order() {
        let plain = NoiseSchedule::scaled_linear(Betas::default(), false);
        let rescaled = zero_terminal();
        assert_eq!(
            plain.alpha_cumprod(Some(0)).to_bits(),
            rescaled.alpha_cumprod(Some(0)).to_bits()
        );
        assert!(
            rescaled
                .alphas_cumprod
                .windows(2)
                .all(|pair| pair[0] > pair[1])
        );
        assert!(plain.alpha_cumprod(Some(999)) > 0.004);
    }
}
