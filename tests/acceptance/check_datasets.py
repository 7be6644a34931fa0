"""Reads the shards of the newest generation with Hugging Face `datasets`: pictures must come out as pictures.

usage: check_datasets.py ROOT RECIPE
"""
import json
import pathlib
import sys

from datasets import load_dataset
from PIL import Image

root, recipe = pathlib.Path(sys.argv[1]), sys.argv[2]
generations = root / "generations" / recipe
manifest_path = generations / json.loads((generations / "latest.json").read_text())["manifest"]
manifest = json.loads(manifest_path.read_text())
files = [str((manifest_path.parent / shard["path"]).resolve()) for shard in manifest["shards"]]
dataset = load_dataset("parquet", data_files=files, split="train", cache_dir=str(root / ".datasets-cache"))
print(dataset.features)
for row in dataset:
    assert isinstance(row["image"], Image.Image), type(row["image"])
    assert row["image"].size == (row["width"], row["height"])
    assert row["caption"].strip()
print(f"{len(dataset)} rows, each a picture of its size with a caption")
