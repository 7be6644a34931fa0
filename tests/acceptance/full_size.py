"""Full-size SDXL with random weights: in as a sharded folder, out as a file, back, and drawn by both programs.

    python tests/acceptance/full_size.py TERMINUS WORK CHECKPOINT [SIZE]

CHECKPOINT is a folder that the quickstart trained, whose tokenizers have CLIP's vocabulary. Weights are bf16: each copy of
the model takes 6.9 GB of disk (three are made). It is drawn in f32, which takes 14 GiB of memory. For each step the time and
the largest resident memory are printed; it ends with 1 if a tensor differs or the two drawings do.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from parity import SCHEDULE, Report, weights_of

DATA = Path(__file__).parents[2] / "train/tests/data"
STEPS = 2
DRAW = dict(num_inference_steps=STEPS, guidance_scale=5.0, guidance_rescale=0.7)
PROMPT, NEGATIVE = "a girl with red hair under a cherry tree, night", "blurry, low quality"


def network(cls, path):
    config = {key: value for key, value in json.loads(path.read_text()).items() if not key.startswith("_")}
    return cls(**config)


def clip(cls, hidden, layers, heads, activation):
    config = CLIPTextConfig(
        hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers, num_attention_heads=heads,
        projection_dim=hidden, hidden_act=activation, eos_token_id=2, architectures=[cls.__name__],
    )  # fmt: skip
    return cls(config)


def make(folder, tokenizers):
    torch.manual_seed(7)
    torch.set_default_dtype(torch.bfloat16)
    unet = network(UNet2DConditionModel, DATA / "unet/sdxl_config.json")
    unet.save_pretrained(folder / "unet", max_shard_size="2GB")
    del unet
    network(AutoencoderKL, DATA / "vae/sdxl_config.json").save_pretrained(folder / "vae")
    encoders = [("text_encoder", CLIPTextModel, 768, 12, 12, "quick_gelu")]
    encoders += [("text_encoder_2", CLIPTextModelWithProjection, 1280, 32, 20, "gelu")]
    for name, *sizes in encoders:
        encoder = clip(*sizes)
        encoder.save_pretrained(folder / name)
        # The names of the published files; transformers 5 leaves the prefix out of a model without a projection.
        weights = encoder.state_dict()
        prefix = "" if any(key.startswith("text_model.") for key in weights) else "text_model."
        save_file({prefix + key: value for key, value in weights.items()}, folder / name / "model.safetensors")
    torch.set_default_dtype(torch.float32)
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(tokenizers / name, folder / name)
    DDIMScheduler(**SCHEDULE, clip_sample=False).save_pretrained(folder / "scheduler")
    index = json.loads((tokenizers / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"force_zeros_for_empty_prompt": False}))


def run(*command):
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{command} ended with {status}"
    seconds = time.perf_counter() - start
    print(f"    {command[1]}: {seconds:.1f} s, {usage.ru_maxrss / 2**20:.1f} GiB", flush=True)
    return output


def main():
    terminus, work, checkpoint = (Path(argument).resolve() for argument in sys.argv[1:4])
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 256
    work.mkdir(parents=True)
    report = Report()
    model = work / "model"
    make(model, checkpoint)
    convert(terminus, work, report)
    draw(terminus, work, size, report)
    sys.exit(1 if report.failed else 0)


def convert(terminus, work, report):
    model, single, back = work / "model", work / "model.safetensors", work / "back"
    print(run(terminus, "doctor", "--model", model))
    run(terminus, "export", "--model", model, "--format", "single-file", "--output", single)
    print(run(terminus, "doctor", "--model", single))
    run(terminus, "export", "--model", single, "--format", "diffusers", "--output", back)
    before, after = weights_of(model), weights_of(back)
    same = before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    report.say("folder → file → folder: every tensor", same, f"{len(before)} tensors")
    count = sum(tensor.numel() for name, tensor in before.items() if name.startswith("unet/"))
    report.say("the UNet has SDXL's 2,567,463,684 parameters", count == 2_567_463_684, f"{count:,}")
    del before, after
    shutil.rmtree(back)


def draw(terminus, work, size, report):
    model, single = work / "model", work / "model.safetensors"
    noise = torch.randn(1, 4, size // 8, size // 8, generator=torch.manual_seed(3))
    save_file({"latents": noise}, work / "noise.safetensors")
    run(
        terminus, "sample", "--model", single, "--prompt", PROMPT, "--negative-prompt", NEGATIVE, "--width", size, "--height",
        size, "--num-inference-steps", STEPS, "--guidance-scale", 5, "--guidance-rescale", 0.7, "--scheduler", "ddim",
        "--precision", "f32", "--latents", work / "noise.safetensors", "--save-latents", work / "latents.safetensors",
        "--output", work / "picture.png", "--quiet",
    )  # fmt: skip
    ours = load_file(work / "latents.safetensors")["latents"]
    pipeline = StableDiffusionXLPipeline.from_pretrained(model, torch_dtype=torch.float32, add_watermarker=False)
    start = time.perf_counter()
    with torch.no_grad():
        theirs = pipeline(
            PROMPT, negative_prompt=NEGATIVE, height=size, width=size, latents=noise, output_type="latent", **DRAW,
        ).images
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"    diffusers: {time.perf_counter() - start:.1f} s without loading, {peak:.1f} GiB")
    difference = (ours - theirs).abs().max() / theirs.abs().max()
    report.say("both draw the same latents", difference < 1e-3, f"{difference:.1e} of the largest")


if __name__ == "__main__":
    main()
