"""Cutting, packing and planning, beside what Pillow and cp do with the same files.

usage: PYTHON=<python with pillow, numpy> cargo xtask bench bucket [--rounds 3] [--images 600]

Every rival is timed in turns with ours, so that noise of the machine hits both; ratios are medians over the rounds.
"""
import argparse
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent.parent
TERMINUS = HERE / "target/release/terminus"
BENCH = HERE / "target/release/examples/bench"
SIZES = [((1456, 816), (1344, 768)), ((1344, 896), (1216, 832)), ((2048, 1376), (1024, 1024))]


def ours(*args):
    return json.loads(subprocess.run([BENCH, *map(str, args)], check=True, capture_output=True).stdout)


def pillow_jpeg(files, size):
    begun, size_bytes = time.perf_counter(), 0
    for file in files:
        image = Image.open(io.BytesIO(file))
        top, left = ((image.height - size[1]) // 2 // 16 * 16, (image.width - size[0]) // 2 // 16 * 16)
        out = io.BytesIO()
        image.crop((left, top, left + size[0], top + size[1])).save(out, "JPEG", quality=95)
        size_bytes += len(out.getvalue())
    return time.perf_counter() - begun, size_bytes


def pillow_png(files, size):
    begun, size_bytes = time.perf_counter(), 0
    for file in files:
        image = Image.open(io.BytesIO(file))
        top, left = ((image.height - size[1]) // 2 // 16 * 16, (image.width - size[0]) // 2 // 16 * 16)
        out = io.BytesIO()
        image.crop((left, top, left + size[0], top + size[1])).save(out, "PNG")
        size_bytes += len(out.getvalue())
    return time.perf_counter() - begun, size_bytes


def timed(args, **kwargs):
    begun = time.perf_counter()
    subprocess.run(list(map(str, args)), check=True, capture_output=True, **kwargs)
    return time.perf_counter() - begun


def peak_mb(args):
    """Seconds and peak memory of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen(list(map(str, args)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, args
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def recipe(work, name, source, more=""):
    path = work / f"{name}.toml"
    path.write_text(f"""
root = "{work}/root-{name}"
[ingest]
store = "reference"
[[collection]]
name = "files"
source = {{ folder = "{source}" }}
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a picture"
[bucket]
target_px = 1024
{more}
""")
    return path


def prepare(path):
    for stage in ("ingest", "caption"):
        subprocess.run([TERMINUS, stage, path, "-q"], check=True, capture_output=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--images", type=int, default=600)
    arguments.add_argument("--no-build", action="store_true", help="measure the programs that are there")
    args = arguments.parse_args()
    for build in [] if args.no_build else (["--no-default-features"], ["-p", "terminus-bucket", "--example", "bench"]):
        subprocess.run(["cargo", "build", "--release", *build], check=True, cwd=HERE)
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-bucket-", dir=HERE / "target"))
    try:
        print(f"# cargo xtask bench bucket, {os.cpu_count()} cores")
        planned = ours("plan", 1_000_000)
        print(f"plan and mix 1,000,000 rows: square {planned['square']:.2f} s, aspect {planned['aspect']:.2f} s, "
              f"peak {planned['peak_mb']} MB with the index in memory")
        subprocess.run([TERMINUS, "demo", work / "demo", "--images", "24", "--scale", "1", "-q"], check=True)
        pictures = [Image.open(path).convert("RGB") for path in sorted((work / "demo/midjourney").glob("*.*"))
                    if path.suffix in (".png", ".jpg", ".webp")]
        cutting(args, work, pictures)
        packing(args, work, pictures)
    finally:
        shutil.rmtree(work)


def cutting(args, work, pictures):
    for whole, part in SIZES:
        folder = work / f"{whole[0]}x{whole[1]}"
        folder.mkdir()
        for number, picture in enumerate(pictures):
            picture.resize(whole, Image.Resampling.LANCZOS).save(folder / f"{number}.jpg", quality=95)
        paths = sorted(folder.iterdir())
        files = [path.read_bytes() for path in paths]
        rows = {"jpeg-lossless": [], "png": []}
        for _ in range(args.rounds):
            for kind, rival in (("jpeg-lossless", pillow_jpeg), ("png", pillow_png)):
                mine = ours("cut", kind, *part, *paths)
                seconds, size_bytes = rival(files, part)
                rows[kind].append((seconds / mine["seconds"], mine["bytes"] / size_bytes, mine["seconds"], seconds))
        for kind, found in rows.items():
            ratio, size_ratio, mine, theirs = (statistics.median(column) for column in zip(*found))
            rival = "decode-crop-encode(q95)" if kind == "jpeg-lossless" else "decode-crop-PNG"
            print(f"{kind:13} {whole[0]}x{whole[1]} -> {part[0]}x{part[1]}: {len(paths) / mine:6.1f} images/s a core, "
                  f"{ratio:.2f} x Pillow's {rival} ({len(paths) / theirs:.1f}/s), {size_ratio:.3f} x its bytes")


def packing(args, work, pictures):
    source = work / "source"
    source.mkdir()
    draw = np.random.default_rng(1)
    squares = [picture.resize((1024, 1024), Image.Resampling.LANCZOS) for picture in pictures]
    for number in range(args.images):
        # Noise makes each file another one, and as large as a photograph's.
        noise = draw.integers(-6, 7, (1024, 1024, 1))
        pixels = np.clip(np.asarray(squares[number % len(squares)]).astype(int) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(source / f"{number:05}.jpg", quality=92)
    size_bytes = sum(path.stat().st_size for path in source.iterdir())
    ratios, rates, copies = [], [], []
    for number in range(args.rounds):
        path = recipe(work, f"verbatim{number}", source)
        prepare(path)
        mine = timed([TERMINUS, "bucket", path, "-q", "--threads", "2"])
        target = work / f"copy{number}"
        theirs = timed(["sh", "-c", f"cp -r {source} {target} && sync -f {target}"])
        ratios.append(theirs / mine)
        rates.append(size_bytes / mine / 1e6)
        copies.append(size_bytes / theirs / 1e6)
        shutil.rmtree(target)
        if number < args.rounds - 1:
            shutil.rmtree(work / f"root-verbatim{number}")
    print(f"verbatim, {args.images} files of {size_bytes / args.images / 1000:.0f} kB, 2 threads: "
          f"{statistics.median(rates):.0f} MB/s, cp and sync {statistics.median(copies):.0f} MB/s, "
          f"ratio {statistics.median(ratios):.2f}")

    more = 'packing = "png"'
    path = recipe(work, "full", source, more)
    prepare(path)
    full, peak = peak_mb([TERMINUS, "bucket", path, "-q"])
    for number in range(args.images // 100):
        Image.fromarray(draw.integers(0, 256, (1024, 1024, 3), dtype=np.uint8)).save(source / f"new{number}.jpg", quality=50)
    prepare(path)
    added, _ = peak_mb([TERMINUS, "bucket", path, "-q"])
    unchanged, _ = peak_mb([TERMINUS, "bucket", path, "-q"])
    print(f"incremental: {args.images} images packed as png in {full:.2f} s, 1 % more in {added:.2f} s "
          f"({100 * added / full:.1f} %), nothing new in {unchanged:.2f} s")

    few = work / "few"
    few.mkdir()
    for path in sorted(source.iterdir())[: args.images // 4]:
        shutil.copy(path, few / path.name)
    path = recipe(work, "few", few, more)
    prepare(path)
    _, few_peak = peak_mb([TERMINUS, "bucket", path, "-q"])
    print(f"peak memory: {few_peak:.0f} MB for {args.images // 4} images, {peak:.0f} MB for {args.images}")


main()
