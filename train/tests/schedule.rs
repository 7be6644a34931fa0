//! Schedule, noising, guidance and samplers give what diffusers gives (`tests/golden/make_schedule.py`).
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde::Deserialize;
use tch::{Device, Tensor};
use terminus_manifest::run::Cancel;
use terminus_train::{
    config::{PredictionType, Solver},
    objective::{Objective, ObjectiveOptions},
    sampler::{Guidance, SamplerOptions, sample, trailing_timesteps},
    schedule::{Betas, NoiseSchedule},
};

#[derive(Deserialize)]
struct Cases {
    shown: Vec<usize>,
    alphas_cumprod: Vec<f64>,
    plain_alphas_cumprod: Vec<f64>,
    snr: Vec<f64>,
    noising: Noising,
    ddim: Vec<Trajectory>,
    euler: Vec<Trajectory>,
    guidance: Guided,
}

#[derive(Deserialize)]
struct Noising {
    timesteps: Vec<i64>,
    latents: Vec<f32>,
    noise: Vec<f32>,
    noisy: Vec<f32>,
    velocity: Vec<f32>,
}

#[derive(Deserialize)]
struct Trajectory {
    steps: usize,
    timesteps: Vec<usize>,
    noise: Vec<f32>,
    latents: Vec<f32>,
}

#[derive(Deserialize)]
struct Guided {
    positive: Vec<f32>,
    negative: Vec<f32>,
    scale: f64,
    rescale: f64,
    expected: Vec<f32>,
}

fn cases() -> Cases {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schedule/cases.json");
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

fn schedule() -> NoiseSchedule {
    NoiseSchedule::scaled_linear(Betas::default(), true)
}

fn tensor(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).view([-1, 4, 2, 3])
}

fn largest_difference(ours: &Tensor, reference: &Tensor) -> f64 {
    (ours - reference).abs().max().double_value(&[])
}

#[test]
fn the_schedule_agrees_with_diffusers_up_to_its_f32_arithmetic() {
    let cases = cases();
    let plain = NoiseSchedule::scaled_linear(Betas::default(), false);
    let rescaled = schedule();
    for (i, &t) in cases.shown.iter().enumerate() {
        let difference = (rescaled.alpha_cumprod(Some(t)) - cases.alphas_cumprod[i]).abs();
        assert!(difference < 6e-7, "rescaled at {t}: {difference:e}");
        let difference = (plain.alpha_cumprod(Some(t)) - cases.plain_alphas_cumprod[i]).abs();
        assert!(difference < 6e-7, "plain at {t}: {difference:e}");
        let ratio = (plain.snr(t) / cases.snr[i] - 1.0).abs();
        assert!(
            ratio < 4e-5 + 1e-4 * f64::from(u8::from(t == 0)),
            "snr at {t}: {ratio:e}"
        );
    }
}

#[test]
fn noisy_latents_and_velocities_agree_with_diffusers() {
    let case = cases().noising;
    let options = ObjectiveOptions {
        prediction_type: PredictionType::VPrediction,
        snr_gamma: Some(5.0),
        snr_weight_floor: 0.0,
    };
    let objective = Objective::new(&schedule(), options, Device::Cpu).unwrap();
    let (latents, noise) = (tensor(&case.latents), tensor(&case.noise));
    let timesteps = Tensor::from_slice(&case.timesteps);
    let noisy = objective.add_noise(&latents, &noise, &timesteps);
    let velocity = objective.target(&latents, &noise, &timesteps);
    for (name, ours, reference) in [
        ("noisy", noisy, &case.noisy),
        ("velocity", velocity, &case.velocity),
    ] {
        let difference = largest_difference(&ours, &tensor(reference));
        assert!(difference < 3e-6, "{name}: {difference:e}");
    }
}

#[test]
fn both_solvers_walk_as_diffusers_does() {
    // Euler there works at σ = 4096 in its first step, which costs f32 its last three digits.
    for (solver, cases, tolerance) in [
        (Solver::Ddim, cases().ddim, 5e-6),
        (Solver::Euler, cases().euler, 1e-3),
    ] {
        for case in cases {
            assert_eq!(trailing_timesteps(case.steps, 1000), case.timesteps);
            let options = SamplerOptions::trailing(solver, case.steps, PredictionType::VPrediction);
            let walk = sample(
                &schedule(),
                &options,
                &tensor(&case.noise),
                &Cancel::new(),
                |latents, timestep| {
                    let time = timestep as f64 / 1000.0;
                    Ok(latents.sin() * time + (latents * 3.0).cos() * 0.25 - 0.1)
                },
                |_| unreachable!("no fresh noise"),
            );
            let difference = largest_difference(&walk.unwrap(), &tensor(&case.latents));
            assert!(
                difference < tolerance,
                "{solver:?} of {} steps: {difference:e}",
                case.steps
            );
        }
    }
}

#[test]
fn rescaled_guidance_agrees_with_diffusers() {
    let case = cases().guidance;
    let guidance = Guidance {
        scale: case.scale,
        rescale: case.rescale,
    };
    let guided = guidance.apply(&tensor(&case.positive), &tensor(&case.negative));
    let difference = largest_difference(&guided, &tensor(&case.expected));
    assert!(difference < 1e-5, "{difference:e}");
}
