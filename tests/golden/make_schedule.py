#!/usr/bin/env python3
"""Writes train/tests/data/schedule/cases.json: what diffusers' schedulers do with a network that is a formula.

    pip install -r tests/golden/requirements.txt
    python tests/golden/make_schedule.py
"""

import json
from pathlib import Path

import diffusers
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg
from diffusers.training_utils import compute_snr

OUT = Path(__file__).resolve().parents[2] / "train/tests/data/schedule/cases.json"
BETAS = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    prediction_type="v_prediction",
    timestep_spacing="trailing",
    rescale_betas_zero_snr=True,
)


def answer(latents, timestep):
    """A network that is a formula: smooth in the latents and in time."""
    return torch.sin(latents) * (timestep / 1000.0) + 0.25 * torch.cos(3.0 * latents) - 0.1


def trajectory(scheduler, noise, steps):
    scheduler.set_timesteps(steps)
    latents = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        taken = scheduler.scale_model_input(latents, timestep)
        latents = scheduler.step(answer(taken, float(timestep)), timestep, latents).prev_sample
    return {
        "steps": steps,
        "timesteps": [int(t) for t in scheduler.timesteps],
        "noise": noise.flatten().tolist(),
        "latents": latents.flatten().tolist(),
    }


def main():
    torch.manual_seed(0)
    ddim = lambda: DDIMScheduler(**BETAS, clip_sample=False, set_alpha_to_one=True)
    euler = lambda: EulerDiscreteScheduler(**BETAS)
    noise = torch.randn(1, 4, 2, 3)
    scheduler = ddim()
    plain = DDIMScheduler(**(BETAS | dict(rescale_betas_zero_snr=False)))
    shown = [0, 1, 100, 250, 500, 750, 900, 998, 999]

    x0, eps = torch.randn(3, 4, 2, 3), torch.randn(3, 4, 2, 3)
    timesteps = torch.tensor([0, 400, 999])
    positive, negative = torch.randn(2, 4, 2, 3), torch.randn(2, 4, 2, 3)
    guided = negative + 7.5 * (positive - negative)

    cases = {
        "diffusers": diffusers.__version__,
        "torch": torch.__version__,
        "shown": shown,
        "alphas_cumprod": scheduler.alphas_cumprod[shown].tolist(),
        "plain_alphas_cumprod": plain.alphas_cumprod[shown].tolist(),
        "snr": compute_snr(plain, torch.tensor(shown)).tolist(),
        "noising": {
            "timesteps": timesteps.tolist(),
            "latents": x0.flatten().tolist(),
            "noise": eps.flatten().tolist(),
            "noisy": scheduler.add_noise(x0, eps, timesteps).flatten().tolist(),
            "velocity": scheduler.get_velocity(x0, eps, timesteps).flatten().tolist(),
        },
        # Counts that divide 1000: elsewhere diffusers steps to t − 1000 // N, which it does not visit next.
        "ddim": [trajectory(ddim(), noise, steps) for steps in (1, 10, 20, 25, 50)],
        "euler": [trajectory(euler(), noise, steps) for steps in (1, 10, 20, 25, 30, 50)],
        "guidance": {
            "positive": positive.flatten().tolist(),
            "negative": negative.flatten().tolist(),
            "scale": 7.5,
            "rescale": 0.7,
            "expected": rescale_noise_cfg(guided, positive, guidance_rescale=0.7).flatten().tolist(),
        },
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
