"""Two independent decoders over hostile files: the pixels of this project's against Pillow's.

usage: decoders.py PPM WORK      (PPM: target/release/examples/ppm, from cargo build --release -p terminus-pixels --example ppm)

Whole files: lossless formats must be equal to the last bit; a JPEG too, unless its coding needs other arithmetic, for
which `TOLERANCES` says how much. Cut files: an error, or all the pixels of the whole. Flipped bytes: nothing crashes, and
what both decoders read without complaint is held together; where they differ is counted. What Pillow reads and this
project refuses is listed with its reason, and must be foretold in `odd_files.py`.
"""
import collections
import io
import pathlib
import subprocess
import sys
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps

import odd_files

warnings.simplefilter("ignore")
ppm, work = sys.argv[1], pathlib.Path(sys.argv[2])
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Largest difference of a sample, by kind of file; 0 for all else.
TOLERANCES = {
    "icc": (2, "Little CMS rounds to 8 bits between its steps, this project's engine does not"),
    "ycck.jpg": (1, "the inks are mixed from rounded colours in another order"),
    "icc-alpha.png": (3, "as icc, and then laid on the matte"),
    "555.bmp": (1, "five bits are spread to eight by rounding, by Pillow by cutting off"),
    "565.bmp": (1, "as 555.bmp"),
    "small-frame.gif": (255, "what the frame leaves open is transparent, as browsers have it; Pillow fills it with colour 0"),
}


def seen(data):
    """What Pillow sees: upright, profile applied, on white, 8 bits."""
    image = Image.open(io.BytesIO(data))
    icc = image.info.get("icc_profile")
    image.seek(0)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.uint32)
        opaque = values != image.info.get("transparency", -1)
        image = Image.fromarray((values >> 8).astype(np.uint8))
        if not opaque.all():
            image.putalpha(Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8)))
    if "transparency" in image.info and image.mode in ("P", "L", "RGB", "1"):
        image = image.convert("RGBA")
    opacity = image.getchannel("A") if image.mode in ("RGBA", "LA", "PA") else None
    if image.mode == "LA":
        image = image.getchannel("L")
    if image.mode not in ("CMYK", "L"):
        image = image.convert("RGB")
    if icc and icc != odd_files.SRGB:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    image = image.convert("RGB")
    if opacity is not None:
        ground = Image.new("RGB", image.size, (255, 255, 255))
        ground.paste(image, mask=opacity)
        image = ground
    return np.asarray(image)


def pillow(data):
    try:
        return seen(data)
    except Exception as error:  # Whatever it says, it says no.
        return f"{type(error).__name__}: {error}"


def ours(datas):
    """Pixels, or the reason, of each."""
    folder = work / "decoders"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for start in range(0, len(datas), 500):
        part = datas[start : start + 500]
        for number, data in enumerate(part):
            (folder / f"{number}.bin").write_bytes(data)
            (folder / f"{number}.ppm").unlink(missing_ok=True)
        names = [str(folder / f"{number}.bin") for number in range(len(part))]
        lines = subprocess.run([ppm, folder, *names], check=True, capture_output=True, text=True).stdout.splitlines()
        for line in lines:
            number, word, *_ = line.split("\t")
            path = folder / f"{number}.ppm"
            results.append(np.asarray(Image.open(path)) if path.exists() else word)
    return results


def difference(a, b):
    if a.shape != b.shape:
        return f"{a.shape[1]}x{a.shape[0]} against {b.shape[1]}x{b.shape[0]}"
    return int(np.abs(a.astype(np.int16) - b).max())


files = odd_files.files()
faults, differing, refused = [], [], []
whole = ours([odd.data for odd in files])
for odd, mine in zip(files, whole):
    theirs = pillow(odd.data) if odd.truth is None else odd.truth
    if isinstance(mine, str):
        if not odd.unread:
            faults.append(f"{odd.name}: refused as {mine}; Pillow: {theirs if isinstance(theirs, str) else 'reads it'}")
        elif mine != "unsupported_format":
            faults.append(f"{odd.name}: {mine}, not unsupported_format")
        else:
            refused.append(f"{odd.name} ({odd.unread}){'' if isinstance(theirs, str) else ', which Pillow reads'}")
        continue
    if odd.unread:
        faults.append(f"{odd.name} is read now: it was foretold that it is not")
    if isinstance(theirs, str):
        differing.append(f"{odd.name}: only this project reads it ({theirs})")
        continue
    allowed = TOLERANCES.get(odd.name, TOLERANCES["icc"] if "icc" in odd.kinds else (0, ""))[0]
    found = difference(mine, theirs)
    if isinstance(found, str) or found > allowed:
        faults.append(f"{odd.name}: differs by {found}, allowed {allowed}")
    elif found:
        differing.append(f"{odd.name}: differs by {found}")
print(f"whole files: {len(files)}, of which {len(refused)} are refused as foretold, {len(faults)} faults")
for line in differing + [f"refused: {line}" for line in refused]:
    print("  " + line)

cuts = []
for odd, mine in zip(files, whole):
    if not isinstance(mine, str):
        lengths = {len(odd.data) * part // 12 for part in range(1, 12)} | {len(odd.data) - back for back in (1, 2, 3, 9)}
        cuts += [(odd, mine, length) for length in sorted(lengths) if length > 0]
outcomes = collections.Counter()
for (odd, mine, length), part in zip(cuts, ours([odd.data[:length] for odd, _, length in cuts])):
    if isinstance(part, str):
        outcomes[part] += 1
        if part == "decoder_panic":
            faults.append(f"{odd.name} cut at {length}: a decoder crashed")
    elif difference(part, mine) == 0:
        outcomes["whole all the same"] += 1
    else:
        faults.append(f"{odd.name} cut at {length} of {len(odd.data)}: read with made-up pixels")
print(f"cut files: {len(cuts)}: {dict(outcomes.most_common())}")

rng, flips = np.random.default_rng(3), []
for odd in files:
    for turn in range(12):
        data = bytearray(odd.data)
        reach = min(200, len(data)) if turn % 2 else len(data)
        for place in rng.integers(0, reach, 3):
            data[place] = rng.integers(0, 256)
        flips.append((odd, bytes(data)))
outcomes, apart = collections.Counter(), collections.Counter()
for (odd, data), mine in zip(flips, ours([data for _, data in flips])):
    theirs = pillow(data)
    kind = odd.name.rsplit(".", 1)[1]
    match isinstance(mine, str), isinstance(theirs, str):
        case True, True:
            outcomes["both refuse"] += 1
        case True, False:
            outcomes["only Pillow reads"] += 1
        case False, True:
            outcomes["only this project reads"] += 1
        case _:
            found = difference(mine, theirs)
            same = not isinstance(found, str) and found <= 3
            outcomes["both read, the same pixels" if same else "both read, other pixels"] += 1
            apart[kind] += not same
    outcomes["a decoder crashed, which was caught"] += isinstance(mine, str) and mine == "decoder_panic"
print(f"flipped bytes: {len(flips)} files: {dict(outcomes.most_common())}; other pixels by format: {dict(+apart)}")
for fault in faults:
    print("FAULT " + fault)
sys.exit(1 if faults else 0)
