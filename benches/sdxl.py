"""Times SDXL's UNet here and in diffusers, in turn, on the same weights: `cargo xtask bench sdxl`.

    python benches/sdxl.py TIME_UNET [--repeats N] [--threads N] [--compile]

TIME_UNET is the program of train/examples/time_unet.rs. diffusers runs in its best settings on this CPU: channels-last,
attention by scaled_dot_product_attention. For bf16 a forward pass has the better of autocast and a network in bf16, a
backward pass autocast over f32 masters, as training has it here. The median and the least time of each are printed.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

CONFIG = dict(
    sample_size=64,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[128, 256, 384],
    layers_per_block=2,
    transformer_layers_per_block=[1, 2, 6],
    attention_head_dim=[2, 4, 6],
    cross_attention_dim=768,
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
    use_linear_projection=True,
)


class Diffusers:
    """The rival: a network for each way of computing, given the same weights."""

    def __init__(self, masters, case, compiles):
        self.case = case
        self.masters = masters.to(memory_format=torch.channels_last)
        self.plain = masters
        half = UNet2DConditionModel(**CONFIG)
        half.load_state_dict(masters.state_dict())
        self.half = half.to(torch.bfloat16, memory_format=torch.channels_last)
        if compiles:
            self.masters, self.half = torch.compile(self.masters), torch.compile(self.half)

    def run(self, what):
        kind, way, cast = what
        is_half = kind == "bf16"
        network = self.half if is_half and not cast else self.masters
        dtype = torch.bfloat16 if is_half and not cast else torch.float32
        latents = self.case["latents"].to(dtype).to(memory_format=torch.channels_last)
        text = self.case["encoder_hidden_states"].to(dtype)
        added = dict(text_embeds=self.case["text_embeds"].to(dtype), time_ids=self.case["time_ids"])
        self.plain.zero_grad()
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_half and cast):
            if way == "forward":
                with torch.no_grad():
                    output = network(latents, self.case["timesteps"], text, added_cond_kwargs=added).sample
            else:
                output = network(latents, self.case["timesteps"], text, added_cond_kwargs=added).sample
        if way == "backward":
            output.float().square().mean().backward()
        seconds = time.perf_counter() - start
        return seconds, float(output.detach().float().abs().mean())


class Terminus:
    def __init__(self, program, files, threads):
        command = [program, *map(str, files), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready"

    def run(self, what):
        self.process.stdin.write(f"{what[0]} {what[1]}\n")
        self.process.stdin.flush()
        seconds, magnitude = self.process.stdout.readline().split()
        return float(seconds), float(magnitude)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--only", help="a row alone, such as `f32-forward`")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    masters = UNet2DConditionModel(**CONFIG)
    print(f"{sum(p.numel() for p in masters.parameters()) / 1e6:.0f} M parameters, {arguments.threads} threads")
    case = dict(
        latents=torch.randn(1, 4, 64, 64),
        timesteps=torch.tensor([500]),
        encoder_hidden_states=torch.randn(1, 77, 768),
        text_embeds=torch.randn(1, 1280),
        time_ids=torch.tensor([[512.0, 512, 0, 0, 512, 512]]),
    )
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = [folder / name for name in ("config.json", "weights.safetensors", "case.safetensors")]
        files[0].write_text(json.dumps({k: v for k, v in masters.config.items() if not k.startswith("_")}))
        save_file(masters.state_dict(), files[1])
        save_file(case, files[2])
        ours = Terminus(arguments.program, files, arguments.threads)
        rival = Diffusers(masters, case, arguments.compile)
        rows = [("f32", "forward", [False]), ("f32", "backward", [False])]
        rows += [("bf16", "forward", [True, False]), ("bf16", "backward", [True])]
        rows = [row for row in rows if arguments.only in (None, f"{row[0]}-{row[1]}")]
        for kind, way, casts in rows:
            times = {"terminus": []} | {f"diffusers{' autocast' if c else ''}": [] for c in casts}
            sums = {}
            for repeat in range(arguments.repeats + 1):
                for name, runner, what in [("terminus", ours, (kind, way))] + [
                    (f"diffusers{' autocast' if c else ''}", rival, (kind, way, c)) for c in casts
                ]:
                    seconds, sums[name] = runner.run(what)
                    if repeat:  # the first warms up
                        times[name].append(seconds)
            for name, seconds in times.items():
                print(
                    f"{kind} {way:8} {name:20} median {statistics.median(seconds):.3f} s, "
                    f"least {min(seconds):.3f} s, mean |output| {sums[name]:.5f}",
                    flush=True,
                )


main()
