"""A generation that is being written is killed 20 times while a reader polls: it never sees a partial one.

usage: poll.py TERMINUS WORK [--kills 20] [--images 600]

The collection grows before every run, so that each has shards to write. The reader follows latest.json as a trainer
does, and holds manifest, index and every shard against their hashes.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

import pyarrow.parquet as pq

RECIPE = """
name = "poll"
root = "{root}"
[[collection]]
name = "midjourney"
source = {{ folder = "{source}" }}
[bucket]
shape = "aspect"
target_px = 192
packing = "png"
shard_rows = 20
"""
FAILPOINTS = ["bucket.after_claim:1", "bucket.after_shard:1", "bucket.before_index:1", "bucket.before_manifest:1",
              "bucket.before_latest:1"]


def look(folder, seen, whole):
    """Reads the newest generation and everything that it names."""
    try:
        latest = json.loads((folder / "latest.json").read_text())
    except FileNotFoundError:
        return
    manifest_path = folder / latest["manifest"]
    text = manifest_path.read_bytes()
    assert hashlib.sha256(text).hexdigest() == latest["sha256"], "manifest"
    manifest = json.loads(text)
    number = manifest["generation"]
    assert number >= seen["newest"], "generations go forward"
    seen["newest"] = number
    seen["looks"] += 1
    index = (manifest_path.parent / manifest["samples"]["path"]).read_bytes()
    assert hashlib.sha256(index).hexdigest() == manifest["samples"]["sha256"], "index"
    for shard in manifest["shards"]:
        path = manifest_path.parent / shard["path"]
        if shard["path"] not in whole:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"], shard
            whole.add(shard["path"])
        assert path.stat().st_size == shard["size_bytes"]
    rows = pq.read_table(manifest_path.parent / manifest["samples"]["path"])
    assert rows.num_rows == manifest["samples"]["rows"] > 0
    assert set(rows["shard"].to_pylist()) == {shard["path"] for shard in manifest["shards"]}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("terminus")
    arguments.add_argument("work", type=pathlib.Path)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--images", type=int, default=600)
    args = arguments.parse_args()
    work = args.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    subprocess.run([args.terminus, "demo", work / "demo", "--images", str(args.images), "--scale", "1/4", "-q"], check=True)
    pictures = sorted(path for path in (work / "demo/midjourney").iterdir() if path.suffix != ".txt")
    source, recipe, root = work / "source", work / "poll.toml", work / "root"
    source.mkdir()
    recipe.write_text(RECIPE.format(root=root, source=source))

    seen, faults, done = {"newest": 0, "looks": 0}, [], threading.Event()
    whole = set()

    def poll():
        while not done.is_set():
            try:
                look(root / "generations/poll", seen, whole)
            except Exception as fault:  # whatever a reader trips over is the finding
                faults.append(repr(fault))
            time.sleep(0.002)

    reader = threading.Thread(target=poll)
    reader.start()
    draw = random.Random(1)
    step = len(pictures) // (args.kills + 1)
    killed = 0
    for number in range(args.kills + 1):
        for path in pictures[number * step : (number + 1) * step]:
            shutil.copy(path, source / path.name)
            text = path.with_suffix(".txt")
            if text.exists():
                shutil.copy(text, source / text.name)
        for stage in ("ingest", "caption"):
            subprocess.run([args.terminus, stage, recipe, "-q"], check=True, capture_output=True)
        if number < args.kills:
            environment = dict(os.environ)
            if number % 2 == 0:
                environment["TERMINUS_FAILPOINT"] = FAILPOINTS[number // 2 % len(FAILPOINTS)]
            process = subprocess.Popen([args.terminus, "bucket", recipe, "-q"], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if number % 2 == 1:
                time.sleep(draw.uniform(0.005, 0.12))
                process.send_signal(signal.SIGKILL)
            killed += process.wait() != 0
        if number % 3 == 2 or number == args.kills:
            subprocess.run([args.terminus, "bucket", recipe, "-q"], check=True, capture_output=True)
            time.sleep(0.05)
    done.set()
    reader.join()
    subprocess.run([args.terminus, "verify", recipe], check=True, capture_output=True)
    print(f"{killed} of {args.kills} runs killed, {seen['looks']} looks by the reader, "
          f"generation {seen['newest']} at the end, {len(faults)} faults")
    for fault in faults[:5]:
        print("FAULT", fault)
    raise SystemExit(1 if faults or killed < args.kills * 3 // 4 else 0)


main()
