"""Kills a download run of 500 files with SIGKILL at random moments, runs it to the end, and counts.

usage: kill_downloads.py TERMINUS WORK [--files 500] [--kills 10] [--seed 1]

A server of this process counts what is asked for. After each kill and rerun no row is lost or doubled, what passes is
what an undisturbed run passes, and at most one batch (64) was fetched twice.
"""
import argparse
import collections
import http.server
import io
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow.dataset
from PIL import Image

arguments = argparse.ArgumentParser()
arguments.add_argument("terminus")
arguments.add_argument("work", type=pathlib.Path)
arguments.add_argument("--files", type=int, default=500)
arguments.add_argument("--kills", type=int, default=10)
arguments.add_argument("--seed", type=int, default=1)
args = arguments.parse_args()
args.work.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(args.seed)


def picture(number):
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((256, 192), Image.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


bodies = {f"/{number:04}.jpg": picture(number) for number in range(args.files)}
served, lock = collections.Counter(), threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = bodies.get(self.path)
        time.sleep(0.01)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        try:
            self.wfile.write(body or b"")
        except BrokenPipeError:
            return
        if body:
            with lock:
                served[self.path] += 1

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A killed client resets its connections: that is what is tried here."""


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
(args.work / "list.txt").write_text("".join(f"http://127.0.0.1:{port}{path}\n" for path in bodies))


def start(name):
    recipe = args.work / f"{name}.toml"
    recipe.write_text(f'''root = "{name}"
[[collection]]
name = "c"
source = {{ urls = "list.txt" }}
[ingest.download]
allow_private_hosts = ["127.0.0.1:{port}"]
''')
    return subprocess.Popen([args.terminus, "ingest", recipe, "--json", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(name):
    process = start(name)
    out, error = process.communicate()
    if process.returncode != 0:
        sys.exit(error.decode())
    return json.loads(out)


def latest(name, folder, key):
    rows = pyarrow.dataset.dataset(args.work / name / folder, format="parquet").to_table().to_pylist()
    return {row[key]: row for row in sorted(rows, key=lambda row: row["run"])}, len(rows)


def state(name):
    ledger, _ = latest(name, "ledger", "item_id")
    verdicts, _ = latest(name, "verdicts", "item_id")
    return sorted((r["source_id"], r["sha256"], r["group_id"], verdicts[r["item_id"]]["verdict"]) for r in ledger.values())


shutil.rmtree(args.work / "alone", ignore_errors=True)
begun = time.monotonic()
summary = finish("alone")
took = time.monotonic() - begun
expected = state("alone")
print(f"undisturbed: {took:.2f} s, {summary['fetched']} fetched, {summary['counts']}")
draw, bad = random.Random(args.seed), 0
for number in range(args.kills):
    shutil.rmtree(args.work / "killed", ignore_errors=True)
    served.clear()
    process = start("killed")
    time.sleep(draw.uniform(0.1, took))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    first = sum(served.values())
    again = finish("killed")
    twice = sum(count - 1 for count in served.values())
    same = state("killed") == expected
    faults = [] if same else ["rows differ"]
    if twice > 64:
        faults.append("more than one batch twice")
    if not same:
        differ = set(state("killed")) ^ set(expected)
        print(f"  {len(differ)} differ, such as {sorted(differ, key=str)[:2]}")
    print(f"kill {number}: {first} served before, {again['fetched']} fetched after, {twice} twice {faults or 'ok'}", flush=True)
    bad += bool(faults)
print(f"{args.kills} kills, {bad} faults")
sys.exit(1 if bad else 0)
