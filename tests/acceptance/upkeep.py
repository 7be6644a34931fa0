"""A collection that grows, vanishes and returns; processes that share it; damage, found and repaired.

usage: upkeep.py TERMINUS WORK
"""
import http.server
import io
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow.dataset
from PIL import Image

terminus, work = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve() / "upkeep"
shutil.rmtree(work, ignore_errors=True)
(work / "folder").mkdir(parents=True)
rng, faults = np.random.default_rng(5), []


def picture(kind="PNG"):
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((256, 192), Image.BICUBIC).save(out, kind)
    return out.getvalue()


bodies = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = bodies.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]


def recipe(name, source):
    path = work / f"{name}.toml"
    path.write_text(f'root = "{name}"\n[[collection]]\nname = "c"\nsource = {source}\n[ingest.download]\nallow_private_hosts = ["127.0.0.1:{port}"]\n')
    return path


def expect(title, seen, wanted):
    print(f"{title:58} {seen}")
    if seen != wanted:
        faults.append(f"{title}: {seen}, not {wanted}")


def run(verb, path, *options, code=0):
    done = subprocess.run([terminus, verb, path, "--json", "--quiet", *options], capture_output=True, text=True)
    if done.returncode != code:
        faults.append(f"{verb} {options}: exit {done.returncode}, not {code}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout) if done.stdout.startswith("{") else {}, done.stderr


def ingest(path, *options):
    summary, _ = run("ingest", path, *options)
    counts = summary["counts"]
    return {"read": summary["decoded"], "fetched": summary["fetched"], **{word: counts[word] for word in ("in", "passed", "gone", "pending") if counts[word]}}


def latest(root, log="ledger", key="item_id"):
    rows = pyarrow.dataset.dataset(list(map(str, parts(root, log))), format="parquet").to_table().to_pylist()
    return {row[key]: row for row in sorted(rows, key=lambda row: row["run"])}


def parts(root, log="ledger"):
    return sorted(path for path in (root / log).iterdir() if path.suffix == ".parquet" and not path.name.startswith("."))


# --- watch ---------------------------------------------------------------------------------------------------------------

def watch(name, source, grow):
    """Grows a source three times under `--watch`, then stops it as Ctrl-C does."""
    path = recipe(name, source)
    process = subprocess.Popen([terminus, "ingest", path, "--watch", "--every", "1", "--quiet"], stderr=subprocess.PIPE, text=True)
    for step in range(1, 4):
        grow(step)
        deadline = time.monotonic() + 30
        passed = 0
        while time.monotonic() < deadline and passed < 4 * step:
            time.sleep(0.2)
            if parts(work / name, "verdicts") if (work / name / "verdicts").exists() else []:
                passed = sum(row["verdict"] == "passed" for row in latest(work / name, "verdicts").values())
        expect(f"watch {name}: items after step {step}", passed, 4 * step)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    expect(f"watch {name}: exit code and words at Ctrl-C", (process.returncode, "ingest" in error and "--watch" in error), (130, True))
    expect(f"watch {name}: what a later run has to do", ingest(path), {"read": 0, "fetched": 0, "in": 12, "passed": 12})


def grow_folder(step):
    for number in range(4):
        # As tools copy: the file grows under its name.
        data = picture()
        with open(work / "folder" / f"{step}-{number}.png", "wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(0.3 if number == 0 else 0)
            file.write(data[len(data) // 2 :])


def grow_list(step):
    for number in range(4):
        bodies[f"/{step}-{number}.jpg"] = picture("JPEG")
    with open(work / "list.txt", "a") as file:
        file.write("".join(f"http://127.0.0.1:{port}/{step}-{number}.jpg\n" for number in range(4)))


(work / "list.txt").write_text("")
watch("folder-root", f'{{ folder = "{work}/folder" }}', grow_folder)
watch("list-root", f'{{ urls = "{work}/list.txt" }}', grow_list)

# --- gone and back -------------------------------------------------------------------------------------------------------

path, files = work / "folder-root.toml", sorted((work / "folder").iterdir())
away = work / "away.png"
files[0].rename(away)
expect("one file taken away", ingest(path), {"read": 0, "fetched": 0, "in": 12, "passed": 11, "gone": 1})
away.rename(files[0])
back = ingest(path)
expect("the file is back", {**back, "read": 0}, {"read": 0, "fetched": 0, "in": 12, "passed": 12})
(work / "list.txt").write_text("".join((work / "list.txt").read_text().splitlines(True)[:9]))
expect("three lines taken out of a list", ingest(work / "list-root.toml"), {"read": 0, "fetched": 0, "in": 12, "passed": 9, "gone": 3})
(work / "list.txt").write_text("".join(f"http://127.0.0.1:{port}/{step}-{n}.jpg\n" for step in (1, 2, 3) for n in range(4)))
expect("the lines are back: nothing is fetched", ingest(work / "list-root.toml"), {"read": 0, "fetched": 0, "in": 12, "passed": 12})

# --- damage and repair -----------------------------------------------------------------------------------------------------

for name in ("folder-root", "list-root"):
    root, path = work / name, work / f"{name}.toml"
    expected = {row["source_id"]: row["sha256"] for row in latest(root).values()}
    originals = sorted(file for file in (root / "originals").rglob("*") if file.is_file())
    sound = run("verify", path)[0]
    expect(f"{name}: sound, by verify", sound.get("faults"), [])
    originals[0].unlink()
    originals[1].write_bytes(originals[1].read_bytes()[:100])
    changed = bytearray(originals[2].read_bytes())
    changed[len(changed) // 2] ^= 1
    originals[2].write_bytes(changed)
    # An orphan of a process that is gone, and a part of the ledger cut in half.
    orphan = originals[3].parent / ".tmp-999999-0-x.png"
    orphan.write_bytes(b"half")
    part = parts(root)[0]
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    _, words = run("ingest", path, code=2)
    expect(f"{name}: a cut part is named by ingest", part.name in words, True)
    found, words = run("verify", path, code=1)
    expect(f"{name}: a cut part is named by verify, with a hint", part.name in words and "--repair" in words, True)
    run("verify", path, "--repair", "--dry-run", code=1)
    expect(f"{name}: a dry run changes nothing", part.exists() and orphan.exists(), True)
    run("verify", path, "--repair")
    expect(f"{name}: the orphan is gone, the part is set aside", (orphan.exists(), part.exists()), (False, False))
    again = ingest(path)
    expect(f"{name}: all items after the next ingest", (again["in"], again["passed"]), (12, 12))
    print(f"   it read {again['read']} and fetched {again['fetched']}")
    run("verify", path, "--repair")
    if name == "list-root":
        ingest(path)
    expect(f"{name}: verify finds no fault", run("verify", path)[0].get("faults"), [])
    expect(f"{name}: every item has its bytes", {row["source_id"]: row["sha256"] for row in latest(root).values()} == expected, True)

# --- shares ----------------------------------------------------------------------------------------------------------------

for number in range(200):
    (work / "folder" / f"many-{number:03}.png").write_bytes(picture())
(work / "folder" / "twin-a.png").write_bytes((work / "folder" / "many-000.png").read_bytes())
(work / "folder" / "twin-b.png").write_bytes((work / "folder" / "many-001.png").read_bytes())
alone = recipe("alone", f'{{ folder = "{work}/folder" }}')
expect("one process alone", {**ingest(alone), "fetched": 0}, {"read": 214, "fetched": 0, "in": 214, "passed": 212})
for count in (2, 4):
    path = recipe(f"shared-{count}", f'{{ folder = "{work}/folder" }}')
    processes = [subprocess.Popen([terminus, "ingest", path, "--json", "--quiet", "--shard", f"{number}/{count}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for number in range(count)]
    outs = [process.communicate() for process in processes]
    if any(process.returncode for process in processes):
        faults.append(f"{count} processes: {[error[-200:] for _, error in outs]}")
        continue
    read = sum(json.loads(out)["decoded"] for out, _ in outs)

    def state(name):
        rows, verdicts = latest(work / name).values(), latest(work / name, "verdicts")
        # A group is named after its first member when it was first seen: who shares it counts, not its name.
        first = {}
        for row in sorted(rows, key=lambda row: row["source_id"]):
            first.setdefault(row["group_id"], row["source_id"])
        return sorted((row["source_id"], row["sha256"], first[row["group_id"]], verdicts[row["item_id"]]["verdict"], verdicts[row["item_id"]]["reason"])
                      for row in rows)

    expect(f"{count} processes at once read each item once", read, 214)
    expect(f"{count} processes at once: the rows of one alone", state(f"shared-{count}") == state("alone"), True)
    expect(f"{count} processes: one more run has nothing to do", ingest(path)["read"], 0)

print(f"{len(faults)} faults")
for fault in faults:
    print("FAULT " + fault)
sys.exit(1 if faults else 0)
