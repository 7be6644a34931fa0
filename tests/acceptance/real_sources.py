"""Takes in what the real libraries write: `datasets` (Parquet, the nijijourney layout), `webdataset` (tars), and img2dataset in its
three output formats, over a server of this process. Every row must carry the bytes and the words that went in.

usage: real_sources.py TERMINUS WORK      (Python with datasets, numpy, pillow, pyarrow, and img2dataset, which pins an older webdataset)
"""
import hashlib
import http.server
import io
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import datasets
import numpy as np
import pyarrow.dataset
import webdataset
from PIL import Image

terminus, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
rng = np.random.default_rng(5)
COUNT = 12
faults = []


def encoded(kind):
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    out = io.BytesIO()
    small.resize((256, 192), Image.BICUBIC).save(out, kind, quality=92)
    return out.getvalue()


pictures = [encoded(("PNG", "JPEG", "WEBP")[n % 3]) for n in range(COUNT)]
prompts = [f"a lighthouse number {n}, anime --niji 5 --ar 4:3" for n in range(COUNT)]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def take_in(name, source, more=""):
    """The rows that passed or did not, by source id."""
    path = work / f"{name}.toml"
    path.write_text(f'root = "root-{name}"\n[[collection]]\nname = "c"\nmin_side_px = 64\nsource = {source}\n{more}\n')
    done = subprocess.run([terminus, "ingest", path, "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    again = json.loads(subprocess.run([terminus, "ingest", path, "--json", "--quiet"], check=True, capture_output=True, text=True).stdout)
    expect(f"{name}: a second run reads nothing", (again["decoded"], again["fetched"]), (0, 0))
    rows = {}
    for row in pyarrow.dataset.dataset(work / f"root-{name}/ledger", format="parquet").to_table().to_pylist():
        if row["tile"] == 0:
            rows.setdefault(row["item_id"], row)
            if row["run"] >= rows[row["item_id"]]["run"]:
                rows[row["item_id"]] = row
    return json.loads(done.stdout), list(rows.values())


def expect(what, seen, wanted):
    print(f"{'ok   ' if seen == wanted else 'FAULT'} {what}" + ("" if seen == wanted else f": {seen}, not {wanted}"))
    if seen != wanted:
        faults.append(what)


def pairs(rows, text="prompt"):
    return sorted((row["sha256"], row[text]) for row in rows if row["sha256"])


whole = sorted(zip(map(digest, pictures), prompts))

# --- datasets ------------------------------------------------------------------------------------------------------------------

features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
table = datasets.Dataset.from_dict({"image": [{"bytes": data, "path": None} for data in pictures], "text": prompts}, features=features)
table.to_parquet(str(work / "hf.parquet"))
summary, rows = take_in("hf", f'{{ parquet = "{work}/hf.parquet" }}')
expect("datasets, to_parquet: bytes and prompts", pairs(rows) == whole, True)
expect("datasets, to_parquet: verdicts", summary["counts"]["passed"], COUNT)

# --- webdataset ----------------------------------------------------------------------------------------------------------------

kinds = ("png", "jpg", "webp")
(work / "wds").mkdir()
with webdataset.ShardWriter(str(work / "wds/%05d.tar"), maxcount=5, verbose=0) as writer:
    for number, data in enumerate(pictures):
        writer.write({"__key__": f"{number:06}", kinds[number % 3]: data, "txt": prompts[number], "json": {"author": f"person {number}"}})
summary, rows = take_in("wds", f'{{ webdataset = "{work}/wds/*.tar" }}')
expect("webdataset, ShardWriter: bytes and prompts", pairs(rows) == whole, True)
expect("webdataset, ShardWriter: what the json says", sorted({row["author"] for row in rows}), sorted(f"person {n}" for n in range(COUNT)))

# --- the nijijourney layout: tars, and a table about their members -----------------------------------------------------------------

niji = work / "niji"
niji.mkdir()
with webdataset.ShardWriter(str(niji / "%03d.tar"), maxcount=7, verbose=0) as writer:
    for number, data in enumerate(pictures):
        writer.write({"__key__": f"{10**18 + number}", kinds[number % 3]: data})
columns = {
    "id": [str(10**18 + n) for n in range(COUNT)] + ["77"], "version": ["6"] * (COUNT + 1),
    "arguments": ["--niji 6 --ar 4:3"] * (COUNT + 1), "original_text": [f"a lighthouse number {n}" for n in range(COUNT + 1)],
    "caption": ["short"] * (COUNT + 1), "gpt_caption": [f"A lighthouse, {n}." for n in range(COUNT + 1)],
    "width": [256] * (COUNT + 1), "height": [192] * (COUNT + 1), "reactions": [n for n in range(COUNT + 1)],
}
datasets.Dataset.from_dict(columns).to_parquet(str(niji / "train.parquet"))
summary, rows = take_in("niji", f'{{ nijijourney = "{niji}" }}')
expect("nijijourney: bytes and prompts", pairs(rows), sorted((digest(data), f"a lighthouse number {n} --niji 6 --ar 4:3") for n, data in enumerate(pictures)))
expect("nijijourney: captions", pairs(rows, "found_caption"), sorted((digest(data), f"A lighthouse, {n}.") for n, data in enumerate(pictures)))
expect("nijijourney: generator and version", {(row["generator"], row["generator_version"]) for row in rows}, {("niji", "6")})
expect("nijijourney: reactions", sorted(row["reactions"] for row in rows), list(range(COUNT + 1)))
expect("nijijourney: the row without an image", summary["reasons"], {"no_image": 1})

# --- img2dataset -----------------------------------------------------------------------------------------------------------------

bodies = {f"/{number}": data for number, data in enumerate(pictures)}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = bodies.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_address[1]}"
urls = [f"{address}/{number}" for number in range(COUNT)] + [f"{address}/missing"]
(work / "list.tsv").write_text("url\tcaption\n" + "".join(f"{url}\t{prompt}\n" for url, prompt in zip(urls, prompts + ["nothing"])))
for layout in ("files", "webdataset", "parquet"):
    out = work / f"i2d-{layout}"
    program = (f"from img2dataset import download; download(url_list={str(work / 'list.tsv')!r}, input_format='tsv', url_col='url', caption_col='caption', "
               f"output_folder={str(out)!r}, output_format={layout!r}, processes_count=1, thread_count=4, resize_mode='no', disable_all_reencoding=True, "
               f"number_sample_per_shard=8, enable_wandb=False, compute_hash='sha256', retries=0)")
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    summary, rows = take_in(f"i2d-{layout}", f'{{ img2dataset = "{out}" }}')
    expect(f"img2dataset, {layout}: bytes and captions", pairs(rows) == whole, True)
    expect(f"img2dataset, {layout}: what it could not fetch", (summary["counts"]["in"], summary["reasons"]), (COUNT + 1, {"no_image": 1}))

print(f"{len(faults)} faults")
sys.exit(1 if faults else 0)
