"""Cutting, packing and planning, beside what Pillow and cp do with the same files.

usage: PYTHON=<python with pillow, numpy> cargo xtask bench bucket [--rounds 3] [--images 600] [--verbatim 2400] [--part PART]

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
import sys
import tempfile
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent.parent
TERMINUS = HERE / "target/release/terminus"
BENCH = HERE / "target/release/examples/bench"
PARTS = ["plan", "cut", "verbatim", "incremental", "memory"]
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


def recipe(work, name, source, more="", target_px=1024):
    path = work / f"{name}.toml"
    path.write_text(f"""
root = "{work}/root-{name}"
[ingest]
store = "reference"
duplicates.near = false
[[collection]]
name = "files"
source = {{ folder = "{source}" }}
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a picture"
[bucket]
target_px = {target_px}
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
    arguments.add_argument("--memory", type=int, nargs="*", default=[500, 2000, 8000], help="numbers of images for the peak memory")
    arguments.add_argument("--verbatim", type=int, default=2400, help="files of half a megabyte that are packed as they are")
    arguments.add_argument("--part", choices=PARTS, action="append", help="only this part")
    arguments.add_argument("--no-build", action="store_true", help="measure the programs that are there")
    args = arguments.parse_args()
    for build in [] if args.no_build else (["--no-default-features"], ["-p", "terminus-bucket", "--example", "bench"]):
        subprocess.run(["cargo", "build", "--release", *build], check=True, cwd=HERE)
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-bucket-", dir=HERE / "target"))
    try:
        print(f"# cargo xtask bench bucket, {os.cpu_count()} cores")
        parts = args.part or PARTS
        if "plan" in parts:
            planned = [ours("plan", 1_000_000) for _ in range(args.rounds)]
            square, aspect = (statistics.median(plan[shape] for plan in planned) for shape in ("square", "aspect"))
            peak = max(plan["peak_mb"] for plan in planned)
            print(f"plan and mix 1,000,000 rows: square {square:.2f} s, aspect {aspect:.2f} s, "
                  f"peak {peak} MB with the index in memory", flush=True)
        subprocess.run([TERMINUS, "demo", work / "demo", "--images", "24", "--scale", "1", "-q"], check=True)
        pictures = [Image.open(path).convert("RGB") for path in sorted((work / "demo/midjourney").glob("*.*"))
                    if path.suffix in (".png", ".jpg", ".webp")]
        if "cut" in parts:
            cutting(args, work, pictures)
        for part, measure in (("verbatim", verbatim), ("incremental", incremental), ("memory", memory)):
            if part in parts:
                measure(args, work, pictures)
    finally:
        shutil.rmtree(work)


def cutting(args, work, pictures):
    for whole, part in SIZES:
        folder = work / f"{whole[0]}x{whole[1]}"
        paths = {}
        for coding in ("plain", "progressive"):
            (folder / coding).mkdir(parents=True)
            for number, picture in enumerate(pictures):
                picture.resize(whole, Image.Resampling.LANCZOS).save(
                    folder / coding / f"{number}.jpg", quality=95, progressive=coding == "progressive")
            paths[coding] = sorted((folder / coding).iterdir())
        files = {coding: [path.read_bytes() for path in found] for coding, found in paths.items()}
        cases = (("jpeg-lossless", "plain", pillow_jpeg), ("jpeg-lossless", "progressive", pillow_jpeg), ("png", "plain", pillow_png))
        rows = {case: [] for case in cases}
        for _ in range(args.rounds):
            for case in cases:
                kind, coding, rival = case
                mine = ours("cut", kind, *part, *paths[coding])
                seconds, size_bytes = rival(files[coding], part)
                rows[case].append((seconds / mine["seconds"], mine["bytes"] / size_bytes, mine["seconds"], seconds))
        for (kind, coding, _), found in rows.items():
            ratio, size_ratio, mine, theirs = (statistics.median(column) for column in zip(*found))
            rival = "decode-crop-encode(q95)" if kind == "jpeg-lossless" else "decode-crop-PNG"
            print(f"{kind:13} of {coding} {whole[0]}x{whole[1]} -> {part[0]}x{part[1]}: {len(pictures) / mine:6.1f} images/s a core, "
                  f"{ratio:.2f} x Pillow's {rival} ({len(pictures) / theirs:.1f}/s), {size_ratio:.3f} x its bytes", flush=True)


def source_of(folder, pictures, images, quality=92):
    """Writes files of 1024 x 1024, each another picture."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    # A corner of each, so that no seam lies where a grid of four pictures has its own.
    parts = [picture.crop((0, 0, picture.width * 7 // 10, picture.height * 7 // 10)) for picture in pictures]
    squares = [np.asarray(part.resize((1024, 1024), Image.Resampling.LANCZOS)).astype(int) for part in parts]
    # Noise makes each file another one, and as large as a photograph's.
    noise = [draw.integers(-6, 7, (1024, 1024, 1)) for _ in range(8)]
    for number in range(images):
        pixels = squares[number % len(squares)] + np.roll(noise[number % 8], number, axis=0)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number:05}.jpg", quality=quality)


def bucketed(path, expected, *more):
    """Seconds and peak memory of the stage; it must have that many samples."""
    # A process's peak counts that of the one that it was forked from: a small one does it.
    run = "import os, subprocess, sys; p = subprocess.Popen(sys.argv[1:]); _, s, u = os.wait4(p.pid, 0); sys.stderr.write(f'{s} {u.ru_maxrss}')"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-SEc", run, TERMINUS, "bucket", path, "-q", "--json", *more], capture_output=True, text=True)
    took = time.perf_counter() - begun
    status, peak_kb = map(int, done.stderr.split()[-2:])
    found = json.dumps(json.loads(done.stdout))
    assert status == 0 and (expected is None or f'"samples": {expected}' in found), found
    return took, peak_kb / 1024


def verbatim(args, work, pictures):
    source = work / "verbatim-source"
    source_of(source, pictures, args.verbatim, quality=97)
    size_bytes = sum(path.stat().st_size for path in source.iterdir())
    path = recipe(work, "verbatim", source)
    prepare(path)
    root, kept = work / "root-verbatim", work / "root-kept"
    root.rename(kept)
    rounds = []
    for number in range(args.rounds):
        shutil.copytree(kept, root)
        os.sync()
        mine, _ = bucketed(path, args.verbatim, "--threads", "2")
        shutil.rmtree(root)
        os.sync()
        target = work / f"copy{number}"
        theirs = timed(["sh", "-c", f"cp -r {source} {target} && sync -f {target}"])
        rounds.append((theirs / mine, size_bytes / mine / 1e6, size_bytes / theirs / 1e6))
        shutil.rmtree(target)
    ratio, rate, copy = (statistics.median(column) for column in zip(*rounds))
    print(f"verbatim, {args.verbatim} files of {size_bytes / args.verbatim / 1000:.0f} kB, 2 threads: "
          f"{rate:.0f} MB/s, cp and sync {copy:.0f} MB/s, ratio {ratio:.2f}", flush=True)
    shutil.rmtree(source)


def incremental(args, work, pictures):
    source = work / "source"
    source_of(source, pictures, args.images)
    path = recipe(work, "full", source, 'packing = "png"')
    prepare(path)
    full, _ = bucketed(path, args.images)
    draw = np.random.default_rng(2)
    for number in range(args.images // 100):
        pixels = draw.integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(source / f"new{number}.jpg", quality=50)
    prepare(path)
    added, _ = bucketed(path, args.images + args.images // 100)
    unchanged, _ = bucketed(path, args.images + args.images // 100)
    print(f"incremental: {args.images} images packed as png in {full:.2f} s, 1 % more in {added:.2f} s "
          f"({100 * added / full:.1f} %), nothing new in {unchanged:.2f} s", flush=True)
    shutil.rmtree(work / "root-full")
    shutil.rmtree(source)


def memory(args, work, pictures):
    # Small files, many of them: the memory of tables and windows, not of one large picture.
    folder = work / "many"
    peaks = {}
    for images in args.memory:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        small = [picture.resize((256, 256)) for picture in pictures]
        for number in range(images):
            picture = small[number % len(small)].copy()
            picture.putpixel((number % 256, number // 256), (255, 0, 255))
            picture.save(folder / f"{number:05}.png", compress_level=1)
        path = recipe(work, f"many{images}", folder, 'packing = "png"', target_px=192)
        prepare(path)
        _, peaks[images] = bucketed(path, None)
    print("peak memory of packing 192 x 192 px: " + ", ".join(f"{peak:.0f} MB for {images} images" for images, peak in peaks.items()))


main()
