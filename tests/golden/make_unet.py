"""Makes the fixtures of the UNet: a small random model, what diffusers computes with it, and the gradients.

    pip install -r tests/golden/requirements.txt && python tests/golden/make_unet.py

- train/tests/data/unet/config.json, weights.safetensors: the model; its weights are exact in f16
- train/tests/data/unet/cases.safetensors: inputs, outputs and gradients; the reference computes in f64
- train/tests/data/unet/sdxl_config.json, sdxl_names.txt.gz: configuration, names and shapes of the full model of SDXL
"""

import gzip
import json
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

DATA = Path(__file__).resolve().parents[2] / "train/tests/data/unet"
KEYS = """in_channels out_channels sample_size down_block_types up_block_types block_out_channels layers_per_block
    transformer_layers_per_block attention_head_dim cross_attention_dim addition_embed_type addition_time_embed_dim
    projection_class_embeddings_input_dim use_linear_projection norm_num_groups norm_eps flip_sin_to_cos
    freq_shift""".split()

SMALL = dict(
    sample_size=10,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[8, 12, 20],
    layers_per_block=2,
    transformer_layers_per_block=[1, 1, 2],
    attention_head_dim=[2, 3, 4],
    cross_attention_dim=18,
    addition_embed_type="text_time",
    addition_time_embed_dim=6,
    projection_class_embeddings_input_dim=14 + 6 * 6,
    use_linear_projection=True,
    norm_num_groups=4,
)

# https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/unet/config.json
SDXL = dict(
    sample_size=128,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[320, 640, 1280],
    layers_per_block=2,
    transformer_layers_per_block=[1, 2, 10],
    attention_head_dim=[5, 10, 20],
    cross_attention_dim=2048,
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
    use_linear_projection=True,
)


def random_model():
    torch.manual_seed(20)
    model = UNet2DConditionModel(**SMALL)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:  # ones and zeros would hide a swap
                parameter.add_(torch.randn_like(parameter) * 0.3)
            parameter.copy_(parameter.half().float())
    return model


def case(model, height, width, timesteps, time_ids):
    batch = len(timesteps)
    inputs = dict(
        latents=torch.randn(batch, 4, height, width),
        encoder_hidden_states=torch.randn(batch, 7, SMALL["cross_attention_dim"]),
        text_embeds=torch.randn(batch, 14),
        target=torch.randn(batch, 4, height, width),
    )
    leaves = {name: value.double().requires_grad_() for name, value in inputs.items()}
    time_ids = torch.tensor(time_ids, dtype=torch.float32)
    output = model(
        leaves["latents"],
        torch.tensor(timesteps),
        leaves["encoder_hidden_states"],
        added_cond_kwargs=dict(text_embeds=leaves["text_embeds"], time_ids=time_ids),
    ).sample
    loss = (output - leaves["target"]).square().mean()
    model.zero_grad()
    loss.backward()
    inputs |= dict(timesteps=torch.tensor(timesteps), time_ids=time_ids)
    results = dict(output=output.detach(), loss=loss.detach())
    for name in ["latents", "encoder_hidden_states", "text_embeds"]:
        results[f"gradient.{name}"] = leaves[name].grad
    return inputs | {name: value.float() for name, value in results.items()}


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    model = random_model()
    save_file({name: value.half() for name, value in model.state_dict().items()}, DATA / "weights.safetensors")
    config = {key: model.config[key] for key in KEYS}
    (DATA / "config.json").write_text(json.dumps(config, indent=2) + "\n")

    model = model.double()
    # Sides that do not halve evenly, and a size that bf16 would round.
    odd = case(model, 10, 14, [999, 17], [[1025, 1537, 3, 261, 1024, 1025], [512, 512, 0, 0, 512, 512]])
    gradients = {f"gradient.parameter.{name}": p.grad.float() for name, p in model.named_parameters()}
    even = case(model, 8, 12, [500], [[1376, 2048, 170, 512, 1024, 1024]])
    tensors = {f"odd.{name}": value for name, value in (odd | gradients).items()}
    tensors |= {f"even.{name}": value for name, value in even.items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, DATA / "cases.safetensors")

    with torch.device("meta"):
        full = UNet2DConditionModel(**SDXL)
    full.to_json_file(DATA / "sdxl_config.json")
    lines = [f"{name} {list(value.shape)}\n" for name, value in sorted(full.state_dict().items())]
    (DATA / "sdxl_names.txt.gz").write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    for what, network in [("small", model), ("SDXL", full)]:
        print(what, sum(p.numel() for p in network.parameters()), "parameters")


main()
