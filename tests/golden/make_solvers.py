#!/usr/bin/env python3
"""Writes train/tests/data/solvers.safetensors: every step that diffusers' schedulers take with a network that is a formula.

    pip install -r tests/golden/requirements.txt
    python tests/golden/make_solvers.py

diffusers works in f32, which at σ = 4096 (zero terminal SNR) leaves three digits. Here its code runs with f64 in the
place of f32, so that what is compared is the method, not the rounding. Latents are stored in the scale of the network's
input. Names: <solver>.<spacing and prediction>.<steps>.{timesteps, latents, fresh}.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers.schedulers import (
    scheduling_ddim,
    scheduling_dpmsolver_multistep,
    scheduling_euler_ancestral_discrete,
    scheduling_euler_discrete,
    scheduling_unipc_multistep,
)
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "train/tests/data/solvers.safetensors"
COMMON = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
ZERO = COMMON | dict(prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True)
PLAIN = COMMON | dict(prediction_type="epsilon", timestep_spacing="leading", steps_offset=1)
SOLVERS = {
    "ddim": (scheduling_ddim, "DDIMScheduler", dict(clip_sample=False)),
    "euler": (scheduling_euler_discrete, "EulerDiscreteScheduler", {}),
    "euler_ancestral": (scheduling_euler_ancestral_discrete, "EulerAncestralDiscreteScheduler", {}),
    "dpmpp_2m": (scheduling_dpmsolver_multistep, "DPMSolverMultistepScheduler", {}),
    "unipc": (scheduling_unipc_multistep, "UniPCMultistepScheduler", {}),
}


class Double:
    """A library in which single precision is double precision."""

    def __init__(self, library, double):
        self.library, self.double = library, double

    def __getattr__(self, name):
        return self.double if name == "float32" else getattr(self.library, name)


def answer(latents, timestep):
    return torch.sin(latents) * (timestep / 1000.0) + 0.25 * torch.cos(3.0 * latents) - 0.1


def trajectory(name, settings, steps, noise, fresh):
    module, cls, extra = SOLVERS[name]
    module.torch, module.np = Double(torch, torch.float64), Double(np, np.float64)
    drawn = iter(fresh)
    module.randn_tensor = lambda *_, **__: next(drawn)
    extra = extra | (dict(set_alpha_to_one=settings is ZERO) if name == "ddim" else {})
    scheduler = getattr(module, cls)(**settings, **extra)
    scheduler.set_timesteps(steps)
    latents = noise * scheduler.init_noise_sigma
    walk = []
    for i, timestep in enumerate(scheduler.timesteps):
        taken = scheduler.scale_model_input(latents, timestep)
        walk.append(taken.clone())
        latents = scheduler.step(answer(taken, float(timestep)), timestep, latents).prev_sample
    walk.append(latents)
    return scheduler.timesteps.to(torch.int64), torch.stack(walk)


def main():
    torch.manual_seed(7)
    noise = torch.randn(1, 4, 2, 3, dtype=torch.float64)
    fresh = torch.randn(30, 1, 4, 2, 3, dtype=torch.float64)
    tensors = {"noise": noise, "fresh": fresh}
    for name in SOLVERS:
        # With trailing spacing diffusers' DDIM steps to t − 1000 // N, which it does not visit next unless N divides 1000.
        counts = (1, 2, 10, 25) if name == "ddim" else (1, 2, 3, 7, 10, 30)
        for kind, settings, counts in (("zero", ZERO, counts), ("plain", PLAIN, (3, 10, 30))):
            for steps in counts:
                timesteps, walk = trajectory(name, settings, steps, noise, fresh)
                tensors[f"{name}.{kind}.{steps}.timesteps"] = timesteps
                tensors[f"{name}.{kind}.{steps}.latents"] = walk.to(torch.float32)
    tensors = {k: (v if v.dtype == torch.int64 else v.to(torch.float32)).contiguous() for k, v in tensors.items()}
    save_file(tensors, OUT)
    print(OUT, OUT.stat().st_size)


if __name__ == "__main__":
    main()
