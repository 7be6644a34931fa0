"""Makes the fixtures of the VAE: a small random model, and what diffusers computes with it.

    pip install -r tests/golden/requirements.txt && python tests/golden/make_vae.py

- train/tests/data/vae/config.json, weights.safetensors: the model; its weights are exact in f16
- train/tests/data/vae/cases.safetensors: inputs and outputs; the reference computes in f64
- train/tests/data/vae/sdxl_config.json, sdxl_names.txt.gz: configuration, names and shapes of the full model of SDXL
"""

import gzip
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

DATA = Path(__file__).resolve().parents[2] / "train/tests/data/vae"
KEYS = """in_channels out_channels down_block_types up_block_types block_out_channels layers_per_block act_fn
    latent_channels norm_num_groups sample_size scaling_factor force_upcast""".split()

SMALL = dict(
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[6, 9, 12, 15],
    layers_per_block=1,
    norm_num_groups=3,
    sample_size=24,
    scaling_factor=0.5,
)

# https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/vae/config.json
SDXL = dict(
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[128, 256, 512, 512],
    layers_per_block=2,
    sample_size=1024,
    scaling_factor=0.13025,
)


def random_model():
    torch.manual_seed(21)
    model = AutoencoderKL(**SMALL)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:  # ones and zeros would hide a swap
                parameter.add_(torch.randn_like(parameter) * 0.3)
            parameter.copy_(parameter.half().float())
    return model


def case(model, height, width):
    pixels = torch.rand(2, 3, height, width) * 2 - 1
    posterior = model.encode(pixels.double()).latent_dist
    noise = torch.randn(posterior.mean.shape)
    latents = posterior.mean + posterior.std * noise.double()
    results = dict(
        mean=posterior.mean,
        logvar=posterior.logvar,
        sample=latents,
        decoded=model.decode(latents).sample,
        kl=posterior.kl().mean(),
    )
    return dict(pixels=pixels, noise=noise) | {name: value.float() for name, value in results.items()}


@torch.no_grad()
def main():
    DATA.mkdir(parents=True, exist_ok=True)
    model = random_model()
    save_file({name: value.half() for name, value in model.state_dict().items()}, DATA / "weights.safetensors")
    config = {key: model.config[key] for key in KEYS}
    (DATA / "config.json").write_text(json.dumps(config, indent=2) + "\n")

    model = model.double()
    tensors = {f"even.{name}": value for name, value in case(model, 24, 40).items()}
    # Sides that do not halve evenly.
    tensors |= {f"odd.{name}": value for name, value in case(model, 21, 28).items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, DATA / "cases.safetensors")

    with torch.device("meta"):
        full = AutoencoderKL(**SDXL)
    full.to_json_file(DATA / "sdxl_config.json")
    lines = [f"{name} {list(value.shape)}\n" for name, value in sorted(full.state_dict().items())]
    (DATA / "sdxl_names.txt.gz").write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    for what, network in [("small", model), ("SDXL", full)]:
        print(what, sum(p.numel() for p in network.parameters()), "parameters")


main()
