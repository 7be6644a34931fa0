"""Kills the data stages at random moments and at named failpoints, runs them again, and compares.

usage: kill.py TERMINUS WORK [--images 2000] [--kills 20] [--seed 1]

WORK gets a demo collection and one root a kill. After each kill and rerun, originals, shards and index must be
byte-identical to those of a run that was left alone, logs equal as sorted tables without run and times.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import roots

FAILPOINTS = [
    ("ingest", "store.before_rename:700"), ("ingest", "ingest.before_batch:9"), ("ingest", "ingest.after_batch:9"),
    ("ingest", "ingest.before_verdicts:1"), ("caption", "caption.after_batch:1"), ("bucket", "bucket.after_claim:1"),
    ("bucket", "bucket.after_shard:7"), ("bucket", "bucket.before_index:1"), ("bucket", "bucket.before_manifest:1"),
    ("bucket", "bucket.before_latest:1"),
]
RECIPE = """
name = "kill"
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
target_px = 128
step_px = 32
shard_rows = 50
[mix]
anchor = {{ share_of_all = 0.10 }}
"""


def run(args, recipe, stage, failpoint=None, kill_after=None):
    environment = dict(os.environ)
    if failpoint:
        environment["TERMINUS_FAILPOINT"] = failpoint
    process = subprocess.Popen([args.terminus, stage, recipe, "--json", "--quiet"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment)
    if kill_after is not None:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    out, error = process.communicate()
    if failpoint is None and kill_after is None and process.returncode != 0:
        sys.exit(f"{stage}: {error.decode()}")
    return process.returncode, json.loads(out) if process.returncode == 0 else None


def recipe_for(args, name):
    root = args.work / name
    shutil.rmtree(root, ignore_errors=True)
    path = args.work / f"{name}.toml"
    path.write_text(RECIPE.format(root=root.resolve(), demo=(args.work / "demo").resolve()))
    return path, root


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("terminus")
    arguments.add_argument("work", type=pathlib.Path)
    arguments.add_argument("--images", type=int, default=2000)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    demo = args.work / "demo"
    if not (demo / "truth.jsonl").exists():
        subprocess.run([args.terminus, "demo", str(demo), "--images", str(args.images), "--scale", "1/4", "-q"], check=True)

    recipe, root = recipe_for(args, "alone")
    times, alone = {}, {}
    for stage in ("ingest", "caption", "bucket"):
        begun = time.monotonic()
        _, alone[stage] = run(args, recipe, stage)
        times[stage] = time.monotonic() - begun
    expected = roots.state(root)
    print("undisturbed:", {stage: f"{took:.2f} s" for stage, took in times.items()},
          f"{alone['ingest']['decoded']} decoded, {alone['bucket']['packed']} packed in {alone['bucket']['shards_written']} shards")

    draw = random.Random(args.seed)
    kills = list(FAILPOINTS)
    kills += [(stage, draw.uniform(0.02, times[stage])) for stage in draw.choices(["ingest", "bucket"], k=args.kills)]
    bad = 0
    for number, (stage, when) in enumerate(kills):
        recipe, root = recipe_for(args, "killed")
        done, again = {}, {}
        for name in ("ingest", "caption", "bucket"):
            if name == stage:
                failpoint, after = (when, None) if isinstance(when, str) else (None, when)
                code, _ = run(args, recipe, name, failpoint, after)
                if code == 0:
                    print("  (it had ended before the kill)")
            _, again[name] = run(args, recipe, name)
        faults = roots.differences(expected, roots.state(root))
        leftovers = [str(path) for path in root.rglob(".tmp-*")]
        work = again["ingest"]["decoded"] if stage == "ingest" else again["bucket"]["packed"]
        print(f"{number:2} {stage:8} {when if isinstance(when, str) else f'{when:.2f} s':28} "
              f"rerun did {work:5} {'ok' if not faults and not leftovers else f'FAULT {faults} {leftovers}'}", flush=True)
        bad += bool(faults or leftovers)
    print(f"{len(kills)} kills, {bad} faults")
    sys.exit(1 if bad else 0)


main()
