//! What the network is asked for, and how much each answer counts.
//!
//! `B` batch, `T` timesteps of the schedule; latents and noise are `[B, C, H, W]`.

use tch::{Device, Kind, Tensor};

use crate::{Error, config::PredictionType, schedule::NoiseSchedule};

/// Which objective to train, before the schedule is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectiveOptions {
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Cap on the signal-to-noise ratio in the loss weights; without it every weight is 1.
    pub snr_gamma: Option<f64>,
    /// Least loss weight of a timestep. The published recipe has 0: then the last timestep learns nothing.
    pub snr_weight_floor: f64,
}

impl ObjectiveOptions {
    /// Says whether a schedule, with zero terminal SNR or without, can be trained with this objective.
    ///
    /// # Errors
    /// [`Error::EpsilonAtZeroSnr`].
    pub fn check(&self, zero_terminal_snr: bool) -> Result<(), Error> {
        if zero_terminal_snr && self.prediction_type == PredictionType::Epsilon {
            return Err(Error::EpsilonAtZeroSnr);
        }
        Ok(())
    }
}

/// The forward process, the target and the loss weights of one schedule, as tables on the device.
#[derive(Debug)]
pub struct Objective {
    prediction_type: PredictionType,
    signal_rates: Tensor, // [T] f32
    noise_rates: Tensor,  // [T] f32
    weights: Tensor,      // [T] f32
}

/// The losses of a batch, one number a sample.
#[derive(Debug)]
pub struct SampleLosses {
    /// Mean squared error over channels and pixels: `[B]` f32.
    pub mse: Tensor,
    /// The same times the weight of the sample's timestep: `[B]` f32, what is trained on.
    pub weighted: Tensor,
}

impl Objective {
    /// Tables for `schedule` on `device`.
    ///
    /// # Errors
    /// ε-prediction under a schedule with zero terminal SNR: its weight is 0/0 at the last timestep, and the
    /// prediction says nothing of the picture there.
    pub fn new(
        schedule: &NoiseSchedule,
        options: ObjectiveOptions,
        device: Device,
    ) -> Result<Self, Error> {
        options.check(schedule.has_zero_terminal_snr())?;
        let weights: Vec<f32> = (0..schedule.timesteps())
            .map(|t| loss_weight(schedule.snr(t), &options) as f32)
            .collect();
        let table = |values: &[f32]| Tensor::f_from_slice(values)?.f_to_device(device);
        Ok(Self {
            prediction_type: options.prediction_type,
            signal_rates: table(&schedule.signal_rates_f32())?,
            noise_rates: table(&schedule.noise_rates_f32())?,
            weights: table(&weights)?,
        })
    }

    /// `√abar · latents + √(1 − abar) · noise`: `[B, C, H, W]` f32.
    ///
    /// `timesteps` is `[B]` int64.
    pub fn add_noise(&self, latents: &Tensor, noise: &Tensor, timesteps: &Tensor) -> Tensor {
        let (signal, noise_rate) = self.rates(timesteps);
        signal * latents + noise_rate * noise
    }

    /// What the network should answer: `[B, C, H, W]` f32.
    ///
    /// For v-prediction `√abar · noise − √(1 − abar) · latents` (Salimans & Ho 2022, arXiv:2202.00512).
    pub fn target(&self, latents: &Tensor, noise: &Tensor, timesteps: &Tensor) -> Tensor {
        match self.prediction_type {
            PredictionType::Epsilon => noise.shallow_clone(),
            PredictionType::VPrediction => {
                let (signal, noise_rate) = self.rates(timesteps);
                signal * noise - noise_rate * latents
            }
        }
    }

    /// Loss weights so that easy timesteps do not dominate: `[B]` f32, ≥ 0.
    pub fn weights(&self, timesteps: &Tensor) -> Tensor {
        self.weights.index_select(0, timesteps)
    }

    /// The error of `prediction` against `target`, in f32 whatever the prediction's kind.
    pub fn losses(&self, prediction: &Tensor, target: &Tensor, timesteps: &Tensor) -> SampleLosses {
        let difference = prediction.to_kind(Kind::Float) - target.to_kind(Kind::Float);
        let mse = difference
            .square()
            .mean_dim([1i64, 2, 3].as_slice(), false, Kind::Float); // [B]
        let weighted = &mse * self.weights(timesteps); // [B]
        SampleLosses { mse, weighted }
    }

    fn rates(&self, timesteps: &Tensor) -> (Tensor, Tensor) {
        let at = |table: &Tensor| table.index_select(0, timesteps).view([-1, 1, 1, 1]); // [B, 1, 1, 1]
        (at(&self.signal_rates), at(&self.noise_rates))
    }
}

/// The Min-SNR weight (Hang et al. 2023, arXiv:2303.09556), raised to the floor.
///
/// In v-space the network's error counts `SNR + 1` times as much in the picture as in v, so that the same weight of
/// the picture's error is `min(SNR, γ) / (SNR + 1)`; in ε-space it is `min(SNR, γ) / SNR`.
fn loss_weight(snr: f64, options: &ObjectiveOptions) -> f64 {
    let weight = options.snr_gamma.map_or(1.0, |gamma| {
        let capped = snr.min(gamma);
        match options.prediction_type {
            PredictionType::VPrediction => capped / (snr + 1.0),
            PredictionType::Epsilon => capped / snr,
        }
    });
    weight.max(options.snr_weight_floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{noise::NoiseKey, schedule::Betas};

    fn options() -> ObjectiveOptions {
        ObjectiveOptions {
            prediction_type: PredictionType::VPrediction,
            snr_gamma: Some(5.0),
            snr_weight_floor: 0.0,
        }
    }

    fn objective(options: ObjectiveOptions) -> Objective {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        Objective::new(&schedule, options, Device::Cpu).unwrap()
    }

    fn latents(purpose: &str, batch: i64) -> Tensor {
        let values = NoiseKey::new(purpose, &[]).normal(batch as usize * 4 * 8 * 8);
        Tensor::from_slice(&values).view([batch, 4, 8, 8])
    }

    #[test]
    fn v_weights_equal_the_published_table() {
        let timesteps = Tensor::from_slice(&[0i64, 100, 250, 500, 999]);
        let weights = Vec::<f32>::try_from(objective(options()).weights(&timesteps)).unwrap();
        for (found, expected) in weights
            .iter()
            .zip([0.004_250, 0.566_194, 0.652_457, 0.241_019, 0.0])
        {
            assert!(
                (found - expected).abs() < 5e-7,
                "{found} against {expected}"
            );
        }
    }

    #[test]
    fn the_floor_lifts_the_last_timestep_and_leaves_the_others() {
        let objective = objective(ObjectiveOptions {
            snr_weight_floor: 0.05,
            ..options()
        });
        let weights = objective.weights(&Tensor::from_slice(&[250i64, 999]));
        assert!((weights.double_value(&[0]) - 0.652_457).abs() < 1e-6);
        assert!((weights.double_value(&[1]) - 0.05).abs() < 1e-8);
    }

    #[test]
    fn epsilon_weights_are_1_below_gamma() {
        let options = ObjectiveOptions {
            prediction_type: PredictionType::Epsilon,
            ..options()
        };
        assert!((loss_weight(0.3, &options) - 1.0).abs() < 1e-12);
        assert!((loss_weight(50.0, &options) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn epsilon_prediction_is_refused_under_zero_terminal_snr() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        let options = ObjectiveOptions {
            prediction_type: PredictionType::Epsilon,
            ..options()
        };
        assert!(matches!(
            Objective::new(&schedule, options, Device::Cpu),
            Err(Error::EpsilonAtZeroSnr)
        ));
    }

    #[test]
    fn the_picture_and_the_noise_come_back_from_a_noisy_latent_and_its_target() {
        let objective = objective(options());
        let timesteps = Tensor::from_slice(&[0i64, 400, 999]);
        let (x, e) = (latents("x", 3), latents("e", 3));
        let noisy = objective.add_noise(&x, &e, &timesteps);
        let v = objective.target(&x, &e, &timesteps);
        let (signal, noise) = objective.rates(&timesteps);
        let picture = &signal * &noisy - &noise * &v;
        let noise = noise * &noisy + signal * &v;
        assert!((picture - &x).abs().max().double_value(&[]) < 1e-6);
        assert!((noise - &e).abs().max().double_value(&[]) < 1e-6);
    }

    #[test]
    fn at_the_last_timestep_the_latent_is_all_noise_and_the_target_the_negative_picture() {
        let objective = objective(options());
        let timesteps = Tensor::from_slice(&[999i64]);
        let (x, e) = (latents("x", 1), latents("e", 1));
        assert_eq!(objective.add_noise(&x, &e, &timesteps), e);
        assert_eq!(objective.target(&x, &e, &timesteps), -&x);
    }

    #[test]
    fn the_loss_is_the_weighted_mean_over_channels_and_pixels_of_each_sample() {
        let objective = objective(options());
        let timesteps = Tensor::from_slice(&[250i64, 999]);
        let zeros = Tensor::zeros([2, 4, 8, 8], (Kind::BFloat16, Device::Cpu));
        let losses = objective.losses(&zeros, &(zeros.to_kind(Kind::Float) + 2.0), &timesteps);
        assert_eq!(losses.mse, Tensor::from_slice(&[4f32, 4.0]));
        assert!((losses.weighted.double_value(&[0]) - 4.0 * 0.652_457).abs() < 1e-5);
        assert_eq!(losses.weighted.double_value(&[1]).to_bits(), 0);
    }
}
