"""Kills a download run of 500 files with SIGKILL at random moments, runs it to the end, and counts.

usage: kill_downloads.py TERMINUS WORK [--files 500] [--kills 10] [--seed 1]

A server of this process counts what is asked for. After each kill and rerun no row is lost or doubled, what passes is
what an undisturbed run passes, and at most one batch (64) was fetched twice. Each fault is printed with what explains it: the program
and the load of the machine, what differs, what was fetched how often and when, and the root as it was left (`WORK/fault-N`).
"""
import argparse
import collections
import hashlib
import http.server
import io
import json
import os
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
served, lock = collections.defaultdict(list), threading.Lock()


def total():
    with lock:
        return sum(map(len, served.values()))


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
                served[self.path].append(time.monotonic())

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
def program():
    data = pathlib.Path(args.terminus).read_bytes()
    return f"{hashlib.sha256(data).hexdigest()[:12]}, load {os.getloadavg()[0]:.1f}"


draw, bad, most = random.Random(args.seed), 0, 0
for number in range(args.kills):
    shutil.rmtree(args.work / "killed", ignore_errors=True)
    served.clear()
    before = program()
    process = start("killed")
    begun = time.monotonic()
    delay = draw.uniform(0.1, took)
    time.sleep(delay)
    early = process.poll()
    process.send_signal(signal.SIGKILL)
    _, error = process.communicate()
    killed_at = time.monotonic()
    first = total()
    again = finish("killed")
    twice = {path: [f"{moment - killed_at:+.2f}" for moment in moments] for path, moments in served.items() if len(moments) > 1}
    count = sum(len(moments) - 1 for moments in twice.values())
    most = max(most, count)
    seen = state("killed")
    faults = []
    if seen != expected:
        faults.append("rows differ")
    if count > 64:
        faults.append("more than one batch twice")
    if again["found"] != args.files or any(len(moments) > 2 for moments in twice.values()):
        faults.append("a file more than twice, or not found")
    if early not in (None, 0):
        faults.append(f"the run ended by itself with {early}")
    print(f"kill {number}: after {delay:.2f} s, {first} served before, {again['fetched']} fetched after, {count} twice {faults or 'ok'}", flush=True)
    if faults:
        print(f"  program {before} at the start, {program()} at the end; stderr of the killed run: {error.decode()[-500:]!r}; the rerun: {again['counts']}")
        print(f"  seconds from the kill of what was fetched twice: {twice}")
        missing, more = set(expected) - set(seen), set(seen) - set(expected)
        print(f"  of {len(expected)} rows {len(missing)} are not as in the undisturbed run: {sorted(missing, key=str)[:5]}; instead: {sorted(more, key=str)[:5]}")
        shutil.copytree(args.work / "killed", args.work / f"fault-{number}", dirs_exist_ok=True)
    bad += bool(faults)
print(f"{args.kills} kills, {bad} faults, at most {most} fetched twice")
sys.exit(1 if bad else 0)
