"""Makes the odd pictures of this folder and, beside each, the pixels that Pillow sees in it.

    python make.py [OUT] [WIDTH HEIGHT]        (Pillow 12 or 13, numpy)

For every picture NAME.EXT there is NAME.EXT.rgb: upright, opaque on white, 8-bit sRGB, raw bytes; the
index `expected.txt` has one line each: file, width, height, colour, largest difference allowed.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
WIDTH, HEIGHT = (int(a) for a in sys.argv[2:4]) if len(sys.argv) > 3 else (35, 21)
WHITE = (255, 255, 255)
index = []


# --- pictures ----------------------------------------------------------------------------------

def rgb(seed=1):
    """A gradient with a few hard edges and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    x, y = x / WIDTH, y / HEIGHT
    picture = np.stack([255 * x, 255 * y, 255 * (1 - x) * y + 60 * (x > 0.5)], -1)
    picture[(x - 0.3) ** 2 + (y - 0.4) ** 2 < 0.04] = (220, 30, 40)
    picture[(x > 0.6) & (y > 0.7)] = (250, 250, 245)
    picture[(x > 0.8) & (y < 0.2)] = (3, 2, 5)
    picture += rng.normal(0, 3, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def grey():
    return rgb()[..., 1]


def alpha():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((x * 255) // (WIDTH - 1) * (y < HEIGHT * 0.8)).astype(np.uint8)


def rgba():
    return np.dstack([rgb(), alpha()])


def inks():
    c, m, y = (255 - rgb()).transpose(2, 0, 1)
    k = np.minimum(np.minimum(c, m), y) // 2
    return np.dstack([c - k, m - k, y - k, k])


# --- colour profiles ---------------------------------------------------------------------------

def s15(value):
    return struct.pack(">i", round(value * 65536))


def profile(space, tags, pcs=b"XYZ ", kind=b"mntr"):
    """An ICC v2 profile of these tags."""
    description = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(12 + 67)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    tags.setdefault(b"wtpt", b"XYZ " + bytes(4) + s15(0.9642) + s15(1) + s15(0.8249))
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at, len(data))
        data += bytes(-len(data) % 4)
        body += data
        at += len(data)
    header = struct.pack(">I4sI4s4s4s", at, b"none", 0x02400000, kind, space, pcs)
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(4 * 7)
    header += s15(0.9642) + s15(1) + s15(0.8249)
    header += bytes(128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + body


def gamma(value):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def xyz(values):
    return b"XYZ " + bytes(4) + b"".join(map(s15, values))


def matrix_profile(columns, exponent):
    names = [b"rXYZ", b"gXYZ", b"bXYZ"]
    tags = dict(zip(names, map(xyz, columns)))
    return profile(b"RGB ", tags | {t: gamma(exponent) for t in (b"rTRC", b"gTRC", b"bTRC")})


ADOBE_RGB = matrix_profile(
    [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)], 2.19921875)
WIDE_RGB = matrix_profile(
    [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)], 1.8)
GREY_LINEARISH = profile(b"GRAY", {b"kTRC": gamma(1.8)})
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = SRGB[:24] + struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + SRGB[36:]  # not the date of today


def cmyk_profile():
    """A four-ink table to Lab (lut16) with inks a little unlike the plain mix."""
    grid = 5
    steps = np.linspace(0, 1, grid)
    c, m, y, k = np.meshgrid(steps, steps, steps, steps, indexing="ij")
    light = (1 - k) ** 1.2
    red, green, blue = (1 - 0.9 * c) * light, (1 - 0.85 * m) * (1 - 0.2 * c) * light, (1 - 0.95 * y) * light
    lightness = 100 * (0.3 * red + 0.6 * green + 0.1 * blue)
    a, b = 90 * (red - green), 80 * (0.5 * red + 0.5 * green - blue)
    lab = np.stack([lightness * 65280 / 100, (a + 128) * 256, (b + 128) * 256], -1)
    table = lab.clip(0, 65535).astype(">u2").tobytes()
    identity = s15(1) + s15(0) * 3 + s15(1) + s15(0) * 3 + s15(1)
    curve = struct.pack(">HH", 0, 65535)
    lut = b"mft2" + bytes(4) + bytes([4, 3, grid, 0]) + identity + struct.pack(">HH", 2, 2)
    lut += curve * 4 + table + curve * 3
    return profile(b"CMYK", {b"A2B0": lut}, pcs=b"Lab ", kind=b"prtr")


# --- what Pillow sees --------------------------------------------------------------------------

def to_eight_bits(image):
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return image


def seen(data):
    """Upright, profile applied, on white."""
    image = Image.open(io.BytesIO(data))
    icc = image.info.get("icc_profile")
    image.seek(0)
    image.load()
    image = to_eight_bits(ImageOps.exif_transpose(image))
    if "transparency" in image.info and image.mode in ("P", "L", "RGB", "1"):
        image = image.convert("RGBA")
    opacity = image.getchannel("A") if image.mode in ("RGBA", "LA", "PA") else None
    if image.mode == "LA":
        image = image.getchannel("L")
    if image.mode not in ("CMYK", "L"):
        image = image.convert("RGB")
    if icc and icc != SRGB:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    image = image.convert("RGB")
    if opacity is not None:
        ground = Image.new("RGB", image.size, WHITE)
        ground.paste(image, mask=opacity)
        image = ground
    return image


def keep(name, data, colour, tolerance=0, pixels=None):
    image = pixels or seen(data)
    (OUT / name).write_bytes(data)
    (OUT / f"{name}.rgb").write_bytes(image.tobytes())
    index.append(f"{name} {image.width} {image.height} {colour} {tolerance}")


def saved(array, kind, mode=None, **options):
    image = Image.fromarray(array, mode) if mode else Image.fromarray(array)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# --- PNG by hand: Pillow writes no interlaced and no 16-bit colour -------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def png(array, colour_type, bits=8, interlaced=False, extra=b""):
    """`array`: rows x columns x samples, uint8 or uint16."""
    def rows(part):
        part = part.astype(">u2") if bits == 16 else part.astype(np.uint8)
        return b"".join(b"\0" + row.tobytes() for row in part)

    passes = [array]
    if interlaced:
        passes = [array[y::dy, x::dx] for y, x, dy, dx in ADAM7]
    body = b"".join(rows(part) for part in passes if part.size)
    size = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, colour_type, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + extra
            + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def sixteen(array):
    """Samples whose low byte is busy, so that rounding and cutting differ."""
    low = np.arange(array.size, dtype=np.uint16).reshape(array.shape) * 37 % 256
    return array.astype(np.uint16) << 8 | low


def eight_bit(array):
    return Image.fromarray(np.asarray(array).astype(np.uint8))


def on_white(array):
    ground = Image.new("RGB", (WIDTH, HEIGHT), WHITE)
    image = eight_bit(array)
    ground.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return ground


# --- the pictures --------------------------------------------------------------------------------

def jpegs():
    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        keep(f"{name}.jpg", saved(rgb(), "JPEG", quality=88, subsampling=subsampling), "rgb8")
    keep("progressive.jpg", saved(rgb(), "JPEG", quality=88, subsampling=2, progressive=True), "rgb8")
    keep("grey.jpg", saved(grey(), "JPEG", quality=88), "grey8")
    keep("restart.jpg", saved(rgb(), "JPEG", quality=88, restart_marker_rows=1), "rgb8")
    keep("rgb-planes.jpg", saved(rgb(), "JPEG", quality=88, keep_rgb=True), "rgb8")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010F], exif[0x0110] = "Terminus", "One"
        data = saved(rgb(), "JPEG", quality=80, subsampling=2, exif=exif)
        keep(f"orientation-{orientation}.jpg", data, "rgb8")
    plain = saved(inks(), "JPEG", "CMYK", quality=92)
    keep("cmyk.jpg", plain, "cmyk8")
    luma = np.dstack([np.asarray(Image.fromarray(255 - inks()[..., :3]).convert("YCbCr")), 255 - inks()[..., 3]])
    ycck = bytearray(saved(255 - luma, "JPEG", "CMYK", quality=92))
    ycck[ycck.index(b"Adobe") + 11] = 2
    keep("ycck.jpg", bytes(ycck), "ycck8", 1)
    # Little CMS resamples tables of four inks to 8 bits; on this one it is up to 9 from the exact value.
    keep("cmyk-icc.jpg", saved(inks(), "JPEG", "CMYK", quality=92, icc_profile=cmyk_profile()), "cmyk8+icc", 10)
    keep("adobe-rgb.jpg", saved(rgb(), "JPEG", quality=92, icc_profile=ADOBE_RGB), "rgb8+icc", 2)
    keep("srgb.jpg", saved(rgb(), "JPEG", quality=88, icc_profile=SRGB), "rgb8+srgb")
    keep("grey-icc.jpg", saved(grey(), "JPEG", quality=92, icc_profile=GREY_LINEARISH), "grey8+icc", 2)


def pngs():
    keep("rgb.png", saved(rgb(), "PNG"), "rgb8")
    keep("rgba.png", saved(rgba(), "PNG"), "rgba8")
    keep("grey.png", saved(grey(), "PNG"), "grey8")
    keep("grey-alpha.png", saved(np.dstack([grey(), alpha()]), "PNG", "LA"), "greya8")
    keep("one-bit.png", saved(grey() > 128, "PNG"), "grey1")
    palette = Image.fromarray(rgb()).quantize(200)
    out = io.BytesIO()
    palette.save(out, "PNG")
    keep("palette.png", out.getvalue(), "palette8")
    out = io.BytesIO()
    palette.save(out, "PNG", transparency=bytes(range(0, 200)))
    keep("palette-alpha.png", out.getvalue(), "palette8+alpha")
    out = io.BytesIO()
    Image.fromarray(rgb()).quantize(11).save(out, "PNG", bits=4)
    keep("palette-4.png", out.getvalue(), "palette4")
    keep("key.png", saved(rgb() // 64 * 64, "PNG", transparency=(192, 0, 0)), "rgba8")
    keep("interlaced.png", png(rgb(), 2, interlaced=True), "rgb8")
    keep("interlaced-alpha.png", png(rgba(), 6, interlaced=True), "rgba8")
    deep = sixteen(rgb())
    keep("rgb16.png", png(deep, 2, 16), "rgb16", pixels=eight_bit(deep >> 8))
    deep = sixteen(grey()[..., None])
    keep("grey16.png", png(deep, 0, 16), "grey16", pixels=eight_bit((deep >> 8)[..., 0]).convert("RGB"))
    deep = sixteen(rgba())
    keep("rgba16.png", png(deep, 6, 16), "rgba16", pixels=on_white(deep >> 8))
    iccp = chunk(b"iCCP", b"wide\0\0" + zlib.compress(WIDE_RGB))
    keep("wide.png", png(rgb(), 2, extra=iccp), "rgb8+icc", 2)
    keep("wide-alpha.png", png(rgba(), 6, extra=iccp), "rgba8+icc", 2)
    keep("srgb-chunk.png", png(rgb(), 2, extra=chunk(b"sRGB", b"\0")), "rgb8+srgb")
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("turned.png", saved(rgb(), "PNG", exif=exif), "rgb8")
    frames = [Image.fromarray(rgb(seed)) for seed in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    keep("animated.png", out.getvalue(), "rgb8")


def webps():
    keep("lossless.webp", saved(rgb(), "WEBP", lossless=True), "rgb8")
    keep("lossless-alpha.webp", saved(rgba(), "WEBP", lossless=True, exact=True), "rgba8")
    keep("lossy.webp", saved(rgb(), "WEBP", quality=80), "rgb8")
    keep("lossy-alpha.webp", saved(rgba(), "WEBP", quality=80), "rgba8")
    keep("wide.webp", saved(rgb(), "WEBP", lossless=True, icc_profile=WIDE_RGB), "rgb8+icc", 2)
    exif = Image.Exif()
    exif[0x0112] = 8
    keep("turned.webp", saved(rgb(), "WEBP", lossless=True, exif=exif), "rgb8")
    frames = [Image.fromarray(rgb(seed)) for seed in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    keep("animated.webp", out.getvalue(), "rgba8")


def gifs():
    frames = [Image.fromarray(rgb(seed)).quantize(250) for seed in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", interlace=1)
    keep("interlaced.gif", out.getvalue(), "palette8")
    out = io.BytesIO()
    frames[0].save(out, "GIF", interlace=0, transparency=frames[0].getpixel((0, 0)))
    keep("transparent.gif", out.getvalue(), "palette8+alpha")
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    keep("animated.gif", out.getvalue(), "palette8")


def bmps():
    keep("rgb.bmp", saved(rgb(), "BMP"), "rgb8")
    keep("grey.bmp", saved(grey(), "BMP"), "palette8")
    out = io.BytesIO()
    Image.fromarray(rgb()).quantize(100).save(out, "BMP")
    keep("palette.bmp", out.getvalue(), "palette8")
    keep("one-bit.bmp", saved(grey() > 128, "BMP"), "palette1")
    top_down = bytearray(saved(rgb()[::-1], "BMP"))
    top_down[22:26] = struct.pack("<i", -HEIGHT)
    keep("top-down.bmp", bytes(top_down), "rgb8")


def tiff_by_hand(strips, bits, photometric, planes=1, colours=b"", extra=None):
    """One strip a plane: what Pillow does not write."""
    body, places = b"", []
    for strip in strips:
        places.append(8 + len(body))
        body += strip
    tags = [(256, 4, (WIDTH,)), (257, 4, (HEIGHT,)), (258, 3, bits), (259, 3, (1,)), (262, 3, (photometric,)), (273, 4, places),
            (277, 3, (len(bits),)), (278, 4, (HEIGHT,)), (279, 4, [len(strip) for strip in strips]), (284, 3, (planes,))]
    if colours:
        tags.append((320, 3, struct.unpack(f"<{len(colours) // 2}H", colours)))
    if extra is not None:
        tags.append((338, 3, (extra,)))
    entries = b""
    for tag, kind, values in tags:
        data = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(data) > 4:
            at, body = 8 + len(body), body + data
            data = struct.pack("<I", at)
        entries += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + bytes(4)


def packed(values, bits):
    spread = ((values[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(HEIGHT, -1).astype(np.uint8)
    return np.packbits(spread, axis=1).tobytes()


def tiffs():
    keep("lzw.tif", saved(rgb(), "TIFF", compression="tiff_lzw"), "rgb8")
    keep("deflate.tif", saved(rgb(), "TIFF", compression="tiff_adobe_deflate"), "rgb8")
    keep("packbits.tif", saved(rgb(), "TIFF", compression="packbits"), "rgb8")
    keep("rgba.tif", saved(rgba(), "TIFF"), "rgba8")
    keep("grey.tif", saved(grey(), "TIFF"), "grey8")
    keep("grey16.tif", saved(sixteen(grey()), "TIFF"), "grey16")
    keep("grey-alpha.tif", saved(np.dstack([grey(), alpha()]), "TIFF", "LA"), "greya8")
    keep("cmyk.tif", saved(inks(), "TIFF", "CMYK"), "cmyk8")
    keep("one-bit.tif", saved(grey() > 128, "TIFF"), "grey1")
    keep("turned.tif", saved(rgb(), "TIFF", tiffinfo={274: 5}), "rgb8")
    out = io.BytesIO()
    Image.fromarray(rgb()).quantize(200).save(out, "TIFF", compression="tiff_lzw")
    keep("palette.tif", out.getvalue(), "palette8")
    colours = np.random.default_rng(4).integers(0, 256, 48).astype("<u2") * 257
    keep("palette-4.tif", tiff_by_hand([packed(grey() >> 4, 4)], (4,), 3, colours=colours.tobytes()), "palette4")
    keep("grey-2.tif", tiff_by_hand([packed(grey() >> 6, 2)], (2,), 1), "grey2")
    keep("planes.tif", tiff_by_hand([plane.tobytes() for plane in rgb().transpose(2, 0, 1)], (8, 8, 8), 2, planes=2), "rgb8")
    premultiplied = np.dstack([rgb().astype(np.uint16) * alpha()[..., None] // 255, alpha()]).astype(np.uint8)
    keep("premultiplied.tif", tiff_by_hand([premultiplied.tobytes()], (8,) * 4, 2, extra=1), "rgba8")
    pages = [Image.fromarray(rgb(seed)) for seed in (1, 2)]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    keep("pages.tif", out.getvalue(), "rgb8")


OUT.mkdir(parents=True, exist_ok=True)
for make in (jpegs, pngs, webps, gifs, bmps, tiffs):
    make()
(OUT / "expected.txt").write_text("\n".join(index) + "\n")
print(len(index), "pictures", sum(f.stat().st_size for f in OUT.iterdir()), "bytes")
