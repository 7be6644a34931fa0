"""A second run does nothing; an edited image, a changed threshold and a changed caption rule redo exactly their rows.

usage: again.py TERMINUS WORK   (WORK holds the demo collection that kill.py draws, or gets one of 200 images)
"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

from PIL import Image

terminus, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
demo, root = work / "again-demo", work / "again"
work.mkdir(parents=True, exist_ok=True)
shutil.rmtree(root, ignore_errors=True)
shutil.rmtree(demo, ignore_errors=True)
subprocess.run([terminus, "demo", str(demo), "--images", "200", "--scale", "1/4", "-q"], check=True)
recipe = work / "again.toml"
recipe.write_text(f"""
name = "again"
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
target_px = 128
shard_rows = 50
[mix]
anchor = {{ ratio_to_train = 0.10 }}
""")
expected = []


def run(stage, *sets):
    options = [option for setting in sets for option in ("--set", setting)]
    out = subprocess.run([terminus, stage, str(recipe), "--json", "--quiet", *options], check=True, capture_output=True)
    return json.loads(out.stdout)


def all_stages(title, *sets, **wanted):
    """Runs the three stages and holds the counts against what must have been redone."""
    begun = time.monotonic()
    ingest, caption, bucket = (run(stage, *sets) for stage in ("ingest", "caption", "bucket"))
    seen = {"decoded": ingest["decoded"], "ingest_changed": ingest["changed"], "captioned": caption["captioned"],
            "caption_changed": caption["changed"], "packed": bucket["packed"], "bucket_changed": bucket["changed"],
            "published": bucket["published"]}
    wrong = {key: (seen[key], value) for key, value in wanted.items() if seen[key] != value}
    expected.append(not wrong)
    print(f"{title:34} {time.monotonic() - begun:5.2f} s  {seen}  {'ok' if not wrong else f'WRONG {wrong}'}")
    return ingest, caption, bucket


ingest, caption, bucket = all_stages("first run")
shards = {path: path.stat().st_mtime_ns for path in (root / "shards").iterdir()}
nothing = dict(decoded=0, ingest_changed=0, captioned=0, caption_changed=0, packed=0, bucket_changed=0, published=False)
all_stages("second run", **nothing)

picture = next(path for path in sorted((demo / "midjourney").iterdir())
               if path.suffix == ".png" and Image.open(path).size == (256, 256))
image = Image.open(picture).convert("RGB")
image.putpixel((3, 3), (255, 0, 0))
image.save(picture)
all_stages("one edited image", decoded=1, ingest_changed=0, captioned=1, caption_changed=1, packed=1, bucket_changed=0, published=True)
all_stages("again", **nothing)

total = ingest["counts"]["in"]
anchors = len(list((demo / "anchors").iterdir()))
sets = ["collection=[{name='midjourney',source={folder='%s/midjourney'},min_side_px=200},{name='anchors',role='anchor',source={folder='%s/anchors'},captioner='fixed'}]" % (demo, demo)]
ingest, caption, bucket = all_stages("one changed threshold", *sets, decoded=0, ingest_changed=total - anchors, captioned=0, packed=0)
print("   the threshold rejected", ingest["reasons"].get("too_small", 0), "images of", total, "without reading one")

all_stages("the old threshold again", **{**nothing, "published": True} if ingest["reasons"].get("too_small") else nothing)
all_stages("one changed caption rule", "captioner.fixed.text='a photo'", decoded=0, ingest_changed=0, captioned=anchors,
           caption_changed=anchors, packed=0, bucket_changed=0, published=True)
all_stages("again", "captioner.fixed.text='a photo'", **nothing)
assert all(path.stat().st_mtime_ns == mtime for path, mtime in shards.items()), "a shard was rewritten"
print("no shard of the first run was touched")
sys.exit(0 if all(expected) else 1)
