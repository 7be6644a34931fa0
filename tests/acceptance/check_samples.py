"""Holds every sample of the newest generation against its original, read by Pillow alone.

usage: check_samples.py ROOT RECIPE [--expect N]

exact samples (verbatim, png, webp-lossless) must equal `original[top:top+h, left:left+w]` of the oriented, colour-managed original;
jpeg-lossless ones inside a 1-px border. Pictures with a foreign ICC profile may differ by 2 (ImageCms rounds in other
places), CMYK with a profile too. Exits 1 on any difference beyond that.
"""
import argparse
import collections
import io
import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageCms, ImageOps

Image.MAX_IMAGE_PIXELS = None
SRGB = ImageCms.createProfile("sRGB")


def to_rgb(image):
    """8-bit RGB of an open image by Pillow's own means, alpha on white; and the tolerance that its colours need."""
    tolerance = 0
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        return np.repeat((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)[..., None], 3, 2), 0
    if icc and image.mode != "P":
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name = ImageCms.getProfileDescription(profile)
        if "srgb" not in name.lower():
            tolerance = 2
            alpha = image.getchannel("A") if image.mode == "RGBA" else None
            base = image.convert("RGB") if alpha is not None else image
            base = ImageCms.profileToProfile(base, profile, SRGB, outputMode="RGB")
            if alpha is not None:
                base.putalpha(alpha)
            image = base
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        rgba = np.asarray(image.convert("RGBA")).astype(np.float64)
        alpha = rgba[..., 3:] / 255
        laid = rgba[..., :3] * alpha + 255 * (1 - alpha)
        partial = ((rgba[..., 3] > 0) & (rgba[..., 3] < 255)).any()
        return np.floor(laid + 0.5).astype(np.uint8), max(tolerance, 1 if partial else 0)
    return np.asarray(image.convert("RGB")), tolerance


def locate(root, row):
    """Where the original's bytes lie: in the store, or where they were found."""
    sha256 = row["sha256"]
    kept = list((root / "originals" / sha256[:2]).glob(sha256 + ".*"))
    return kept[0] if kept else pathlib.Path(row["origin"])


def latest_rows(folder, key):
    parts = sorted(folder.glob("*.parquet"), key=lambda path: (not path.name.startswith("compact-"), path.name))
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    return {row[key]: row for row in sorted(rows, key=lambda row: row["run"])}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("root", type=pathlib.Path)
    arguments.add_argument("recipe")
    arguments.add_argument("--expect", type=int, help="how many samples there must be")
    args = arguments.parse_args()
    generations = args.root / "generations" / args.recipe
    latest = json.loads((generations / "latest.json").read_text())
    manifest_path = generations / latest["manifest"]
    manifest = json.loads(manifest_path.read_text())
    index = pq.read_table(manifest_path.parent / manifest["samples"]["path"]).to_pylist()
    ledger = latest_rows(args.root / "ledger", "item_id")
    shards = {s["path"]: pq.read_table(manifest_path.parent / s["path"]) for s in manifest["shards"]}

    seen = collections.Counter()
    worst = collections.Counter()
    faults = []
    for row in index:
        shard = shards[row["shard"]].slice(row["row"], 1).to_pylist()[0]
        for field in ("sample_id", "item_id", "crop_top", "crop_left", "width", "height", "packing"):
            if shard[field] != row[field]:
                faults.append(f"{row['sample_id']}: shard and index differ in {field}")
        original, tolerance = to_rgb(Image.open(locate(args.root, ledger[row["item_id"]])))
        top, left = row["tile_top"] + row["crop_top"], row["tile_left"] + row["crop_left"]
        if row["resized_width"]:
            # Pillow's Lanczos and ours clip between their two passes in another order: ringing differs beside hard edges.
            tolerance = 32
            top, left = row["crop_top"], row["crop_left"]
            tile = original[row["tile_top"] :, row["tile_left"] :][: row["original_height"], : row["original_width"]]
            to = (row["resized_width"], row["resized_height"])
            original = np.asarray(Image.fromarray(np.ascontiguousarray(tile)).resize(to, Image.Resampling.LANCZOS))
        expected = original[top : top + row["height"], left : left + row["width"]].astype(int)
        sample, _ = to_rgb(Image.open(io.BytesIO(shard["image"]["bytes"])))
        size = (row["height"], row["width"], 3)
        if expected.shape != size or sample.shape != size:
            faults.append(f"{row['sample_id']}: sizes {expected.shape} and {sample.shape}, not {size}")
            continue
        difference = np.abs(expected - sample.astype(int))
        if row["packing"] == "jpeg-lossless":
            difference = difference[1:-1, 1:-1]
        key = row["packing"] + (" (resized)" if row["resized_width"] else " (icc)" if tolerance == 2 else " (soft alpha)" if tolerance else "")
        seen[key] += 1
        worst[key] = max(worst[key], int(difference.max()))
        is_off = difference.max() > tolerance or (row["resized_width"] and difference.mean() > 0.5)
        if is_off:
            faults.append(f"{row['sample_id']} of {ledger[row['item_id']]['source_id']}: differs by {difference.max()}")
    for key in sorted(seen):
        print(f"{key:24} {seen[key]:6} samples, largest difference {worst[key]}")
    if args.expect is not None and len(index) != args.expect:
        faults.append(f"{len(index)} samples, {args.expect} expected")
    for fault in faults:
        print("FAULT", fault)
    print(f"{len(index)} samples, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
