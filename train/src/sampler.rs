//! From noise and a caption to latents.
//!
//! `B` batch, `C H W` channels and sides of the latents.

mod guidance;
mod level;
mod solver;
mod timesteps;
mod unipc;

use tch::Tensor;
use terminus_manifest::run::Cancel;

use crate::{
    Error,
    config::{PredictionType, Solver},
    schedule::NoiseSchedule,
};

use level::Level;
use solver::{Implied, Memory, Place};

pub use guidance::Guidance;
pub use timesteps::{Spacing, trailing_timesteps};

/// How to walk from noise to a picture.
#[derive(Clone, Copy, Debug)]
pub struct SamplerOptions {
    /// Which solver.
    pub solver: Solver,
    /// How many steps.
    pub steps: usize,
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Which timesteps are visited.
    pub spacing: Spacing,
    /// Whether DDIM's last step ends at the finished picture; otherwise at the first timestep (`set_alpha_to_one`).
    pub ends_clean: bool,
}

impl SamplerOptions {
    /// The walk of a model that was trained down to pure noise.
    pub fn trailing(solver: Solver, steps: usize, prediction_type: PredictionType) -> Self {
        Self {
            solver,
            steps,
            prediction_type,
            spacing: Spacing::Trailing,
            ends_clean: true,
        }
    }
}

/// A walk from noise to a picture: timesteps, how noisy each is, and what the solver remembers on the way.
#[derive(Debug)]
pub struct Walk {
    options: SamplerOptions,
    timesteps: Vec<usize>,
    levels: Vec<Level>,
    memory: Memory,
}

impl Walk {
    /// The walk at its beginning.
    pub fn new(schedule: &NoiseSchedule, options: SamplerOptions) -> Self {
        let timesteps = options.spacing.timesteps(
            options.steps,
            schedule.timesteps(),
            options.solver.is_multistep(),
        );
        // DDIM is finite at pure noise for v-prediction, where the picture is −v; the others divide by √abar.
        let is_nudged = options.solver != Solver::Ddim;
        let mut levels: Vec<Level> = timesteps
            .iter()
            .map(|&t| Level::at(schedule, t, is_nudged))
            .collect();
        levels.push(if options.solver == Solver::Ddim && !options.ends_clean {
            Level::of(schedule.alpha_cumprod(Some(0)))
        } else {
            Level::CLEAN
        });
        Self {
            options,
            timesteps,
            levels,
            memory: Memory::default(),
        }
    }

    /// The timesteps that are visited, falling.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// The step at which a walk from a picture begins that keeps `1 − strength` of it.
    pub fn start_for(&self, strength: f64) -> usize {
        let steps = self.timesteps.len();
        let taken = ((steps as f64 * strength) as usize).min(steps);
        steps - taken
    }

    /// The latents that a walk from `noise` begins with: standard normal numbers, scaled as diffusers scales them.
    pub fn from_noise(&self, noise: &Tensor) -> Tensor {
        let scales = matches!(self.options.solver, Solver::Euler | Solver::EulerAncestral)
            && self.options.spacing == Spacing::Trailing;
        if scales {
            noise * self.levels[0].noise
        } else {
            noise.shallow_clone()
        }
    }

    /// A picture's `latents` as noisy as those that step `index` starts from; clean behind the last step.
    pub fn noised(&self, latents: &Tensor, noise: &Tensor, index: usize) -> Tensor {
        if index >= self.timesteps.len() {
            return latents.shallow_clone();
        }
        let Level {
            signal,
            noise: amount,
        } = self.levels[index];
        latents * signal + noise * amount
    }

    /// The latents behind step `index`, from those before it and the network's answer to them.
    ///
    /// Steps must be taken in their order, from any on. `fresh` gives standard normal noise to solvers that add some.
    ///
    /// # Errors
    /// What `fresh` fails with.
    pub fn step(
        &mut self,
        index: usize,
        latents: &Tensor,
        answer: &Tensor,
        fresh: impl FnOnce() -> Result<Tensor, Error>,
    ) -> Result<Tensor, Error> {
        let place = Place {
            levels: &self.levels,
            index,
        };
        let implied = Implied::of(self.options.prediction_type, latents, answer, place.here());
        solver::step(
            self.options.solver,
            place,
            &mut self.memory,
            latents,
            implied,
            fresh,
        )
    }
}

/// Finished latents, `[B, C, H, W]` f32, from `noise` of the same shape.
///
/// `predict` gives the (guided) answer of the network to the latents at a timestep, f32; `fresh` standard normal noise
/// for a step, which only ancestral solvers ask for.
///
/// # Errors
/// What `predict` fails with; [`Error::Cancelled`] between two steps.
pub fn sample(
    schedule: &NoiseSchedule,
    options: &SamplerOptions,
    noise: &Tensor,
    cancel: &Cancel,
    mut predict: impl FnMut(&Tensor, usize) -> Result<Tensor, Error>,
    mut fresh: impl FnMut(usize) -> Result<Tensor, Error>,
) -> Result<Tensor, Error> {
    let mut walk = Walk::new(schedule, *options);
    let mut latents = walk.from_noise(noise);
    for (i, timestep) in walk.timesteps.clone().into_iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let answer = predict(&latents, timestep)?;
        latents = walk.step(i, &latents, &answer, || fresh(i))?;
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
        let options = SamplerOptions::trailing(solver, steps, PredictionType::VPrediction);
        sample(
            &schedule,
            &options,
            &noise(),
            &Cancel::new(),
            |latents, t| {
                // The answer of a network that knows the picture: v from the noise that the latents imply.
                let alpha = schedule.alpha_cumprod(Some(t));
                let noise = (latents - picture * alpha.sqrt()) / (1.0 - alpha).sqrt();
                Ok(noise * alpha.sqrt() - picture * (1.0 - alpha).sqrt())
            },
            |_| Ok(noise()),
        )
        .unwrap()
    }

    #[test]
    fn a_network_that_knows_the_picture_is_followed_to_it() {
        let picture = noise().flip([0i64]) * 0.8;
        for solver in Solver::ALL {
            // A solver that divides by √abar takes 2⁻¹² of the noise for picture at the first timestep.
            let tolerance = if solver == Solver::Ddim { 2e-5 } else { 2e-3 };
            for steps in [1, 2, 3, 30, 48] {
                let error = (run(solver, steps, &picture) - &picture).abs().max();
                let error = error.double_value(&[]);
                assert!(error < tolerance, "{solver:?} {steps}: {error:e}");
            }
        }
    }

    #[test]
    fn the_first_step_from_zero_snr_is_finite() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        for solver in Solver::ALL {
            let options = SamplerOptions::trailing(solver, 30, PredictionType::VPrediction);
            let mut walk = Walk::new(&schedule, options);
            assert_eq!(walk.timesteps()[0], 999);
            let latents = walk
                .step(0, &noise(), &(noise() * 3.0), || Ok(noise()))
                .unwrap();
            assert!(latents.isfinite().all().int64_value(&[]) == 1, "{solver:?}");
            assert_eq!(latents.kind(), Kind::Float);
        }
    }

    #[test]
    fn strength_is_the_share_of_steps_that_are_taken() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        let options = SamplerOptions::trailing(Solver::Ddim, 30, PredictionType::VPrediction);
        let walk = Walk::new(&schedule, options);
        let starts = [0.0, 0.3, 0.5, 1.0].map(|strength| walk.start_for(strength));
        assert_eq!(starts, [30, 21, 15, 0]);
        let latents = noise();
        assert!(walk.noised(&latents, &noise(), 30).equal(&latents));
    }

    #[test]
    fn a_cancelled_sampler_stops_between_steps() {
        let schedule = NoiseSchedule::scaled_linear(Betas::default(), true);
        let options = SamplerOptions::trailing(Solver::Ddim, 10, PredictionType::VPrediction);
        let cancel = Cancel::new();
        let mut asked = 0;
        let predict = |latents: &Tensor, _| {
            asked += 1;
            cancel.cancel();
            Ok(latents.shallow_clone())
        };
        let result = sample(&schedule, &options, &noise(), &cancel, predict, |_| {
            Ok(noise())
        });
        assert!(matches!(result, Err(Error::Cancelled)));
        assert_eq!(asked, 1);
    }
}
