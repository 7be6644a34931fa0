//! One step of a sampler: from the latents at a timestep and the network's answer to the latents at the next.
//!
//! Latents are `[B, C, H, W]` f32 and always of the forward process' scale: what the network takes as input.

use tch::Tensor;

use super::{level::Level, unipc};
use crate::{
    Error,
    config::{PredictionType, Solver},
};

/// The picture and the noise that an answer implies.
#[derive(Debug)]
pub(super) struct Implied {
    pub picture: Tensor,
    pub noise: Tensor,
}

impl Implied {
    /// What the `answer` to `latents` at `level` says.
    pub fn of(kind: PredictionType, latents: &Tensor, answer: &Tensor, level: Level) -> Self {
        let Level { signal, noise } = level;
        match kind {
            PredictionType::VPrediction => Self {
                picture: latents * signal - answer * noise,
                noise: answer * signal + latents * noise,
            },
            PredictionType::Epsilon => Self {
                picture: (latents - answer * noise) / signal,
                noise: answer.shallow_clone(),
            },
        }
    }
}

/// What a solver remembers between two steps.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Pictures that the last answers implied, newest last; at most two.
    pub pictures: Vec<Tensor>,
    /// The latents that the last step started from, after correction, and the order that it was taken in (`UniPC`).
    pub last: Option<(Tensor, usize)>,
}

/// Where a step goes from and to among the levels of the walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// All levels of the walk, the finished picture last.
    pub levels: &'a [Level],
    /// The level of the latents.
    pub index: usize,
}

impl Place<'_> {
    pub fn here(&self) -> Level {
        self.levels[self.index]
    }

    pub fn next(&self) -> Level {
        self.levels[self.index + 1]
    }

    /// Steps that are left, this one included.
    pub fn left(&self) -> usize {
        self.levels.len() - 1 - self.index
    }
}

/// The latents at the next level. `fresh` gives standard normal noise of their shape to solvers that add some.
pub(super) fn step(
    solver: Solver,
    place: Place<'_>,
    memory: &mut Memory,
    latents: &Tensor,
    implied: Implied,
    fresh: impl FnOnce() -> Result<Tensor, Error>,
) -> Result<Tensor, Error> {
    let next = place.next();
    Ok(match solver {
        // Euler in σ and DDIM are one formula in this scale; they differ in how they treat pure noise.
        Solver::Ddim | Solver::Euler => implied.picture * next.signal + implied.noise * next.noise,
        Solver::EulerAncestral => {
            let (down, up) = ancestral(place.here().sigma(), next.sigma());
            let kept = implied.picture + implied.noise * down;
            if up > 0.0 {
                (kept + fresh()? * up) * next.signal
            } else {
                kept * next.signal
            }
        }
        Solver::DpmPlusPlus2m => {
            remember(memory, implied.picture);
            dpm_plus_plus_2m(place, memory, latents)
        }
        Solver::UniPc => unipc::step(place, memory, latents, implied.picture),
    })
}

/// Puts a picture behind the one of the step before.
pub(super) fn remember(memory: &mut Memory, picture: Tensor) {
    if memory.pictures.len() == 2 {
        drop(memory.pictures.remove(0));
    }
    memory.pictures.push(picture);
}

/// How σ falls without noise, and the noise that brings it back up: `next² = down² + up²`.
fn ancestral(sigma: f64, next: f64) -> (f64, f64) {
    let up = (next.powi(2) * (sigma.powi(2) - next.powi(2)) / sigma.powi(2)).sqrt();
    ((next.powi(2) - up.powi(2)).max(0.0).sqrt(), up)
}

fn dpm_plus_plus_2m(place: Place<'_>, memory: &Memory, latents: &Tensor) -> Tensor {
    let (here, next) = (place.here(), place.next());
    let h = next.lambda() - here.lambda();
    let shrunk = (-h).exp_m1(); // −1 in the last step, where h is infinite
    let first =
        |picture: &Tensor| latents * (next.noise / here.noise) - picture * (next.signal * shrunk);
    match memory.pictures.as_slice() {
        [before, now] if place.left() > 1 => {
            let h_before = here.lambda() - place.levels[place.index - 1].lambda();
            let slope = (now - before) * (h / h_before);
            first(now) - slope * (0.5 * next.signal * shrunk)
        }
        [.., now] => first(now),
        [] => latents.shallow_clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestral_noise_brings_the_variance_back() {
        for (sigma, next) in [(4096.0, 60.0), (14.6, 9.1), (1.0, 0.3), (0.2, 0.0)] {
            let (down, up) = ancestral(sigma, next);
            assert!((down.hypot(up) - next).abs() < 1e-9, "{sigma} to {next}");
        }
    }
}
