"""Ingests a wild set under every policy, and holds each verdict against the one that this script foretold.

usage: wild_ingest.py TERMINUS WORK

The set: `odd_files.py` (formats, subsamplings, depths, profiles, all 8 orientations in 4 formats), bombs, truncations of
every format, files that lie, sidecars that are broken, duplicates, a grid, names that are no text. First every policy is
`convert`; then each in turn is `reject`; then all are. After the first run nothing may be decoded again, every item has
one verdict, and the verdicts add up to what came in.
"""
import io
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pyarrow.dataset
from PIL import Image

import odd_files
from odd_files import chunk, png, rgb, saved

terminus, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
wild, root = work / "wild", work / "wild-root"
for folder in (wild, root):
    shutil.rmtree(folder, ignore_errors=True)
wild.mkdir(parents=True)
LEAST_SIDE = 64
# Name -> (reason with every policy on convert, the policies that apply); no reason: it passes.
foretold = {}


def write(name, data, reason=None, kinds=(), sidecar=None):
    path = wild / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if sidecar is not None:
        path.with_suffix(".txt").write_bytes(sidecar)
    foretold[name] = (reason, frozenset(kinds))


odd = odd_files.files()
for one in odd:
    small = "too_small" if min(one.size) < LEAST_SIDE else None
    write(f"odd/{one.name}", one.data, "unsupported_format" if one.unread else small, () if one.unread else one.kinds)

# --- broken and hostile files ----------------------------------------------------------------------------------------

jpeg, plain_png = saved(rgb(), "JPEG", quality=90), png(rgb(), 2)
write("empty.png", b"", "empty")
write("page.jpg", b"<!doctype html><html><body>404 not found</body></html>", "not_an_image")
write("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not_an_image")
write("paper.pdf", b"%PDF-1.7 ...", "not_an_image")
write("zip.png", b"PK\x03\x04" + bytes(60), "not_an_image")
write("noise.webp", bytes(np.random.default_rng(1).integers(0, 256, 999, dtype=np.uint8)), "not_an_image")
write("lone.txt", b"a sidecar without its picture", "not_an_image")
write("a-jpeg.png", saved(rgb(), "JPEG"))
write("a-png.gif", png(rgb(), 2))
write("a-webp.jpg", saved(rgb(), "WEBP"))
write("no-extension", saved(rgb(), "JPEG"))
for name, kind in (("new.avif", "AVIF"), ("old.jp2", "JPEG2000"), ("tiny.ico", "ICO"), ("plain.ppm", "PPM")):
    write(name, saved(Image.fromarray(rgb()).resize((64, 64)), kind), "unsupported_format")
write("phone.heic", b"\0\0\0\x18ftypheic" + bytes(50), "unsupported_format")
write("next.jxl", b"\xff\x0a" + bytes(50), "unsupported_format")
write("layers.psd", b"8BPS" + bytes(50), "unsupported_format")

# Truncations: at a quarter, a half, and just before the end.
for name, data in (("jpg", jpeg), ("png", plain_png), ("webp", saved(rgb(), "WEBP")), ("gif", saved(Image.fromarray(rgb()).quantize(99), "GIF")),
                   ("bmp", saved(rgb(), "BMP")), ("tif", saved(rgb(), "TIFF", compression="tiff_lzw")), ("progressive.jpg", saved(rgb(), "JPEG", progressive=True))):
    for part in (1, 2):
        write(f"cut/{part}-quarters.{name}", data[: len(data) * part // 4], "truncated")
for name, data, back in (("jpg", jpeg, 2), ("png", plain_png, 12), ("bmp", saved(rgb(), "BMP"), 100), ("webp", saved(rgb(), "WEBP"), 3)):
    write(f"cut/almost.{name}", data[:-back], "truncated")
write("cut/header.jpg", jpeg[:3], "truncated")
write("cut/signature.png", plain_png[:8], "truncated")
damaged = bytearray(plain_png)
damaged[len(damaged) // 2] ^= 0x55
write("damaged/crc.png", damaged, "corrupt")
write("damaged/no-size.png", png(rgb(), 2).replace(struct.pack(">II", 347, 221), struct.pack(">II", 0, 221)), "corrupt")
write("damaged/first-scan.jpg", b"\xff\xd8\xff\xd9" + bytes(20), "truncated")


# Bombs: by header, by what unpacks, by frames, by scans.
def bomb_png(width, height, rows=b""):
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(count):
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


huge_jpeg = bytearray(jpeg)
frame = huge_jpeg.index(b"\xff\xc0")
huge_jpeg[frame + 5 : frame + 9] = b"\xff" * 4
write("bomb/header.png", bomb_png(60_000, 60_000), "too_large")
write("bomb/header.jpg", huge_jpeg, "too_large")
write("bomb/header.gif", b"GIF89a\xff\xff\xff\xff\xf0\0\0" + bytes(6) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;", "too_large")
write("bomb/frame.gif", b"GIF89a\x80\0\x80\0\xf0\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;", "too_large")
write("bomb/header.bmp", odd_files.bitmap(1 << 30, 1 << 30, 24, b"\0" * 64), "too_large")
write("bomb/canvas.webp", b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff" * 6, "too_large")
tiff_bomb = bytearray(saved(rgb(), "TIFF"))
tiff_bomb = bytes(tiff_bomb).replace(struct.pack("<HHI", 256, 4, 1) + struct.pack("<I", 347), struct.pack("<HHI", 256, 4, 1) + struct.pack("<I", 1 << 31))
write("bomb/header.tif", tiff_bomb, "too_large")
# 160 kB that are 160 MB of black: read, because it is under the limits, and it has no information.
write("bomb/black.png", bomb_png(8_000, 7_000, zeros((8_000 * 3 + 1) * 7_000 + (1 << 20))), None)
# Much more than the header says: what is too much is not unpacked.
write("bomb/overlong.png", png(rgb(), 2).replace(chunk(b"IEND", b""), b"") + chunk(b"IDAT", zeros(1 << 30)) + chunk(b"IEND", b""), None)
write("bomb/profile.png", png(rgb(), 2, extra=chunk(b"iCCP", b"x\0\0" + zeros(1 << 29))), None)
write("bomb/text.png", png(rgb(), 2, extra=chunk(b"zTXt", b"x\0\0" + zeros(1 << 29))), None)
many = [Image.fromarray(np.full((64, 64), n % 251, np.uint8)) for n in range(2_000)]
many[0] = Image.fromarray(rgb()).convert("L").resize((64, 64))
write("bomb/frames.gif", saved(many[0], "GIF", save_all=True, append_images=many[1:]), None, ("animated",))
progressive = saved(rgb(), "JPEG", progressive=True)
last = progressive.rindex(b"\xff\xda")
write("bomb/scans.jpg", progressive[:-2] + progressive[last:-2] * 3_000 + b"\xff\xd9", "corrupt")

# Sidecars.
write("sidecar/good.png", png(rgb(), 2), None, (), b"a girl, anime --niji 5")
write("sidecar/no-text.png", png(rgb(), 2), "bad_sidecar", (), b"\xff\xfe not utf-8 \xc3")
write("sidecar/huge.png", png(rgb(), 2), "bad_sidecar", (), b"x" * (2 << 20))
write("sidecar/no-json.png", png(rgb(), 2), "bad_sidecar")
(wild / "sidecar/no-json.json").write_text('{"prompt": ')

# Duplicates: the same bytes, the same pixels in other bytes, the same picture at another size; of each the first or larger stays.
same = rgb()
write("twice/a.png", saved(same, "PNG"))
write("twice/b.png", saved(same, "PNG"), "duplicate")
write("twice/c.png", saved(same, "PNG", compress_level=1), "near_duplicate")
write("twice/d.jpg", saved(Image.fromarray(same).resize((174, 111), Image.LANCZOS), "JPEG", quality=80), "near_duplicate")

# Four pictures in one.
grid = Image.new("RGB", (1024, 768))
for number in range(4):
    grid.paste(Image.fromarray(rgb()).resize((512, 384), Image.BICUBIC), (number % 2 * 512, number // 2 * 384))
write("grid.png", saved(grid, "PNG"), "split_into_tiles")

# Names.
for name in ("a name with spaces.jpg", "ünïcödé 日本.jpg", "new\nline.jpg", "-dash.jpg", "50%.jpg", "x" * 240 + ".jpg"):
    write(f"names/{name}", saved(rgb(), "JPEG"))
odd_bytes = os.fsencode(wild / "names") + b"/\xff\xfe.jpg"
with open(odd_bytes, "wb") as file:
    file.write(saved(rgb(), "JPEG"))
foretold["names/%FF%FE.jpg"] = (None, frozenset())
(wild / "folder.png").mkdir()
(wild / ".hidden.png").write_bytes(png(rgb(), 2))
# A link is followed, and stands before what it leads to by its name.
os.symlink("names/-dash.jpg", wild / "a-link.png")
foretold["a-link.png"], foretold["names/-dash.jpg"] = (None, frozenset()), ("duplicate", frozenset())
os.symlink("nowhere.png", wild / "broken-link.png")
foretold["broken-link.png"] = ("unreadable", frozenset())
os.mkfifo(wild / "pipe.png")

# --- runs --------------------------------------------------------------------------------------------------------------

recipe = work / "wild.toml"
recipe.write_text(f'root = "{root}"\n[[collection]]\nname = "wild"\nsource = {{ folder = "{wild}" }}\nmin_side_px = {LEAST_SIDE}\n')
POLICIES = ("alpha", "icc", "cmyk", "sixteen_bit", "animated")
faults = []


def expected(rejected):
    verdicts = {}
    for name, (reason, kinds) in foretold.items():
        refused = kinds & rejected
        if refused and reason in (None, "too_small"):
            reason = "animated" if "animated" in refused else "colour_policy"
        key = name.replace("%", "%25") if "%FF" not in name else name
        verdicts[f"wild:{key}", 0] = reason
    verdicts |= {("wild:grid.png", tile): None for tile in range(1, 5)}
    return verdicts


def run(title, rejected):
    sets = [option for policy in POLICIES if policy in rejected for option in ("--set", f'ingest.pixels.{policy}="reject"')]
    begun = time.monotonic()
    done = subprocess.run([terminus, "ingest", recipe, "--json", "--quiet", *sets], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{title}: exit {done.returncode}\n{done.stderr}")
    summary = json.loads(done.stdout)
    ledger = pyarrow.dataset.dataset(root / "ledger", format="parquet").to_table(columns=["run", "item_id", "source_id", "tile"]).to_pylist()
    names = {row["item_id"]: (row["source_id"], row["tile"]) for row in ledger}
    rows = pyarrow.dataset.dataset(root / "verdicts", format="parquet").to_table().to_pylist()
    # The settings of this run are those of the newest row; a run that changes nothing back writes none.
    rows.sort(key=lambda row: row["run"])
    hashes = {row["config_hash"] for row in rows}
    wanted = expected(rejected)
    best = None
    for config in hashes:
        seen = {names[row["item_id"]]: row for row in rows if row["config_hash"] == config}
        wrong = [(key, wanted.get(key, "nothing"), seen[key]["reason"] if key in seen else "no verdict", (seen.get(key) or {}).get("detail"))
                 for key in sorted(set(wanted) | set(seen)) if key not in seen or key not in wanted or seen[key]["reason"] != wanted[key]]
        if best is None or len(wrong) < len(best):
            best = wrong
    counts = summary["counts"]
    total = sum(counts[word] for word in ("passed", "rejected", "failed", "pending", "gone"))
    if not counts["in"] == total == len(wanted):
        faults.append(f"{title}: {counts} do not add up to {len(wanted)}")
    if sum(summary["reasons"].values()) != counts["rejected"] + counts["failed"]:
        faults.append(f"{title}: the reasons do not add up")
    # The link to nowhere has no bytes. Limits are settings too: what only they refuse is looked at under new settings, by its header.
    reopened = sum(reason in ("too_large", "bad_sidecar") for reason, _ in foretold.values())
    if summary["decoded"] != (len(foretold) - 1 if title == "all on convert" else reopened if rejected else 0):
        faults.append(f"{title}: {summary['decoded']} files were read")
    faults.extend(f"{title}: {key}: foretold {want}, seen {see} ({detail})".replace("\n", " ") for key, want, see, detail in best)
    print(f"{title:22} {time.monotonic() - begun:6.2f} s  {summary['decoded']:4} decoded  {counts}  {summary['reasons']}")


run("all on convert", frozenset())
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
for policy in POLICIES:
    run(f"{policy} on reject", frozenset([policy]))
run("all on reject", frozenset(POLICIES))
run("all on convert again", frozenset())
print(f"{len(foretold)} files, {len(faults)} faults; peak memory {peak:.0f} MiB")
for fault in faults[:40]:
    print("FAULT " + fault[:300])
sys.exit(1 if faults else 0)
