//! Every step of every solver is the one that diffusers takes (`tests/golden/make_solvers.py`).
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use tch::Tensor;
use terminus_nn::Checkpoint;
use terminus_train::{
    config::{PredictionType, Solver},
    sampler::{SamplerOptions, Spacing, Walk},
    schedule::{Betas, NoiseSchedule},
};

/// The fixture is the formula in f64; our latents are f32.
const TOLERANCE: f64 = 1e-4;

struct Cases(Checkpoint);

impl Cases {
    fn open() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/solvers.safetensors");
        Self(Checkpoint::open(&path).unwrap())
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.0.tensor(name).unwrap().unwrap()
    }

    /// Step counts of a solver's cases.
    fn counts(&self, prefix: &str) -> Vec<usize> {
        let suffix = ".latents";
        let counts = self.0.names().filter_map(|name| {
            let count = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Some(count.parse().unwrap())
        });
        counts.collect()
    }
}

fn name(solver: Solver) -> String {
    serde_json::to_value(solver)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// Walks as the case did; the largest difference at any step.
fn worst_difference(cases: &Cases, case: &str, options: SamplerOptions) -> f64 {
    let has_zero_snr = options.prediction_type == PredictionType::VPrediction;
    let schedule = NoiseSchedule::scaled_linear(Betas::default(), has_zero_snr);
    let mut walk = Walk::new(&schedule, options);
    let timesteps: Vec<i64> = walk.timesteps().iter().map(|&t| t as i64).collect();
    let expected: Vec<i64> = Vec::try_from(cases.tensor(&format!("{case}.timesteps"))).unwrap();
    assert_eq!(timesteps, expected, "{case}");
    let expected = cases.tensor(&format!("{case}.latents"));
    let fresh = cases.tensor("fresh");
    let mut latents = walk.from_noise(&cases.tensor("noise"));
    let mut worst = 0.0_f64;
    for (i, &timestep) in timesteps.iter().enumerate() {
        let time = timestep as f64 / 1000.0;
        let answer = latents.sin() * time + (&latents * 3.0).cos() * 0.25 - 0.1;
        latents = walk
            .step(i, &latents, &answer, || Ok(fresh.get(i as i64)))
            .unwrap();
        let difference = (&latents - expected.get(i as i64 + 1)).abs().max();
        worst = worst.max(difference.double_value(&[]));
    }
    worst
}

#[test]
fn every_solver_takes_diffusers_steps_down_to_zero_terminal_snr() {
    let cases = Cases::open();
    for solver in Solver::ALL {
        let prefix = format!("{}.zero.", name(solver));
        let counts = cases.counts(&prefix);
        assert!(counts.len() >= 4, "{prefix}");
        for steps in counts {
            let options = SamplerOptions::trailing(solver, steps, PredictionType::VPrediction);
            let worst = worst_difference(&cases, &format!("{prefix}{steps}"), options);
            println!("{prefix}{steps}: {worst:.1e}");
            assert!(worst <= TOLERANCE, "{prefix}{steps}: {worst:e}");
        }
    }
}

#[test]
fn every_solver_takes_diffusers_steps_under_the_plain_schedule_of_sdxl() {
    let cases = Cases::open();
    for solver in Solver::ALL {
        let prefix = format!("{}.plain.", name(solver));
        for steps in cases.counts(&prefix) {
            let options = SamplerOptions {
                solver,
                steps,
                prediction_type: PredictionType::Epsilon,
                spacing: Spacing::Leading { offset: 1 },
                ends_clean: false,
            };
            let worst = worst_difference(&cases, &format!("{prefix}{steps}"), options);
            println!("{prefix}{steps}: {worst:.1e}");
            assert!(worst <= TOLERANCE, "{prefix}{steps}: {worst:e}");
        }
    }
}
