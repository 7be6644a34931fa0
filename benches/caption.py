"""A captioning model here and in transformers, and its preprocessing here and in Pillow: `cargo xtask bench caption`.

    python benches/caption.py TIME_VLM FIT [--threads N] [--repeats N] [--only model|places|pillow] [--precision f32 bf16]

TIME_VLM is the program of caption/examples/time_vlm.rs, FIT that of crates/pixels/examples/fit.rs. The model is a LLaVA of
about 150 M parameters with random weights. transformers runs in its best settings on this CPU: scaled dot product
attention, inference mode, and the better of a growing and a static cache. Each side is a process of its own, asked in turn
for one and for 41 tokens: the first is the prefill, the difference 40 steps of decoding. In f32 both give the same tokens.
Then captions of many lengths: places given on at once, against one batch after the other.

Written with Python 3.11, torch 2.11.0, transformers 5.23.0, Pillow 13.0.0.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, STEPS = 224, 40
CASES = [(2048, 1376, 490, Image.BICUBIC, "bicubic"), (1024, 1024, 384, Image.LANCZOS, "lanczos")]
TOKENIZER = Path(__file__).parent.parent / "caption/tests/golden/llava/tokenizer.json"
BEFORE = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful image captioner.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n"
)
AFTER = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"


def picture(w, h):
    i = np.arange(w * h * 3, dtype=np.uint32)
    return ((i * i) >> 7).astype(np.uint8)


def make(folder):
    """Writes the model's folder."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, SiglipVisionConfig

    token = Tokenizer.from_file(str(TOKENIZER)).token_to_id
    vision = SiglipVisionConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=12, num_attention_heads=6, image_size=SIDE, patch_size=16,
        hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
        num_key_value_heads=4, rms_norm_eps=1e-5, max_position_embeddings=4096, bos_token_id=token("<|begin_of_text|>"),
        eos_token_id=token("<|end_of_text|>"), tie_word_embeddings=False,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=token("<image>"), vision_feature_layer=-2,
        vision_feature_select_strategy="full", projector_hidden_act="gelu", image_seq_length=(SIDE // 16) ** 2,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.copy_(torch.randn_like(parameter) * 1.5 / parameter.shape[-1] ** 0.5)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.0f} M parameters", flush=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    shutil.copy(TOKENIZER, folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"resample": 3, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}))


def peak_kib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def serve(folder, threads, cache, precision):
    """transformers as a program that speaks as TIME_VLM does."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlavaForConditionalGeneration

    torch.set_num_threads(threads)
    start = peak_kib()
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    image = model.config.image_token_id
    ids = encode(BEFORE) + [image] * (SIDE // 16) ** 2 + encode("Describe the image." + AFTER)
    pixels = torch.from_numpy(picture(SIDE, SIDE).reshape(SIDE, SIDE, 3).astype(np.float32) / 255).permute(2, 0, 1)
    pixels = ((pixels - 0.5) / 0.5).to(dtype)
    print(f"ready {start}", flush=True)
    for line in sys.stdin:
        batch, tokens = map(int, line.split())
        rows = torch.tensor([ids] * batch)
        seen = torch.stack([pixels] * batch)
        begun = time.perf_counter()
        with torch.inference_mode():
            said = model.generate(
                input_ids=rows, attention_mask=torch.ones_like(rows), pixel_values=seen, max_new_tokens=tokens, do_sample=False,
                eos_token_id=None, pad_token_id=0, cache_implementation=None if cache == "dynamic" else cache, disable_compile=True,
            )  # fmt: skip
        seconds = time.perf_counter() - begun
        print(seconds, ",".join(map(str, said[0, rows.shape[1] :].tolist())), peak_kib(), flush=True)


class Side:
    def __init__(self, command, threads):
        threads = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
        self.start = int(self.process.stdout.readline().split()[1])
        self.peak = 0

    def ask(self, batch, tokens):
        self.process.stdin.write(f"{batch} {tokens}\n")
        self.process.stdin.flush()
        seconds, ids, self.peak = self.process.stdout.readline().split()
        return float(seconds), ids


def models(program, threads, repeats, precisions, parts):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--make", folder], check=True)
        for precision in precisions:
            for part in parts:
                part(program, folder, threads, repeats, precision)


def model(program, folder, threads, repeats, precision):
    rival = [sys.executable, __file__, "--serve", folder, "--threads", str(threads), "--precision", precision, "--cache"]
    sides = {
        "terminus": Side([program, folder, str(threads), str(SIDE), precision], threads),
        "transformers": Side([*rival, "dynamic"], threads),
        "transformers, static cache": Side([*rival, "static"], threads),
    }
    for batch in (1, 8):
        prefill, decode, answers = {}, {}, {}
        for repeat in range(repeats + 1):
            for name, side in sides.items():
                side.ask(batch, 1)  # the caches are full of the side before
                first, _ = side.ask(batch, 1)
                whole, answers[name] = side.ask(batch, 1 + STEPS)
                if repeat:  # the first warms up
                    prefill.setdefault(name, []).append(batch / first)
                    decode.setdefault(name, []).append(batch * STEPS / (whole - first))
        same = len(set(answers.values())) == 1
        print(f"{precision} batch {batch}: {len(set(answers['terminus'].split(',')))} distinct tokens, the same from all: {same}")
        for what, rates, unit in [("prefill", prefill, "images/s"), ("decode", decode, "tokens/s")]:
            ours = statistics.median(rates["terminus"])
            for name, values in rates.items():
                median = statistics.median(values)
                ratio = ours / median
                print(f"  {what:8}{name:28}{median:8.2f} {unit} (best {max(values):.2f}), ratio {ratio:.2f}", flush=True)
    for name, side in sides.items():
        peak = int(side.peak) / 1024
        print(f"peak memory {name:28}{peak:7.0f} MiB, {peak - side.start / 1024:.0f} MiB of it since the model was opened")
    for side in sides.values():
        side.process.stdin.close()
        side.process.wait()


def places(program, folder, threads, repeats, precision, batch=8, count=32, most=120):
    """Captions of many lengths: each place given on as its caption is at its end, and one batch after the other."""
    side = Side([program, folder, str(threads), str(SIDE), precision], threads)
    rng = np.random.default_rng(0)
    for name, lengths in [
        ("60 tokens, half of them between 47 and 76", rng.lognormal(np.log(60), 0.35, count)),
        ("lengths as of a coin that ends one caption in 60 tokens", rng.geometric(1 / 60, count)),
    ]:
        lengths = ",".join(str(length) for length in np.clip(lengths.astype(int), 1, most))
        ratios, rates = [], []
        for _ in range(repeats):
            apart, first = side.ask(batch, f"{lengths} apart")
            given_on, same = side.ask(batch, lengths)
            assert first == same
            ratios.append(apart / given_on)
            rates.append(count / given_on)
        print(
            f"{precision} {count} captions of {name}, {batch} at a time: {statistics.median(rates):.2f} captions/s, "
            f"ratio to one batch after the other {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
            flush=True,
        )
    side.process.stdin.close()
    side.process.wait()


def pillow(program):
    for _ in range(3):
        print(subprocess.run([program], capture_output=True, text=True, check=True).stdout, end="")
        for w, h, side, method, name in CASES:
            image = Image.frombytes("RGB", (w, h), picture(w, h).tobytes())
            times = []
            for _ in range(15):
                start = time.perf_counter()
                image.resize((side, side), method)
                times.append((time.perf_counter() - start) * 1e3)
            times.sort()
            print(f"Pillow   {w}x{h} to {side}x{side} {name}: {times[7]:.2f} ms, least {times[0]:.2f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=["model", "places", "pillow"])
    parser.add_argument("--precision", nargs="+", choices=["f32", "bf16"], default=["f32", "bf16"])
    # The script's own processes.
    parser.add_argument("--make", type=Path)
    parser.add_argument("--serve")
    parser.add_argument("--cache", default="dynamic")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make)
    elif arguments.serve:
        serve(arguments.serve, arguments.threads, arguments.cache, arguments.precision[0])
    else:
        time_vlm, fit = arguments.programs
        parts = {"model": [model], "places": [places], "pillow": []}.get(arguments.only, [model, places])
        if parts:
            models(time_vlm, arguments.threads, arguments.repeats, arguments.precision, parts)
        if arguments.only in (None, "pillow"):
            pillow(fit)


main()
