"""Ingest against a loop that only reads and decodes the same files.

usage: PYTHON=<python with pillow, numpy> cargo xtask bench ingest [WORK] [--images 2000] [--repeats 3]

The index of near duplicates comes first. Then ingest and `examples/decode_files` of terminus-pixels: both use 2 threads on files in the page cache, by
turns, so that what else the machine does hits both. Prints one table for benches/README.md.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
from PIL import Image

arguments = argparse.ArgumentParser()
arguments.add_argument("terminus")
arguments.add_argument("decode")
arguments.add_argument("near")
arguments.add_argument("work", type=pathlib.Path, nargs="?", default=pathlib.Path("work/bench-ingest"))
arguments.add_argument("--images", type=int, default=2000)
arguments.add_argument("--repeats", type=int, default=3)
args = arguments.parse_args()
subprocess.run([args.near], check=True)
folder = args.work / "files"
SIZES = [(1024, 1024), (1456, 816), (1344, 896), (1232, 928), (2048, 2048), (2688, 1792)]

if not folder.exists():
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for number in range(args.images):
        width, height = SIZES[number % len(SIZES)] if number % 10 < 8 else SIZES[0]
        coarse = rng.integers(0, 256, (height // 64, width // 64, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC)).astype(np.int16)
        image = np.clip(image + rng.normal(0, 4, (height, width, 1)), 0, 255).astype(np.uint8)
        kind = ("jpg", "jpg", "jpg", "png", "webp")[number % 5]
        options = {"jpg": {"quality": 92}, "png": {"compress_level": 3}, "webp": {"quality": 90, "method": 0}}[kind]
        Image.fromarray(image).save(folder / f"{number:05}.{kind}", **options)


def timed(command):
    begun = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return time.monotonic() - begun, int(done.stderr.split()[-1]) / 1024, done.stdout


def ingest(count):
    shutil.rmtree(args.work / "root", ignore_errors=True)
    recipe = args.work / "bench.toml"
    recipe.write_text(f'root = "root"\n[ingest]\nstore = "reference"\n[[collection]]\nname = "c"\nsource = {{ folder = "{count}" }}\n')
    return timed([args.terminus, "ingest", recipe, "--json", "--quiet", "--threads", "2"])


def subset(count):
    target = args.work / str(count)
    if not target.exists():
        target.mkdir()
        for path in sorted(folder.iterdir())[:count]:
            (target / path.name).hardlink_to(path)
    return target


files = sorted(subset(args.images).iterdir())
subset(args.images // 4)
timed([args.decode, "2", subset(args.images)])
decode, whole, memory = [], [], {}
for _ in range(args.repeats):
    seconds, _, table = timed([args.decode, "2", subset(args.images)])
    decode.append(seconds)
    seconds, memory[args.images], out = ingest(args.images)
    whole.append(seconds)
    summary = json.loads(out)
_, memory[args.images // 4], _ = ingest(args.images // 4)
print(table)
print(f"decode alone {statistics.median(decode):.2f} s; ingest {statistics.median(whole):.2f} s; "
      f"ratio {statistics.median(w / d for w, d in zip(whole, decode)):.2f}; {summary['counts']}")
print("peak memory: " + ", ".join(f"{count} images {mib:.0f} MiB" for count, mib in sorted(memory.items())))
