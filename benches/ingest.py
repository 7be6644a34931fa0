"""Ingest: against decoding alone, over a growing list, against img2dataset, and the status of a million rows.

usage: PYTHON=<python with pillow, numpy, pyarrow; img2dataset for `rival`> cargo xtask bench ingest [PART…] [--work DIR] [--images 2000]

Parts: `near` (the index of near duplicates), `whole` (ingest by turns with `examples/decode_files` of terminus-pixels, which
only reads and decodes the same files; both 2 threads, the page cache warm; and memory at a quarter of the pictures), `list`
(a list of 1,000,000 addresses: first download, memory), `status` (`terminus report` over 1,000,000 rows), `rival` (images a
second from a server on loopback, img2dataset with its encoding off and its start taken off). Without a name, all of them.
"""
import argparse
import hashlib
import http.server
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
from PIL import Image

arguments = argparse.ArgumentParser()
for program in ("terminus", "decode", "near", "serve"):
    arguments.add_argument(program)
arguments.add_argument("parts", nargs="*", choices=[[], "near", "whole", "list", "status", "rival"])
arguments.add_argument("--work", type=pathlib.Path, default=pathlib.Path("work/bench-ingest"))
arguments.add_argument("--images", type=int, default=2000)
arguments.add_argument("--repeats", type=int, default=3)
args = arguments.parse_args()
work = args.work.resolve()
work.mkdir(parents=True, exist_ok=True)
terminus = str(pathlib.Path(args.terminus).resolve())
folder = work / "files"
SIZES = [(1024, 1024), (1456, 816), (1344, 896), (1232, 928), (2048, 1536), (2048, 2048)]
ROWS = 1_000_000


def draw():
    """Pictures of 1 to 4 MP: 3 of 5 JPEG, 1 PNG, 1 WebP."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for number in range(args.images):
        width, height = SIZES[number % len(SIZES)]
        coarse = rng.integers(0, 256, (height // 64, width // 64, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC)).astype(np.int16)
        noise = rng.integers(-6, 7, (height, width, 1), dtype=np.int16)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        kind = ("jpg", "jpg", "jpg", "png", "webp")[number % 5]
        options = {"jpg": {"quality": 92}, "png": {"compress_level": 3}, "webp": {"quality": 90, "method": 0}}[kind]
        Image.fromarray(image).save(folder / f"{number:05}.{kind}", **options)


def timed(command):
    """Seconds by the clock, peak MiB, stdout."""
    begun = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return time.monotonic() - begun, int(done.stderr.split()[-1]) / 1024, done.stdout


def recipe(name, source, more=""):
    path = work / f"{name}.toml"
    path.write_text(f'root = "root-{name}"\n[ingest]\nstore = "reference"\n{more}\n[[collection]]\nname = "c"\nsource = {source}\n')
    shutil.rmtree(work / f"root-{name}", ignore_errors=True)
    return path


def near():
    subprocess.run([args.near], check=True)


def subset(count):
    target = work / str(count)
    if not target.exists():
        target.mkdir()
        for path in sorted(folder.iterdir())[:count]:
            (target / path.name).hardlink_to(path)
    return target


def whole():
    draw()

    def ingest(count):
        path = recipe(f"whole-{count}", f'{{ folder = "{subset(count)}" }}')
        return timed([terminus, "ingest", path, "--json", "--quiet", "--threads", "2"])

    subset(args.images // 4)
    timed([args.decode, "2", subset(args.images)])
    decode, took, memory = [], [], {}
    for _ in range(args.repeats):
        seconds, _, table = timed([args.decode, "2", subset(args.images)])
        decode.append(seconds)
        seconds, memory[args.images], out = ingest(args.images)
        took.append(seconds)
    _, memory[args.images // 4], _ = ingest(args.images // 4)
    print(table)
    print(f"decode alone {statistics.median(decode):.2f} s; ingest {statistics.median(took):.2f} s; "
          f"ratio {statistics.median(w / d for w, d in zip(took, decode)):.2f}; {json.loads(out)['counts']}")
    print("peak memory: " + ", ".join(f"{count} images {mib:.0f} MiB" for count, mib in sorted(memory.items())))


class Listening(http.server.BaseHTTPRequestHandler):
    """Notes when the first picture is asked for, and gives none."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/robots.txt":
            self.server.first = self.server.first or time.monotonic()
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    first = None

    def handle_error(self, *_):
        pass


def memory_of(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def long_list():
    import pyarrow
    import pyarrow.parquet

    found = {}
    for rows in (100, ROWS):
        server = Server(("127.0.0.1", 0), Listening)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        columns = {"url": [f"http://127.0.0.1:{port}/{n:07}.jpg" for n in range(rows)], "caption": [f"a picture of number {n}" for n in range(rows)]}
        pyarrow.parquet.write_table(pyarrow.table(columns), work / f"list-{rows}.parquet", row_group_size=100_000)
        path = recipe(f"list-{rows}", f'{{ urls = "{work}/list-{rows}.parquet" }}', f'[ingest.download]\nallow_private_hosts = ["127.0.0.1:{port}"]')
        begun = time.monotonic()
        process = subprocess.Popen([terminus, "ingest", path, "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None and time.monotonic() - begun < 12:
            try:
                peak = max(peak, memory_of(process))
            except (OSError, IndexError):
                break
            time.sleep(0.02)
        process.kill()
        process.wait()
        found[rows] = (server.first - begun, peak)
        server.shutdown()
    for rows, (first, peak) in found.items():
        print(f"list of {rows}: first download after {first:.2f} s, peak memory of the first 12 s {peak:.0f} MiB")
    print(f"the long list adds {found[ROWS][1] - found[100][1]:.0f} MiB")


def status():
    """A root of a million rows, all columns filled as ingest fills them, each item judged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = work / "one"
    one.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(one / "a.png")
    (one / "a.txt").write_text("a girl with an umbrella, anime, night city --ar 4:3 --niji 5 --s 180")
    path = recipe("status", f'{{ folder = "{one}" }}')
    subprocess.run([terminus, "ingest", path, "--quiet"], check=True)
    root = work / "root-status"
    hexes = np.sort(rng.integers(0, 1 << 62, ROWS)).astype(np.uint64)
    ids = pa.array([f"{value:016x}{value ^ 0x5555:016x}" for value in hexes.tolist()])
    bad = rng.random(ROWS) < 0.1
    sizes = np.array([1024, 1456, 1344, 1232])[np.arange(ROWS) % 4]

    def tiled(name, width):
        return pa.array([f"{value * 31:0{width}x}"[:width] for value in hexes.tolist()])

    own = {
        "ledger": {"item_id": ids, "group_id": ids, "tile_width": pa.array(sizes, pa.uint32()), "source_id": tiled("s", 40), "origin": tiled("o", 60),
                   "sha256": tiled("h", 64), "pixels_hash": tiled("p", 32), "layout": tiled("l", 96), "prompt": tiled("t", 80),
                   "brightness": pa.array(rng.random(ROWS)), "entropy": pa.array(rng.random(ROWS)), "sharpness": pa.array(rng.random(ROWS)),
                   "phash": pa.array(hexes), "dhash": pa.array(hexes)},
        "verdicts": {"item_id": ids, "verdict": pa.array(np.where(bad, "rejected", "passed")), "reason": pa.array(np.where(bad, "too_small", None).astype(object), pa.string())},
    }
    for log, columns in own.items():
        parts = [part for part in (root / log).iterdir() if part.suffix == ".parquet"]
        row = pq.read_table(parts[0]).slice(0, 1)
        for part in parts:
            part.unlink()
        table = pa.table([columns[field.name].cast(field.type) if field.name in columns
                          else pa.repeat(row[field.name][0], ROWS) for field in row.schema], schema=row.schema).replace_schema_metadata(None)
        pq.write_table(table, root / log / "compact-000001-000.parquet", compression="zstd", row_group_size=1 << 20, store_schema=False)
        del table
    runs = [timed([terminus, "report", path]) for _ in range(args.repeats)]
    print(f"status of {ROWS} rows: {statistics.median(seconds for seconds, _, _ in runs):.2f} s, peak memory {runs[0][1]:.0f} MiB")
    print("\n".join(runs[0][2].splitlines()[2:6]))


def jpegs(count):
    target = work / f"jpegs-{count}"
    if not target.exists():
        target.mkdir()
        for path in sorted(subset(count).glob("*.jpg")):
            (target / path.name).hardlink_to(path)
    return target


def rival():
    """By its own word img2dataset decodes nothing with all encoding off; told to skip only what is a JPEG already, it decodes
    each, as we do, and hands the bytes on."""
    draw()
    against(subset(args.images), "disable_all_reencoding=True", "bytes alone")
    against(jpegs(args.images), "skip_reencode=True", "JPEGs, decoded by both")


def against(files, options, name):
    paths = sorted(files.iterdir())
    rate = float(subprocess.run([args.serve, files, "measure"], check=True, capture_output=True, text=True).stdout)
    server = subprocess.Popen([args.serve, files], stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    lists = {}
    for count in (1, len(paths)):
        lists[count] = work / f"rival-{count}.txt"
        lists[count].write_text("".join(f"http://127.0.0.1:{port}/{path.name}\n" for path in paths[:count]))
    seconds = {"terminus": {}, "img2dataset": {}}
    try:
        for count, path in lists.items():
            mine = recipe(f"rival-{count}", f'{{ urls = "{path}" }}', f'[ingest.download]\nallow_private_hosts = ["127.0.0.1:{port}"]')
            seconds["terminus"][count], _, out = timed([terminus, "ingest", mine, "--json", "--quiet", "--threads", "2"])
            assert json.loads(out)["fetched"] == count, out
            target = work / f"img2dataset-{count}"
            shutil.rmtree(target, ignore_errors=True)
            program = f"from img2dataset import download; download(url_list={str(path)!r}, output_folder={str(target)!r}, processes_count=2, thread_count=32, resize_mode='no', {options}, output_format='files', number_sample_per_shard=500, enable_wandb=False, compute_hash='sha256')"
            seconds["img2dataset"][count], _, _ = timed([sys.executable, "-c", program])
            brought = sum(1 for path in target.rglob("*") if path.suffix in (".jpg", ".png", ".webp"))
            assert brought == count, f"img2dataset brought {brought} of {count}"
    finally:
        server.kill()
        server.wait()
    rates = {who: (len(paths) - 1) / (both[len(paths)] - both[1]) for who, both in seconds.items()}
    print(f"{name}: the server alone {rate:.0f} images/s; " + "; ".join(f"{who} {value:.1f} images/s (start {seconds[who][1]:.2f} s)" for who, value in rates.items())
          + f"; ratio {rates['terminus'] / rates['img2dataset']:.2f}")


PARTS = {"near": near, "whole": whole, "list": long_list, "status": status, "rival": rival}
for part in args.parts or PARTS:
    PARTS[part]()
