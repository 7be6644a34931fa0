//! One step of a sampler: from the latents at a timestep and the network's answer to the latents at the next.
//!
//! Latents are `[B, C, H, W]` f32 and always of the forward process' scale: what the network takes as input.

use tch::Tensor;

use crate::{
    config::{PredictionType, Solver},
    schedule::NoiseSchedule,
};

/// `abar` that stands for 0 where a solver divides by it: diffusers' value, an SNR of −72 dB.
const NUDGED_ALPHA: f64 = 1.0 / (1 << 24) as f64;

/// The picture and the noise that an answer implies.
#[derive(Debug)]
struct Implied {
    picture: Tensor,
    noise: Tensor,
}

/// The latents at `next` (or the finished ones) from those at `timestep` and the network's answer there.
///
/// Both solvers are of first order and without fresh noise. DDIM (Song et al. 2021, arXiv:2010.02502) works on the
/// latents themselves and is finite at zero SNR for v-prediction, where the picture is `−v`. Euler (Karras et al.
/// 2022, arXiv:2206.00364) works on `latents / √abar` against `σ = √((1 − abar) / abar)`, which is infinite there:
/// its first step is taken in v-space.
pub(crate) fn step(
    solver: Solver,
    schedule: &NoiseSchedule,
    prediction_type: PredictionType,
    latents: &Tensor,
    answer: &Tensor,
    (timestep, next): (usize, Option<usize>),
) -> Tensor {
    let alpha = schedule.alpha_cumprod(Some(timestep));
    let next_alpha = schedule.alpha_cumprod(next);
    let implied = implied(prediction_type, latents, answer, alpha);
    match solver {
        Solver::Euler if alpha > NUDGED_ALPHA => euler(latents, &implied, alpha, next_alpha),
        Solver::Ddim | Solver::Euler => {
            implied.picture * next_alpha.sqrt() + implied.noise * (1.0 - next_alpha).sqrt()
        }
    }
}

fn implied(kind: PredictionType, latents: &Tensor, answer: &Tensor, alpha: f64) -> Implied {
    let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
    match kind {
        PredictionType::VPrediction => Implied {
            picture: latents * signal - answer * noise,
            noise: answer * signal + latents * noise,
        },
        // Only plain schedules come here: their last `abar` is 0.0047, far from 0.
        PredictionType::Epsilon => Implied {
            picture: (latents - answer * noise) / signal,
            noise: answer.shallow_clone(),
        },
    }
}

fn euler(latents: &Tensor, implied: &Implied, alpha: f64, next_alpha: f64) -> Tensor {
    let sigma_of = |alpha: f64| ((1.0 - alpha) / alpha).sqrt();
    let (sigma, next_sigma) = (sigma_of(alpha), sigma_of(next_alpha));
    let scaled = latents / alpha.sqrt();
    let slope = (&scaled - &implied.picture) / sigma;
    (scaled + slope * (next_sigma - sigma)) * next_alpha.sqrt()
}
