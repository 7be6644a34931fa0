"""Start to first step: `terminus sample` of one step against the same in Python, each a process of its own, in turn.

    python benches/start.py TERMINUS MODEL [ROUNDS]

Both load the model from a diffusers folder, encode the prompt, take one step with guidance and write the latents.
"""

import statistics
import subprocess
import sys
import tempfile
import time

SCRIPT = """
import sys, torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file
torch.set_num_threads(1)
pipeline = StableDiffusionXLPipeline.from_pretrained(sys.argv[1])
pipeline.set_progress_bar_config(disable=True)
side = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
latents = pipeline("a cat", width=side, height=side, num_inference_steps=1, guidance_scale=7.5, guidance_rescale=0.7,
                   output_type="latent").images
save_file({"latents": latents}, sys.argv[2])
"""


def main():
    terminus, model, rounds = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["5"])[0])
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as out:
        commands = {
            "terminus": [terminus, "sample", "--model", model, "--prompt", "a cat", "--num-inference-steps", "1",
                         "--save-latents", out.name, "--no-decode", "--quiet", "--threads", "1"],
            "diffusers": [sys.executable, "-c", SCRIPT, model, out.name],
        }
        times = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                times[name].append(time.perf_counter() - start)
    for name, seconds in times.items():
        print(f"{name:10} median {statistics.median(seconds):.2f} s, least {min(seconds):.2f} s")
    ratio = statistics.median(b / a for a, b in zip(times["terminus"], times["diffusers"]))
    print(f"median of the ratios: {ratio:.1f}")


main()
