#!/usr/bin/env python3
"""Holds the pictures that a run drew at its end against diffusers' pipeline on the run's own checkpoint and noise.

    pip install torch diffusers transformers pillow numpy
    python tests/acceptance/check_pictures.py RUN_FOLDER

Text encoders, UNet, guidance, sampler and VAE are diffusers' and transformers'; only the noise is made here as the
program makes it. Sample with a number of steps that divides 1000 and the solver `ddim`: for others diffusers steps to
timesteps that it does not visit. Exits 1 if a pixel differs by more than 2 of 255.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

GAP = 2
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def hash_u64(kind, *fields):
    """H(kind, fields…) of the contract, its first 64 bits."""
    digest = hashlib.sha256(f"terminus/{kind}/1".encode())
    for field in fields:
        digest.update(struct.pack("<I", len(field.encode())) + field.encode())
    return int.from_bytes(digest.digest()[:8], "big")


def philox(blocks, key):
    """Philox4x32-10 of the counters 0, 1, 2, …"""
    counter = np.arange(blocks, dtype=np.uint64)
    x = [counter & MASK, counter >> HALF, np.zeros_like(counter), np.zeros_like(counter)]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = x[0] * np.uint64(MULTIPLIERS[0]), x[2] * np.uint64(MULTIPLIERS[1])
        x = [
            (second >> HALF) ^ x[1] ^ np.uint64(k[0]),
            second & MASK,
            (first >> HALF) ^ x[3] ^ np.uint64(k[1]),
            first & MASK,
        ]
        k = [(value + step) & 0xFFFFFFFF for value, step in zip(k, KEY_STEPS)]
    return x


def normal(count, key):
    """The program's normal draws under `key`."""
    x = philox(-(-count // 4), key)
    values = []
    for a, b in ((x[0], x[1]), (x[2], x[3])):
        radius = np.sqrt(-2 * np.log((a.astype(float) + 0.5) / 2**32))
        angle = 2 * np.pi * b.astype(float) / 2**32
        values += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.stack(values, 1).reshape(-1)[:count].astype(np.float32)


def main(run):
    checkpoint = max((run / "checkpoints").glob("[0-9]*"), key=lambda path: int(path.name))
    record = json.loads((run / "samples" / f"{checkpoint.name}.json").read_text())
    grid = np.asarray(Image.open(run / "samples" / f"{checkpoint.name}.png")).astype(int)
    sample, width, height = record["sample"], record["width"], record["height"]
    if sample["solver"] != "ddim" or 1000 % sample["steps"]:
        sys.exit("set sample.solver = \"ddim\" and a sample.steps that divides 1000")
    pipeline = StableDiffusionXLPipeline.from_pretrained(checkpoint, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    down = 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
    shape = (pipeline.vae.config.latent_channels, height // down, width // down)
    repeats = sample["images_per_prompt"]
    columns = (grid.shape[1] + GAP) // (width + GAP)
    worst = 0
    for at in range(len(record["prompts"]) * repeats):
        prompt, number = record["prompts"][at // repeats], at % repeats
        key = hash_u64("train-draw", "picture", str(record["seed"]), str(number))
        noise = torch.from_numpy(normal(int(np.prod(shape)), key)).view(1, *shape)
        picture = pipeline(
            prompt,
            negative_prompt=sample["negative_prompt"],
            width=width,
            height=height,
            num_inference_steps=sample["steps"],
            guidance_scale=sample["guidance_scale"],
            guidance_rescale=sample["guidance_rescale"],
            latents=noise,
        ).images[0]
        top, left = at // columns * (height + GAP), at % columns * (width + GAP)
        ours = grid[top : top + height, left : left + width]
        difference = np.abs(np.asarray(picture).astype(int) - ours)
        worst = max(worst, difference.max())
        print(f"max {difference.max():3d} mean {difference.mean():.5f}  {prompt}")
    sys.exit(worst > 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
