"""1 and 2 threads write byte-identical shards and index; how much faster 2 are, stage by stage.

usage: threads.py TERMINUS WORK [ROUNDS] [SCALE]   (WORK gets a demo collection of 2,000 images, at scale 1/4 unless told)

Roots are new in every round and deleted at the end: ext4 gives out inodes slowly, and one at a time, right after others
were deleted.
"""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import roots

terminus, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
scale = sys.argv[4] if len(sys.argv) > 4 else "1/4"
target_px = {"1": 768, "1/4": 192, "1/8": 96}[scale]
demo = work / f"demo-{scale.replace('/', '-')}"
work.mkdir(parents=True, exist_ok=True)
if not (demo / "truth.jsonl").exists():
    subprocess.run([terminus, "demo", str(demo), "--images", "2000", "--scale", scale, "-q"], check=True)
for left in work.glob("threads-*"):
    shutil.rmtree(left)
took = {1: [], 2: []}
states = {}
for number in range(rounds):
    for threads in (1, 2):
        root = work / f"threads-{threads}-{number}"
        recipe = work / "threads.toml"
        recipe.write_text(f"""
name = "threads"
root = "{root}"
[[collection]]
name = "midjourney"
source = {{ folder = "{demo}/midjourney" }}
[[collection]]
name = "anchors"
role = "anchor"
source = {{ folder = "{demo}/anchors" }}
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a photograph of a person"
[bucket]
shape = "aspect"
target_px = {target_px}
packing = "png"
shard_rows = 500
""")
        times = {}
        for stage in ("ingest", "caption", "bucket"):
            begun = time.monotonic()
            subprocess.run([terminus, stage, str(recipe), "--quiet", "--threads", str(threads)], check=True, capture_output=True)
            times[stage] = time.monotonic() - begun
        took[threads].append(times)
        states[threads] = {name: roots.files(root, pattern) for name, pattern in
                           (("shards", "shards/*.parquet"), ("index", "generations/*/*/samples.parquet"))}
        print(threads, "threads:", {stage: f"{seconds:.2f} s" for stage, seconds in times.items()}, flush=True)
identical = states[1] == states[2]
print("shards and index byte-identical:", identical)
for left in work.glob("threads-*"):
    shutil.rmtree(left)
ratios = [sum(one.values()) / sum(two.values()) for one, two in zip(took[1], took[2])]
print(f"2 threads are {statistics.median(ratios):.2f} x as fast (all rounds: {', '.join(f'{r:.2f}' for r in ratios)})")
sys.exit(0 if identical else 1)
