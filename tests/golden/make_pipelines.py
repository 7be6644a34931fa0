#!/usr/bin/env python3
"""Writes train/tests/data/pipelines/: what diffusers' SDXL pipelines draw with a small random model.

    pip install -r tests/golden/requirements.txt
    python tests/golden/make_pipelines.py

The text side is tests/golden/clip, the VAE train/tests/data/vae; the UNet is made here. `conv_in.safetensors` turns it into
one of 9 channels, for inpainting. Where diffusers draws from the VAE's posterior, its mode is taken, and all noise is
recorded: what is left is arithmetic. The mask lies on the grid of the latents: elsewhere diffusers takes every eighth pixel of
it, and terminus all latents that it touches.
"""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl_img2img as img2img_module
from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl_inpaint as inpaint_module
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "train/tests/data/pipelines"
CLIP, VAE = ROOT / "tests/golden/clip", ROOT / "train/tests/data/vae"
WIDTH, HEIGHT = 56, 40
UNET = dict(
    sample_size=7,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[12, 20, 28],
    layers_per_block=1,
    transformer_layers_per_block=[1, 1, 2],
    attention_head_dim=[2, 4, 4],
    cross_attention_dim=24 + 40,
    addition_embed_type="text_time",
    addition_time_embed_dim=6,
    projection_class_embeddings_input_dim=28 + 6 * 6,
    use_linear_projection=True,
    norm_num_groups=4,
)
KEYS = """in_channels out_channels sample_size down_block_types up_block_types block_out_channels layers_per_block
    transformer_layers_per_block attention_head_dim cross_attention_dim addition_embed_type addition_time_embed_dim
    projection_class_embeddings_input_dim use_linear_projection norm_num_groups""".split()
COMMON = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
ZERO = COMMON | dict(prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True)
PLAIN = COMMON | dict(prediction_type="epsilon", timestep_spacing="leading", steps_offset=1)
PROMPTS = ["a red cat, in the rain", "dog"]


def random_unet():
    torch.manual_seed(31)
    unet = UNet2DConditionModel(**UNET).eval()
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "norm" in name:  # ones and zeros would hide a swap
                parameter.add_(torch.randn_like(parameter) * 0.3)
            elif "to_k" in name or "to_q" in name or "add_embedding" in name:
                parameter.mul_(2.5)  # so that text and sizes are seen
            parameter.copy_(parameter.half().float())
    return unet


def ddim(settings=ZERO):
    return DDIMScheduler(**settings, clip_sample=False, set_alpha_to_one=settings is ZERO)


def parts(unet, scheduler):
    load = lambda cls, name: cls.from_pretrained(CLIP / name)
    weights = load_file(VAE / "weights.safetensors")
    vae = AutoencoderKL(**json.loads((VAE / "config.json").read_text())).eval()
    vae.load_state_dict({name: value.float() for name, value in weights.items()})
    return dict(
        vae=vae,
        text_encoder=load(CLIPTextModel, "text_encoder").eval(),
        text_encoder_2=load(CLIPTextModelWithProjection, "text_encoder_2").eval(),
        tokenizer=load(CLIPTokenizer, "tokenizer"),
        tokenizer_2=load(CLIPTokenizer, "tokenizer_2"),
        unet=unet,
        scheduler=scheduler,
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "unet").mkdir(exist_ok=True)
    unet = random_unet()
    config = {key: unet.config[key] for key in KEYS}
    (OUT / "unet/config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({k: v.half() for k, v in unet.state_dict().items()}, OUT / "unet/diffusion_pytorch_model.safetensors")
    nine = UNet2DConditionModel(**(UNET | dict(in_channels=9))).eval()
    wide = (torch.randn(12, 9, 3, 3) * 0.15).half().float()
    nine.load_state_dict(unet.state_dict() | {"conv_in.weight": wide})
    save_file({"conv_in.weight": wide.half()}, OUT / "conv_in.safetensors")

    noise = torch.randn(2, 4, HEIGHT // 8, WIDTH // 8)
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    pixels = torch.stack([(x * 4) % 256, (y * 6) % 256, (x * y) % 256], dim=-1).to(torch.uint8)
    image = Image.fromarray(pixels.numpy())
    image.save(OUT / "image.png")
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8)
    mask[8:32, 16:40] = 255
    mask = Image.fromarray(mask.numpy())
    mask.save(OUT / "mask.png")

    mode = lambda output, generator=None, sample_mode="sample": output.latent_dist.mode()
    for module in (img2img_module, inpaint_module):
        module.retrieve_latents = mode
        module.randn_tensor = lambda shape, **_: noise[: shape[0]].clone()
    common = dict(output_type="latent", guidance_rescale=0.7)
    tensors = {"noise": noise}

    def keep(name, latents):
        assert latents.isfinite().all()
        tensors[f"{name}.latents"] = latents.contiguous()

    text = StableDiffusionXLPipeline(**parts(unet, ddim()))
    text.set_progress_bar_config(disable=True)
    sizes = dict(height=HEIGHT, width=WIDTH)
    for name, scheduler in [
        ("ddim", ddim()),
        ("euler", EulerDiscreteScheduler(**ZERO)),
        ("dpmpp_2m", DPMSolverMultistepScheduler(**ZERO)),
        ("unipc", UniPCMultistepScheduler(**ZERO)),
    ]:
        text.scheduler = scheduler
        arguments = dict(num_inference_steps=5, guidance_scale=4.0, negative_prompt=["the dog"] * 2)
        keep(f"text.{name}", text(PROMPTS, latents=noise, **arguments, **sizes, **common).images)
    # No negative prompt is zeros, where the pipeline says so; sizes that are not the picture's; no guidance.
    text.scheduler = EulerDiscreteScheduler(**PLAIN)
    arguments = dict(num_inference_steps=6, guidance_scale=3.0, guidance_rescale=0.0)
    keep("plain", text(PROMPTS, latents=noise, **sizes, **(common | arguments)).images)
    text.scheduler = ddim()
    told = dict(original_size=(300, 200), crops_coords_top_left=(17, 5), target_size=(HEIGHT, WIDTH))
    arguments = dict(num_inference_steps=4, guidance_scale=1.0)
    keep("sizes", text(PROMPTS, latents=noise, **arguments, **told, **sizes, **common).images)

    picture = StableDiffusionXLImg2ImgPipeline(**parts(unet, ddim()))
    picture.set_progress_bar_config(disable=True)
    for name, scheduler in [("ddim", ddim()), ("dpmpp_2m", DPMSolverMultistepScheduler(**ZERO))]:
        picture.scheduler = scheduler
        arguments = dict(num_inference_steps=5, strength=0.6, guidance_scale=4.0, negative_prompt="the dog")
        keep(f"picture.{name}", picture(PROMPTS[0], image=image, **arguments, **common).images)

    for channels, network in ((4, unet), (9, nine)):
        paint = StableDiffusionXLInpaintPipeline(**parts(network, ddim()))
        paint.set_progress_bar_config(disable=True)
        for strength in (1.0, 0.6):
            arguments = dict(num_inference_steps=5, strength=strength, guidance_scale=4.0, negative_prompt="the dog")
            drawn = paint(PROMPTS[0], image=image, mask_image=mask, **arguments, **sizes, **common).images
            keep(f"inpaint.{channels}.{strength}", drawn)
    save_file({name: value.float() for name, value in tensors.items()}, OUT / "cases.safetensors")
    print({name: round(float(value.abs().max()), 2) for name, value in tensors.items()})


with torch.no_grad():
    main()
