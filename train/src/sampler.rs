//! From noise and a caption to latents.
//!
//! `B` batch, `C H W` channels and sides of the latents.

mod guidance;
mod solver;
mod timesteps;

use tch::Tensor;
use terminus_manifest::run::Cancel;

use crate::{
    Error,
    config::{PredictionType, Solver},
    schedule::NoiseSchedule,
};

pub use guidance::Guidance;
pub use timesteps::trailing_timesteps;

/// How to walk from noise to a picture.
#[derive(Clone, Copy, Debug)]
pub struct SamplerOptions {
    /// Which solver.
    pub solver: Solver,
    /// How many steps.
    pub steps: usize,
    /// What the network predicts.
    pub prediction_type: PredictionType,
}

/// Finished latents, `[B, C, H, W]` f32, from `noise` of the same shape.
///
/// `predict` gives the (guided) answer of the network to the latents at a timestep, f32.
///
/// # Errors
/// What `predict` fails with; [`Error::Cancelled`] between two steps.
pub fn sample(
    schedule: &NoiseSchedule,
    options: &SamplerOptions,
    noise: Tensor,
    cancel: &Cancel,
    mut predict: impl FnMut(&Tensor, usize) -> Result<Tensor, Error>,
) -> Result<Tensor, Error> {
    let timesteps = trailing_timesteps(options.steps, schedule.timesteps());
    let mut latents = noise;
    for (i, &timestep) in timesteps.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let answer = predict(&latents, timestep)?;
        let next = timesteps.get(i + 1).copied();
        latents = solver::step(
            options.solver,
            schedule,
            options.prediction_type,
            &latents,
            &answer,
            (timestep, next),
        );
    }
    Ok(latents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{noise::NoiseKey, schedule::Betas};
    use tch::Kind;

    fn noise() -> Tensor {
        Tensor::from_slice(&NoiseKey::new("sampler test", &[]).normal(2 * 4 * 8 * 8))
            .view([2, 4, 8, 8])
    }

    fn run(solver: Solver, steps: usize, picture: &Tensor) -> Tensor {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        let options = SamplerOptions {
            solver,
            steps,
            prediction_type: PredictionType::VPrediction,
        };
        sample(
            &schedule,
            &options,
            noise(),
            &Cancel::new(),
            |latents, t| {
                // The answer of a network that knows the picture: v from the noise that the latents imply.
                let alpha = schedule.alpha_cumprod(Some(t));
                let noise = (latents - picture * alpha.sqrt()) / (1.0 - alpha).sqrt();
                Ok(noise * alpha.sqrt() - picture * (1.0 - alpha).sqrt())
            },
        )
        .unwrap()
    }

    #[test]
    fn a_network_that_knows_the_picture_is_followed_to_it() {
        let picture = noise().flip([0i64]) * 0.8;
        for solver in [Solver::Ddim, Solver::Euler] {
            for steps in [1, 2, 30, 48] {
                let error = (run(solver, steps, &picture) - &picture).abs().max();
                assert!(
                    error.double_value(&[]) < 2e-5,
                    "{solver:?} {steps}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn the_first_step_from_zero_snr_is_finite() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        for solver in [Solver::Ddim, Solver::Euler] {
            let answer = noise() * 3.0;
            let latents = solver::step(
                solver,
                &schedule,
                PredictionType::VPrediction,
                &noise(),
                &answer,
                (999, Some(966)),
            );
            assert!(latents.isfinite().all().int64_value(&[]) == 1);
            assert_eq!(latents.kind(), Kind::Float);
        }
    }

    #[test]
    fn a_cancelled_sampler_stops_between_steps() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        let options = SamplerOptions {
            solver: Solver::Ddim,
            steps: 10,
            prediction_type: PredictionType::VPrediction,
        };
        let cancel = Cancel::new();
        let mut asked = 0;
        let result = sample(&schedule, &options, noise(), &cancel, |latents, _| {
            asked += 1;
            cancel.cancel();
            Ok(latents.shallow_clone())
        });
        assert!(matches!(result, Err(Error::Cancelled)));
        assert_eq!(asked, 1);
    }
}
