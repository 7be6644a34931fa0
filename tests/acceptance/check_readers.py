"""Reads every table of a root, and every format that `export-dataset` writes, with the programs that people use:
DuckDB, Polars, Hugging Face `datasets`, `webdataset`, tomllib. Pixels must be those of the shards, byte for byte.

usage: check_readers.py TERMINUS RECIPE.toml WORK
"""
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tomllib

import duckdb
import polars
import webdataset
from datasets import load_dataset
from PIL import Image

terminus, recipe, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)


def run(*args):
    out = subprocess.run([terminus, *args], check=True, capture_output=True, text=True).stdout
    return json.loads(out) if "--json" in args else out


root = pathlib.Path(run("report", recipe, "--json")["root"])
name = run("report", recipe, "--json")["recipe"]
latest = json.loads((root / "generations" / name / "latest.json").read_text())
manifest_path = root / "generations" / name / latest["manifest"]
manifest = json.loads(manifest_path.read_text())
index_path = manifest_path.parent / manifest["samples"]["path"]
shards = [str((manifest_path.parent / shard["path"]).resolve()) for shard in manifest["shards"]]
run("plan", recipe, "--out", str(work / "plan.parquet"), "--device-batch", "4")

tables = {
    "ledger": [str(path) for path in sorted((root / "ledger").glob("[!.]*.parquet"))],
    "verdicts": [str(path) for path in sorted((root / "verdicts").glob("[!.]*.parquet"))],
    "captions": [str(path) for path in sorted((root / "captions").glob("[!.]*.parquet"))],
    "shards": shards,
    "samples": [str(index_path)],
    "plan": [str(work / "plan.parquet")],
}
for table, files in tables.items():
    by_duckdb = duckdb.sql(f"select * from read_parquet({files})")
    rows = by_duckdb.count("*").fetchall()[0][0]
    by_polars = polars.read_parquet(files)
    by_datasets = load_dataset("parquet", data_files=files, split="train", cache_dir=str(work / "cache"))
    assert rows == by_polars.height == len(by_datasets) > 0, (table, rows, by_polars.height, len(by_datasets))
    assert by_duckdb.columns == by_polars.columns == list(by_datasets.features), table
    # Every value, not only the footer.
    assert len(by_duckdb.fetchall()) == rows and by_polars.rows()
    print(f"{table:9} {rows:6} rows, {len(by_polars.columns):3} columns: DuckDB, Polars, datasets")

index = polars.read_parquet(index_path)
samples = {}
for row in polars.read_parquet(shards).iter_rows(named=True):
    samples[row["sample_id"]] = hashlib.sha256(row["image"]["bytes"]).hexdigest()
captions = {row["sample_id"]: row["captions"][0]["text"] for row in index.iter_rows(named=True)}
trained = set(index.filter(polars.col("split") == "train")["sample_id"])
plan = polars.read_parquet(work / "plan.parquet")
assert set(plan["sample_id"]) <= trained
share = plan.filter((polars.col("role") == "anchor") & ~polars.col("is_fill")).height
print(f"the plan has {plan.height} places, {share} of them anchors")


def check(sample, image_bytes, text):
    assert hashlib.sha256(image_bytes).hexdigest() == samples[sample], sample
    assert text == captions[sample], (text, captions[sample])
    Image.open(io.BytesIO(image_bytes)).load()


def export(what, *more):
    folder = work / ("-".join((what, *more)).replace("--", ""))
    document = run("export-dataset", recipe, "--json", "--quiet", "--format", what, "--to", str(folder), *more)
    return folder, document


for epoch in ((), ("--epoch", "1")):
    expected = index.height if not epoch else run("plan", recipe, "--json", "--device-batch", "1", *epoch)["places"]

    folder, document = export("parquet", *epoch)
    rows = 0
    for split, dataset in load_dataset(str(folder), cache_dir=str(work / "cache")).items():
        for row in dataset:
            assert isinstance(row["image"], Image.Image) and row["image"].size == (row["width"], row["height"])
            assert (row["sample_id"] in trained) == (split == "train")
            assert row["crop_left"] + row["width"] <= (row["resized_width"] or row["original_width"])
            rows += 1
    for row in polars.read_parquet(str(folder / "data" / "*.parquet")).iter_rows(named=True):
        check(row["sample_id"], row["image"]["bytes"], row["caption"])
    assert rows == expected == document["places"], (rows, expected)

    folder, _ = export("webdataset", *epoch)
    tars = sorted(str(path) for path in folder.glob("*.tar"))
    seen = []
    for row in webdataset.WebDataset(tars, shardshuffle=False):
        facts = json.loads(row["json"])
        image = next(row[end] for end in ("jpg", "png", "webp") if end in row)
        check(facts["sample_id"], image, row["txt"].decode())
        seen.append(facts["sample_id"])
    assert len(seen) == expected
    if epoch:
        order = run("plan", recipe, "--list", "--device-batch", "1", *epoch).splitlines()[1:]
        assert seen == [line.split(",")[2] for line in order], "an epoch's order is kept"

    folder, _ = export("hf-imagefolder", *epoch)
    rows = 0
    for split, dataset in load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(work / "cache")).items():
        for row in dataset:
            assert row["image"].size == (row["width"], row["height"]) and row["text"] == captions[row["sample_id"]]
            rows += 1
    assert rows == expected

    folder, _ = export("kohya", *epoch)
    config = tomllib.loads((folder / "dataset.toml").read_text())
    uses = 0
    for subset in config["datasets"][0]["subsets"]:
        for image in sorted((folder / subset["image_dir"]).iterdir()):
            if image.suffix != ".txt":
                check(image.stem, image.read_bytes(), image.with_suffix(".txt").read_text())
                uses += subset["num_repeats"]
    assert uses == (expected if epoch else len(trained)), (uses, expected)
    print(f"exports of {'epoch 1' if epoch else 'unique samples'}: {expected} uses, by datasets, webdataset and tomllib")
shutil.rmtree(work)
