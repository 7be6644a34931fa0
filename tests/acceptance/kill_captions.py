"""Kills a captioning run of 500 pictures with SIGKILL at random moments, runs it to the end, and counts.

usage: kill_captions.py TERMINUS WORK [--pictures 500] [--kills 8] [--concurrency 8] [--seed 1]

An endpoint of this process counts what it is asked about each picture. What is promised: a picture whose answer was written
down is never asked about again, so that a kill costs at most the requests that were in flight (`concurrency`). Every picture
has one caption in the end, and a further run asks nothing.
"""
import argparse
import collections
import http.server
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
arguments.add_argument("--pictures", type=int, default=500)
arguments.add_argument("--kills", type=int, default=8)
arguments.add_argument("--concurrency", type=int, default=8)
arguments.add_argument("--seed", type=int, default=1)
args = arguments.parse_args()
shutil.rmtree(args.work, ignore_errors=True)
(args.work / "pictures").mkdir(parents=True)
rng = np.random.default_rng(args.seed)
for number in range(args.pictures):
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((256, 192), Image.BICUBIC).save(args.work / f"pictures/{number:04}.png")
asked, lock = collections.Counter(), threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"data": [{"id": "mock"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        picture = body["messages"][0]["content"][0]["image_url"]["url"]
        with lock:
            asked[picture] += 1
            number = len(asked)
        time.sleep(0.03)
        text = f"A drawing of coloured clouds, the {number}th of them, in front of a bright sky."
        try:
            self.answer({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"completion_tokens": 16}})
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # who asked was killed


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
(args.work / "recipe.toml").write_text(
    f"""
root = "root"
[ingest]
min_side_px = 64
[[collection]]
name = "all"
source = {{ folder = "pictures" }}
captioner = "served"
[captioner.served]
kind = "http"
url = "http://127.0.0.1:{server.server_port}/v1"
prompts = ["Describe the image."]
concurrency = {args.concurrency}
"""
)


def command(verb, *more):
    return [args.terminus, verb, str(args.work / "recipe.toml"), "--quiet", *more]


subprocess.run(command("ingest"), check=True)
random.seed(args.seed)
killed, before = 0, 0
for _ in range(args.kills):
    run = subprocess.Popen(command("caption"))
    time.sleep(random.uniform(0.5, 1.2))
    if run.poll() is None:
        run.send_signal(signal.SIGKILL)
        killed += 1
    run.wait()
    time.sleep(0.2)
    print(f"{len(asked)} pictures asked about, {sum(asked.values()) - len(asked)} requests more than that", flush=True)
summary = json.loads(subprocess.run(command("caption", "--json"), check=True, stdout=subprocess.PIPE).stdout)
again = sum(asked.values()) - len(asked)
rows = pyarrow.dataset.dataset(args.work / "root/captions", format="parquet").to_table(columns=["caption_key"])
faults = []
if again > killed * args.concurrency:
    faults.append(f"{again} requests were made again: more than {killed} kills of {args.concurrency} in flight")
if len(asked) != args.pictures or summary["counts"]["passed"] != args.pictures:
    faults.append(f"{len(asked)} pictures asked about, {summary['counts']['passed']} passed")
if len(rows) != args.pictures or len(set(rows["caption_key"].to_pylist())) != args.pictures:
    faults.append(f"{len(rows)} rows of captions")
asked.clear()
subprocess.run(command("caption"), check=True)
if asked:
    faults.append(f"a further run asked about {len(asked)} pictures")
print(f"{args.pictures} pictures, {killed} kills, {again} requests made again (at most {killed * args.concurrency})")
sys.exit("\n".join(faults) or 0)
