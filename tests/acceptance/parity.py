"""Holds weights and pictures against diffusers, both ways: `cargo xtask parity`.

    python tests/acceptance/parity.py TERMINUS WORK

Makes a small random SDXL model with diffusers (its own tokenizers have CLIP's vocabulary; encoder 2 has the ten layers by
which `from_single_file` tells SDXL), and then:

1. `terminus export` makes a single file of it, and a folder of that file: every tensor is the same to the bit;
2. `from_pretrained` loads the exported folder, `from_single_file` the exported file;
3. terminus and diffusers, from the folder and from the file, sample the same latents and the same picture;
4. a single file whose names diffusers' own script would write (the original ones) is read by terminus.

It prints a line for each, and ends with 1 if one does not hold. Needs torch, diffusers, transformers (see
tests/golden/requirements.txt).
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from diffusers.loaders.single_file_utils import infer_diffusers_model_type
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

LATENTS = 1e-3  # of the largest value
SIZE = 64
SCHEDULE = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    prediction_type="v_prediction",
    timestep_spacing="trailing",
    rescale_betas_zero_snr=True,
)
SOLVERS = {
    "ddim": lambda: DDIMScheduler(**SCHEDULE, clip_sample=False),
    "euler": lambda: EulerDiscreteScheduler(**SCHEDULE),
    "dpmpp-2m": lambda: DPMSolverMultistepScheduler(**SCHEDULE),
    "unipc": lambda: UniPCMultistepScheduler(**SCHEDULE),
}
PROMPT, NEGATIVE = "a girl with red hair under a cherry tree, night", "blurry, low quality"


def text_encoder(cls, hidden, layers, heads, activation):
    config = CLIPTextConfig(
        hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers, num_attention_heads=heads,
        projection_dim=hidden, hidden_act=activation, eos_token_id=2, bos_token_id=0, pad_token_id=1,
        architectures=[cls.__name__],
    )
    return cls(config)


def random_model(terminus, work):
    """A diffusers folder. Its tokenizers are written by terminus from CLIP's own vocabulary, which it has built in."""
    torch.manual_seed(5)
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=[12, 20, 28], layers_per_block=2, transformer_layers_per_block=[1, 1, 2],
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], attention_head_dim=[2, 4, 4],
        cross_attention_dim=24 + 40, addition_embed_type="text_time", addition_time_embed_dim=6,
        projection_class_embeddings_input_dim=40 + 36, use_linear_projection=True, norm_num_groups=4,
    )
    vae = AutoencoderKL(
        block_out_channels=[6, 9, 12, 15], layers_per_block=1, norm_num_groups=3, sample_size=SIZE, scaling_factor=0.5,
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
    )
    one = text_encoder(CLIPTextModel, 24, 3, 3, "quick_gelu")
    two = text_encoder(CLIPTextModelWithProjection, 40, 10, 5, "gelu")
    for network in (one, two):
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if "embedding" in name:
                    parameter.mul_(20)
    folder = work / "model"
    tokenizers = [CLIPTokenizer.from_pretrained(work / "tokenizers" / name) for name in ("tokenizer", "tokenizer_2")]
    pipeline = StableDiffusionXLPipeline(
        vae=vae, text_encoder=one, text_encoder_2=two, tokenizer=tokenizers[0], tokenizer_2=tokenizers[1], unet=unet,
        scheduler=SOLVERS["ddim"](), force_zeros_for_empty_prompt=False, add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    for network, name in ((one, "text_encoder"), (two, "text_encoder_2")):
        # The names of the published files; transformers 5 leaves the prefix out of a model without a projection.
        path = folder / name / "model.safetensors"
        weights = load_file(path)
        prefix = "" if any(key.startswith("text_model.") for key in weights) else "text_model."
        save_file({prefix + key: value for key, value in weights.items()}, path, {"format": "pt"})
    return folder


def run(*command):
    print("$", " ".join(map(str, command[:4])), "…", flush=True)
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def weights_of(folder):
    found = {}
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        for path in sorted((folder / part).glob("*.safetensors")):
            found |= {f"{part}/{name}": value for name, value in load_file(path).items()}
    return {name: value for name, value in found.items() if not name.endswith("position_ids")}


class Report:
    def __init__(self):
        self.failed = 0

    def say(self, what, holds, figure=""):
        self.failed += not holds
        print(f"{'ok ' if holds else 'BAD'} {what:64} {figure}", flush=True)


def same_weights(a, b):
    a, b = weights_of(a), weights_of(b)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@torch.no_grad()
def theirs(pipeline, solver, noise, steps):
    pipeline.scheduler = SOLVERS[solver]()
    pipeline.set_progress_bar_config(disable=True)
    arguments = dict(
        height=SIZE, width=SIZE, num_inference_steps=steps, guidance_scale=5.0, guidance_rescale=0.7,
        negative_prompt=NEGATIVE, latents=noise,
    )
    latents = pipeline(PROMPT, output_type="latent", **arguments).images
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    picture = ((decoded[0] / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).byte().numpy()
    return latents, picture


def ours(terminus, model, solver, noise, steps, work, config=None):
    start, end, picture = work / "noise.safetensors", work / "latents.safetensors", work / "picture.png"
    save_file({"latents": noise}, start)
    more = ["--config", config] if config else []
    run(
        terminus, "sample", "--model", model, *more, "--prompt", PROMPT, "--negative-prompt", NEGATIVE, "--width", SIZE,
        "--height", SIZE, "--num-inference-steps", steps, "--guidance-scale", 5, "--guidance-rescale", 0.7, "--scheduler",
        solver, "--latents", start, "--save-latents", end, "--output", picture, "--quiet", "--threads", 1,
    )
    return load_file(end)["latents"], np.asarray(Image.open(picture))


def main():
    terminus, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work.mkdir(parents=True)
    torch.set_num_threads(1)
    run(terminus, "export", "--help")
    report = Report()

    # Tokenizers with CLIP's own vocabulary, from the package that holds it.
    from open_clip.tokenizer import bytes_to_unicode, default_bpe
    import gzip

    lines = gzip.open(default_bpe()).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    alphabet = list(bytes_to_unicode().values())
    tokens = alphabet + [c + "</w>" for c in alphabet] + ["".join(line.split()) for line in lines]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        folder = work / "tokenizers" / name
        folder.mkdir(parents=True)
        (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
        special = dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token=pad)
        (folder / "special_tokens_map.json").write_text(json.dumps(special))
        config = special | dict(model_max_length=77, tokenizer_class="CLIPTokenizer")
        (folder / "tokenizer_config.json").write_text(json.dumps(config))

    model = random_model(terminus, work)
    single, back = work / "single.safetensors", work / "back"
    run(terminus, "export", "--model", model, "--format", "single-file", "--output", single)
    run(terminus, "export", "--model", single, "--format", "diffusers", "--output", back)
    report.say("folder to file to folder: every tensor is the same to the bit", same_weights(model, back))
    names = load_file(single)
    kind = infer_diffusers_model_type(names)
    report.say("diffusers takes the exported file for SDXL", kind == "xl_base", kind)
    report.say("the file says v-prediction and zero terminal SNR", {"v_pred", "ztsnr"} <= names.keys())

    pipelines = {
        "from_pretrained(model)": StableDiffusionXLPipeline.from_pretrained(model),
        "from_pretrained(exported)": StableDiffusionXLPipeline.from_pretrained(back),
        "from_single_file(exported)": StableDiffusionXLPipeline.from_single_file(str(single), config=str(back)),
    }
    noise = torch.randn(1, 4, SIZE // 8, SIZE // 8, generator=torch.Generator().manual_seed(3))
    steps = 10
    first = None
    for name, pipeline in pipelines.items():
        latents, picture = theirs(pipeline, "ddim", noise, steps)
        first = first if first is not None else (latents, picture)
        report.say(f"{name} draws what the model draws", torch.equal(latents, first[0]))
    for solver in SOLVERS:
        latents, picture = theirs(pipelines["from_pretrained(model)"], solver, noise, steps)
        for path in (model, single):
            mine, drawn = ours(terminus, path, solver, noise, steps, work)
            ratio = float((mine - latents).abs().max() / latents.abs().max())
            pixels = int(np.abs(drawn.astype(int) - picture.astype(int)).max())
            figure = f"latents {ratio:.1e} of the largest, pixels at most {pixels} of 255"
            report.say(f"terminus and diffusers draw the same: {solver}, {path.name}", ratio <= LATENTS and pixels <= 1, figure)

    # A file without our metadata or markers, as another program would have written it.
    foreign = work / "foreign.safetensors"
    save_file({name: value for name, value in names.items() if value.numel()}, foreign)
    mine, _ = ours(terminus, foreign, "ddim", noise, steps, work, config=back)
    ratio = float((mine - first[0]).abs().max() / first[0].abs().max())
    report.say("a file of another program, with --config, draws the same", ratio <= LATENTS, f"{ratio:.1e}")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
