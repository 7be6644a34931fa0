"""Exports to an object store, read back from it by the programs that people use.

A moto server on the loopback is the store. Every format goes out, twice; pyarrow, `datasets` and `webdataset` read the
objects where they lie, and every image must be that of the shards, byte for byte. One export is killed on its way and
gone on with.

usage: store.py TERMINUS RECIPE.toml
"""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import boto3
import polars
import pyarrow.parquet
import s3fs
import webdataset
from datasets import load_dataset
from moto.server import ThreadedMotoServer

terminus, recipe = sys.argv[1], sys.argv[2]
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "AWS_REGION": "us-east-1"}
env = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint}
client = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="wJalrXUtnFEMI")
client.create_bucket(Bucket="sets")
options = {"key": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI", "client_kwargs": {"endpoint_url": endpoint}}
files = s3fs.S3FileSystem(**options)


def run(*args, check=True):
    done = subprocess.run([terminus, *args], capture_output=True, text=True, env=env)
    assert done.returncode == 0 or not check, done.stderr
    return json.loads(done.stdout) if check else done


def export(what, to, *more):
    return run("export-dataset", recipe, "--json", "--quiet", "--format", what, "--to", to, *more)


def keys_below(prefix):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="sets", Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


report = run("report", recipe, "--json")
root = pathlib.Path(report["root"])
latest = json.loads((root / "generations" / report["recipe"] / "latest.json").read_text())
manifest_path = root / "generations" / report["recipe"] / latest["manifest"]
manifest = json.loads(manifest_path.read_text())
shards = [(manifest_path.parent / shard["path"]).resolve() for shard in manifest["shards"]]
index = polars.read_parquet(manifest_path.parent / manifest["samples"]["path"])
named = set(index["sample_id"])
pixels = {
    row["sample_id"]: hashlib.sha256(row["image"]["bytes"]).hexdigest()
    for row in polars.read_parquet(shards).iter_rows(named=True)
    if row["sample_id"] in named
}
rows = ("--file-rows", "64")

for what in ("parquet", "webdataset", "kohya", "hf-imagefolder"):
    to = f"s3://sets/{what}"
    done = export(what, to, *rows)
    again = export(what, to, *rows)
    assert done["uploaded"]["sent"] == done["uploaded"]["objects"] == again["uploaded"]["objects"], what
    assert again["uploaded"]["sent"] == 0, what
    listing = json.loads(client.get_object(Bucket="sets", Key=f"{what}/terminus-export.json")["Body"].read())
    listed = {f"{what}/{one['path']}": one for one in listing["objects"]}
    assert set(keys_below(what + "/")) == {*listed, f"{what}/terminus-export.json"}, what
    for key, one in listed.items():
        body = client.get_object(Bucket="sets", Key=key)["Body"].read()
        assert len(body) == one["size_bytes"] and hashlib.sha256(body).hexdigest() == one["sha256"], key
    print(f"{what:15} {done['uploaded']['objects']:5} objects, {done['uploaded']['sent_bytes'] / 1e6:7.1f} MB; a second run sends none")

seen = {}
for key in keys_below("parquet/data/"):
    for row in pyarrow.parquet.read_table(f"sets/{key}", filesystem=files).to_pylist():
        seen[row["sample_id"]] = hashlib.sha256(row["image"]["bytes"]).hexdigest()
assert seen == pixels
print(f"pyarrow reads {len(seen)} samples off the store")

with tempfile.TemporaryDirectory() as cache:
    for split in ("train", "validation"):
        found = [f"s3://sets/{key}" for key in keys_below(f"parquet/data/{split}-")]
        if found:
            rows_of = load_dataset("parquet", data_files=found, split="train", storage_options=options, cache_dir=cache)
            assert set(rows_of["sample_id"]) == set(index.filter(polars.col("split") == split)["sample_id"])
            assert rows_of[0]["image"].width == rows_of[0]["width"]
            print(f"datasets reads {len(rows_of)} samples of {split}")

webdataset.gopen_schemes["s3"] = lambda url, mode="rb", bufsize=0, **_: files.open(url, mode)
tars = [f"s3://sets/{key}" for key in keys_below("webdataset/") if key.endswith(".tar")]
seen = {}
for one in webdataset.WebDataset(tars, shardshuffle=False, empty_check=False):
    image = next(value for key, value in one.items() if key in ("jpg", "png", "webp"))
    seen[one["__key__"]] = hashlib.sha256(image).hexdigest()
assert seen == pixels
print(f"webdataset reads {len(seen)} samples off the store")

# Killed on its way, then gone on with.
arguments = [terminus, "export-dataset", recipe, "--quiet", "--format", "hf-imagefolder", "--to", "s3://sets/killed"]
killed = subprocess.Popen(arguments, env=env)
while len(keys_below("killed/")) < 20 and killed.poll() is None:
    time.sleep(0.01)
killed.send_signal(signal.SIGKILL)
killed.wait()
there = len(keys_below("killed/"))
assert "killed/terminus-export.json" not in keys_below("killed/")
done = export("hf-imagefolder", "s3://sets/killed")
assert done["uploaded"]["sent"] < done["uploaded"]["objects"]
same = {key.removeprefix("hf-imagefolder/") for key in keys_below("hf-imagefolder/")}
assert {key.removeprefix("killed/") for key in keys_below("killed/")} == same
print(f"killed with {there} objects there; the rest, {done['uploaded']['sent']} of {done['uploaded']['objects']}, was sent by the next run")
server.stop()
