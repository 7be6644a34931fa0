"""Makes a folder of images in the wild, each a policy: what a collector meets, in small.

usage: wild_set.py FOLDER [LARGE_SIDE]
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageCms

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)


def picture(width=704, height=448):
    """Smooth colour with detail: no flat area hides a wrong crop."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / width, y * 255 / height, (x + y) % 256], -1)
    waves = 40 * np.sin(x / 9.0)[..., None] * np.cos(y / 7.0)[..., None]
    noise = rng.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(base + waves + noise, 0, 255).astype(np.uint8))


def save(name, image, caption="a test picture, waves of colour --ar 3:2 --v 5.2", **options):
    image.save(folder / name, **options)
    (folder / name).with_suffix(".txt").write_text(caption + f", {pathlib.Path(name).stem}")


for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(f"orientation-{orientation}.jpg", picture(), quality=92, exif=exif)
for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
    save(f"jpeg-{name}.jpg", picture(), quality=92, subsampling=subsampling)
save("progressive.jpg", picture(), quality=90, progressive=True)
save("grey.jpg", picture().convert("L"), quality=92)
save("grey.png", picture().convert("L"))
save("cmyk.jpg", picture().convert("CMYK"), quality=95)
save("palette.png", picture().quantize(64))
rgba = picture().convert("RGBA")
rgba.putalpha(Image.fromarray(np.tile(np.where(np.arange(704) % 90 < 45, 255, 0).astype(np.uint8), (448, 1))))
save("alpha.png", rgba)
soft = picture().convert("RGBA")
soft.putalpha(Image.fromarray(np.tile((np.arange(704) * 255 // 703).astype(np.uint8), (448, 1))))
save("soft-alpha.png", soft)
wide = (np.asarray(picture().convert("L")).astype(np.uint16) << 8) | 0x55
Image.fromarray(wide).save(folder / "grey16.png")
(folder / "grey16.txt").write_text("sixteen bits of grey")
save("lossy.webp", picture(), quality=90)
save("lossless.webp", picture(), lossless=True)
save("grid.png", picture(1024, 1024), caption="four pictures of one prompt --niji 5")


def profile(name, gamma, primaries):
    """A minimal matrix/TRC ICC profile, foreign to sRGB."""

    def s15(value):
        return struct.pack(">i", round(value * 65536))

    def text(kind, value):
        data = value.encode() + b"\0"
        if kind == b"desc":
            return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + b"\0" * 78
        return b"text\0\0\0\0" + data

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": text(b"desc", name), b"cprt": text(b"text", "public domain"),
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(primaries[0]), b"gXYZ": xyz(primaries[1]), b"bXYZ": xyz(primaries[2]),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }
    table, body = b"", b""
    offset = 128 + 4 + 12 * len(tags)
    for key, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += key + struct.pack(">II", offset + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += s15(0.9642) + s15(1.0) + s15(0.8249)
    header += b"\0" * (128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + body


adobe = profile("Wide RGB", 2.2, ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)))
ImageCms.ImageCmsProfile(io.BytesIO(adobe))
save("foreign-icc.jpg", picture(), quality=95, icc_profile=adobe)
save("foreign-icc.png", picture(), icc_profile=adobe)

# Broken and hostile files: each must end as a verdict.
good = io.BytesIO()
picture().save(good, "JPEG", quality=90)
(folder / "truncated.jpg").write_bytes(good.getvalue()[: len(good.getvalue()) // 2])
png = io.BytesIO()
picture().save(png, "PNG")
(folder / "truncated.png").write_bytes(png.getvalue()[: len(png.getvalue()) // 2])
(folder / "empty.png").write_bytes(b"")
(folder / "page.jpg").write_text("<html><body>404 not found</body></html>")
(folder / "lying.png").write_bytes(good.getvalue())
(folder / "lying.txt").write_text("a jpeg that is called png")
(folder / "sidecar.png").write_bytes(png.getvalue()[:-1] + png.getvalue()[-1:])
(folder / "sidecar.txt").write_bytes(b"\xff\xfe not utf-8 \xc3")
ihdr = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
chunk = struct.pack(">I", len(ihdr)) + b"IHDR" + ihdr + struct.pack(">I", zlib.crc32(b"IHDR" + ihdr))
(folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0" * 64)
save("small.png", picture(40, 30))
print(f"{sum(path.suffix != '.txt' for path in folder.iterdir())} images in {folder}")
