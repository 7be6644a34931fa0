"""Shards and index are byte-identical over 1, 2 and 8 threads and any order of files on disk; how busy the cores were.

usage: order.py TERMINUS WORK [IMAGES]
"""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import roots

terminus, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
images = int(sys.argv[3]) if len(sys.argv) > 3 else 400
shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
subprocess.run([terminus, "demo", work / "demo", "--images", str(images), "--scale", "1/4", "-q"], check=True)
states = []
for round_, threads in enumerate((1, 2, 8)):
    # The same names, made in another order, so that the folder lists them in another.
    source = work / f"source{round_}"
    files = [path for path in (work / "demo").glob("*/*") if path.is_file()]
    random.Random(round_).shuffle(files)
    for path in files:
        copy = source / path.relative_to(work / "demo")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    link = work / "source"
    link.unlink(missing_ok=True)
    link.symlink_to(source)
    recipe, root = work / "order.toml", work / f"root{round_}"
    recipe.write_text(f"""
root = "{root}"
[[collection]]
name = "midjourney"
source = {{ folder = "{link}/midjourney" }}
[[collection]]
name = "anchors"
role = "anchor"
source = {{ folder = "{link}/anchors" }}
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a photograph of a person"
[bucket]
shape = "aspect"
target_px = 192
style = "interest"
crops_per_image = 2
packing = "png"
shard_rows = 100
[mix]
anchor = {{ share_of_all = 0.2 }}
collections.anchors = {{ weight = 2 }}
""")
    for stage in ("ingest", "caption", "bucket"):
        before, begun = os.times(), time.monotonic()
        subprocess.run([terminus, stage, recipe, "-q", "--threads", str(threads)], check=True, capture_output=True)
        after, took = os.times(), time.monotonic() - begun
        busy = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{threads} threads: bucket took {took:.2f} s, {busy / took:.2f} cores busy")
    states.append({name: roots.files(root, pattern) for name, pattern in
                   (("shards", "shards/*.parquet"), ("index", "generations/*/*/samples.parquet"))})
same = states[0] == states[1] == states[2]
print(f"{len(states[0]['shards'])} shards and the index byte-identical:", same)
shutil.rmtree(work)
sys.exit(0 if same else 1)
