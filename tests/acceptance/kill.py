"""Kills the data stages at random moments and at named failpoints, runs them again, and compares.

usage: kill.py TERMINUS WORK [--images 2000] [--kills 20] [--seed 1]

WORK gets a demo collection and one root a kill. After each kill and rerun, originals, shards and index must be
byte-identical to those of a run that was left alone, logs equal as sorted tables without run and times. The rerun does
all that had not been recorded and nothing else, and what was in hand when the kill came is at most one batch: in
`ingest` originals that were kept but are not in the ledger.
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

import pyarrow.parquet as pq
import roots

BATCH_ITEMS = 64
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


def recorded_work(root, stage):
    """Files or samples that a killed stage had recorded, and originals that it had kept without recording them."""
    def rows(pattern):
        tables = [pq.read_table(part) for part in sorted(root.glob(pattern)) if not part.name.startswith(".")]
        return [row for table in tables for row in table.to_pylist()]

    if stage == "ingest":
        ledger = rows("ledger/*.parquet")
        known = {row["sha256"] for row in ledger}
        kept = {path.stem for path in root.glob("originals/*/*") if not path.name.startswith(".")}
        return len({row["item_id"] for row in ledger if row["tile"] == 0}), len(kept - known)
    if stage == "caption":
        return len({row["caption_key"] for row in rows("captions/*.parquet")}), 0
    return sum(pq.ParquetFile(part).metadata.num_rows for part in root.glob("shards/[0-9]*.parquet")), 0


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
                recorded, in_hand = recorded_work(root, stage)
            _, again[name] = run(args, recipe, name)
        faults = roots.differences(expected, roots.state(root))
        leftovers = [str(path) for path in root.rglob(".tmp-*")]
        key = {"ingest": "decoded", "caption": "captioned", "bucket": "packed"}[stage]
        work = again[stage][key]
        if work != alone[stage][key] - recorded:
            faults.append(f"{recorded} were recorded, yet the rerun did {work} of {alone[stage][key]}")
        if in_hand > BATCH_ITEMS:
            faults.append(f"{in_hand} originals were kept and not recorded")
        print(f"{number:2} {stage:8} {when if isinstance(when, str) else f'{when:.2f} s':28} "
              f"rerun did {work:5}, in hand {in_hand:3} {'ok' if not faults and not leftovers else f'FAULT {faults} {leftovers}'}", flush=True)
        bad += bool(faults or leftovers)
    print(f"{len(kills)} kills, {bad} faults")
    sys.exit(1 if bad else 0)


main()
