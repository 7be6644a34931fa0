"""Pictures in every dress that collectors meet: formats, subsamplings, depths, palettes, profiles, layouts.

`files()` gives them all, each of another picture, so that none is a duplicate of another. `Odd.kinds` names the pixel
policies that apply: alpha, icc, cmyk, sixteen_bit, animated. `Odd.unread` is set for what this project tells as
`unsupported_format`, with the reason why it is not read.
"""
import io
import itertools
import struct
import zlib
from dataclasses import dataclass

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms

WIDTH, HEIGHT = 347, 221
made, pictures = [], itertools.count()


@dataclass
class Odd:
    name: str
    data: bytes
    kinds: frozenset = frozenset()
    unread: str = ""
    # (width, height) as people see it.
    size: tuple = (WIDTH, HEIGHT)
    # The pixels, where they are known from how the file was made and Pillow is known to see others.
    truth: np.ndarray | None = None


def keep(name, data, *kinds, **facts):
    made.append(Odd(name, bytes(data), frozenset(kinds), **facts))


def rgb():
    """Another picture each time: coarse colours, an edge and a little noise."""
    rng = np.random.default_rng(next(pictures))
    coarse = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.BICUBIC)).astype(np.int16)
    picture[HEIGHT // 3 : HEIGHT // 2, WIDTH // 4 : WIDTH // 2] += 50
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def grey():
    return rgb()[..., 1]


def alpha():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (x * 255 // (WIDTH - 1) * (y < HEIGHT * 0.8)).astype(np.uint8)


def rgba():
    return np.dstack([rgb(), alpha()])


def deep(array):
    """16 bits whose low byte is busy."""
    low = np.arange(array.size, dtype=np.uint16).reshape(array.shape) * 37 % 256
    return array.astype(np.uint16) << 8 | low


def inks():
    c, m, y = (255 - rgb()).transpose(2, 0, 1)
    k = np.minimum(np.minimum(c, m), y) // 2
    return np.dstack([c - k, m - k, y - k, k])


def saved(array, kind, mode=None, **options):
    image = array if isinstance(array, Image.Image) else Image.fromarray(array, mode) if mode else Image.fromarray(array)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def frames(count=3):
    return [Image.fromarray(rgb()) for _ in range(count)]


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F], exif[0x0110] = "Terminus", "One"
    return exif


def s15(value):
    return struct.pack(">i", round(value * 65536))


def profile(gamma=1.8, space=b"RGB "):
    """A small ICC profile, foreign to sRGB."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79), b"cprt": b"text" + bytes(4) + b"none\0",
            b"wtpt": b"XYZ " + bytes(4) + s15(0.9642) + s15(1) + s15(0.8249)}
    if space == b"RGB ":
        columns = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
        tags |= {name: b"XYZ " + bytes(4) + b"".join(map(s15, column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns)}
        tags |= {name: curve for name in (b"rTRC", b"gTRC", b"bTRC")}
    else:
        tags[b"kTRC"] = curve
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at, len(data))
        data += bytes(-len(data) % 4)
        body, at = body + data, at + len(data)
    header = struct.pack(">I4sI4s4s4s", at, b"none", 0x02400000, b"mntr", space, b"XYZ ") + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    header += b"acsp" + bytes(28) + s15(0.9642) + s15(1) + s15(0.8249)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + body


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# --- JPEG ------------------------------------------------------------------------------------------------------------

def jpegs():
    for sampling in ("444", "422", "420", "440", "411", "441", "410"):
        for kind, options in (("", {}), ("-optimized", {"optimize": True})):
            try:
                keep(f"sampling-{sampling}{kind}.jpg", imagecodecs.jpeg8_encode(rgb(), 90, subsampling=sampling, **options))
            except (ValueError, KeyError, RuntimeError):
                continue
    for quality in (1, 30, 100):
        keep(f"quality-{quality}.jpg", saved(rgb(), "JPEG", quality=quality))
    for sampling in (0, 1, 2):
        keep(f"progressive-{sampling}.jpg", saved(rgb(), "JPEG", quality=88, subsampling=sampling, progressive=True))
        keep(f"restart-{sampling}.jpg", saved(rgb(), "JPEG", quality=88, subsampling=sampling, restart_marker_blocks=3))
    keep("restart-progressive.jpg", saved(rgb(), "JPEG", quality=88, progressive=True, restart_marker_rows=1))
    keep("grey.jpg", saved(grey(), "JPEG", quality=88))
    keep("grey-progressive.jpg", saved(grey(), "JPEG", quality=88, progressive=True))
    keep("rgb-planes.jpg", saved(rgb(), "JPEG", quality=88, keep_rgb=True))
    keep("cmyk.jpg", saved(inks(), "JPEG", "CMYK", quality=92), "cmyk")
    keep("cmyk-progressive.jpg", saved(inks(), "JPEG", "CMYK", quality=92, progressive=True), "cmyk")
    ycck = bytearray(saved(255 - inks(), "JPEG", "CMYK", quality=92))
    ycck[ycck.index(b"Adobe") + 11] = 2
    keep("ycck.jpg", ycck, "cmyk")
    keep("icc.jpg", saved(rgb(), "JPEG", quality=92, icc_profile=profile()), "icc")
    keep("icc-grey.jpg", saved(grey(), "JPEG", quality=92, icc_profile=profile(space=b"GRAY")), "icc")
    keep("icc-srgb.jpg", saved(rgb(), "JPEG", quality=92, icc_profile=SRGB))
    keep("twelve-bit.jpg", imagecodecs.jpeg8_encode(deep(rgb()) >> 4, 90, bitspersample=12), "sixteen_bit", unread="12 bits a sample")
    keep("lossless.jpg", imagecodecs.jpeg8_encode(rgb(), lossless=True))
    keep("comments.jpg", b"\xff\xd8" + b"\xff\xfe\0\x08hello!" * 40 + saved(rgb(), "JPEG")[2:])
    keep("fill-bytes.jpg", b"\xff\xd8" + b"\xff" * 9 + saved(rgb(), "JPEG")[2:])
    keep("no-jfif.jpg", b"\xff\xd8" + saved(rgb(), "JPEG")[20:])
    plain = saved(Image.fromarray(rgb()).resize((60, 40)), "JPEG")
    keep("trailing.jpg", saved(rgb(), "JPEG") + b"bytes behind the end")
    keep("thumbnail.jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", 8 + len(plain)) + b"Exif\0\0" + plain + saved(rgb(), "JPEG")[2:])
    mpo = io.BytesIO()
    frames(1)[0].save(mpo, "MPO", save_all=True, append_images=frames(1))
    keep("two-pictures.mpo", mpo.getvalue())
    for size in ((1, 1), (7, 3), (8, 8), (17, 33), (16, 1), (1, 65)):
        keep(f"size-{size[0]}x{size[1]}.jpg", saved(Image.fromarray(rgb()).crop((40, 60, 40 + size[0], 60 + size[1])), "JPEG", quality=95), size=size)


# --- PNG by hand: Pillow writes no interlaced and no 16-bit colour -----------------------------------------------------

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered(rows, step, kind):
    """Each row by the filter `kind`, or by all in turn."""
    out, before = [], np.zeros(rows.shape[1], np.int32)
    for number, row in enumerate(rows.astype(np.int32)):
        left = np.concatenate([np.zeros(step, np.int32), row[:-step]]) if row.size > step else np.zeros(row.size, np.int32)
        corner = np.concatenate([np.zeros(step, np.int32), before[:-step]]) if row.size > step else np.zeros(row.size, np.int32)
        guess = left + before - corner
        a, b, c = abs(guess - left), abs(guess - before), abs(guess - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, before, corner))
        which = number % 5 if kind is None else kind
        line = row - (0, left, before, (left + before) // 2, paeth)[which]
        out.append(bytes([which]) + (line % 256).astype(np.uint8).tobytes())
        before = row
    return b"".join(out)


def png(array, colour_type, bits=8, interlaced=False, extra=b"", kind=None, pieces=1):
    """`array`: rows x columns x samples."""
    if array.ndim == 2:
        array = array[..., None]

    def packed(part):
        if bits == 16:
            return np.frombuffer(part.astype(">u2").tobytes(), np.uint8).reshape(part.shape[0], -1)
        if bits == 8:
            return part.reshape(part.shape[0], -1).astype(np.uint8)
        spread = ((part[..., 0][..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(part.shape[0], -1)
        return np.packbits(spread.astype(np.uint8), axis=1)

    passes = [array[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [array]
    step = max(1, array.shape[2] * bits // 8)
    body = zlib.compress(b"".join(filtered(packed(part), step, kind) for part in passes if part.size), 6)
    size = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, colour_type, 0, 0, interlaced)
    cut = -(-len(body) // pieces)
    data = b"".join(chunk(b"IDAT", body[at : at + cut]) for at in range(0, len(body), cut))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + extra + data + chunk(b"IEND", b"")


def pngs():
    for way in (False, True):
        tail = "-interlaced" if way else ""
        for bits in (1, 2, 4, 8, 16):
            kinds = ("sixteen_bit",) if bits == 16 else ()
            values = deep(grey()) if bits == 16 else grey() >> (8 - bits)
            keep(f"grey-{bits}{tail}.png", png(values, 0, bits, way), *kinds)
            key = struct.pack(">H", int(values[5, 5]))
            flipped = values[::-1]
            # Pillow holds a key of 2 or 4 bits against values that it has spread to 8 already.
            shown = np.where(flipped == values[5, 5], 255, flipped * (255 // ((1 << bits) - 1))) if bits in (2, 4) else None
            truth = None if shown is None else np.repeat(shown.astype(np.uint8)[..., None], 3, 2)
            keep(f"grey-{bits}-key{tail}.png", png(flipped, 0, bits, way, chunk(b"tRNS", key)), "alpha", *kinds, truth=truth)
        for bits in (1, 2, 4, 8):
            rng = np.random.default_rng(bits)
            table = rng.integers(0, 256, (1 << bits, 3), dtype=np.uint8)
            values = grey() >> (8 - bits)
            plte = chunk(b"PLTE", table.tobytes())
            keep(f"palette-{bits}{tail}.png", png(values, 3, bits, way, plte))
            keep(f"palette-{bits}-alpha{tail}.png", png(values[:, ::-1], 3, bits, way, plte + chunk(b"tRNS", bytes([0, 90][: 1 << bits]))), "alpha")
        keep(f"rgb-8{tail}.png", png(rgb(), 2, 8, way))
        keep(f"rgb-16{tail}.png", png(deep(rgb()), 2, 16, way), "sixteen_bit")
        colours = rgb() // 64 * 64
        keep(f"rgb-8-key{tail}.png", png(colours, 2, 8, way, chunk(b"tRNS", struct.pack(">HHH", *map(int, colours[9, 9])))), "alpha")
        keep(f"grey-alpha-8{tail}.png", png(np.dstack([grey(), alpha()]), 4, 8, way), "alpha")
        keep(f"grey-alpha-16{tail}.png", png(deep(np.dstack([grey(), alpha()])), 4, 16, way), "alpha", "sixteen_bit")
        keep(f"rgba-8{tail}.png", png(rgba(), 6, 8, way), "alpha")
        keep(f"rgba-16{tail}.png", png(deep(rgba()), 6, 16, way), "alpha", "sixteen_bit")
    for kind in range(5):
        keep(f"filter-{kind}.png", png(rgb(), 2, kind=kind))
    keep("many-chunks.png", png(rgb(), 2, pieces=400))
    end = chunk(b"IEND", b"")
    keep("empty-chunk.png", png(rgb(), 2).replace(end, chunk(b"IDAT", b"") + end))
    keep("text-chunks.png", png(rgb(), 2, extra=chunk(b"tEXt", b"parameters\0a girl, --niji 5") + chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 999))))
    keep("icc.png", png(rgb(), 2, extra=chunk(b"iCCP", b"wide\0\0" + zlib.compress(profile()))), "icc")
    keep("icc-alpha.png", png(rgba(), 6, extra=chunk(b"iCCP", b"wide\0\0" + zlib.compress(profile()))), "icc", "alpha")
    keep("srgb-chunk.png", png(rgb(), 2, extra=chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 45455))))
    keep("animated.png", saved(frames(1)[0], "PNG", save_all=True, append_images=frames(2)), "animated")
    keep("trailing.png", png(rgb(), 2) + b"bytes behind the end")
    for size in ((1, 1), (3, 5), (8, 1), (9, 9)):
        keep(f"size-{size[0]}x{size[1]}.png", png(rgb()[: size[1], : size[0]], 2, interlaced=True), size=size)


# --- WebP, GIF, BMP ----------------------------------------------------------------------------------------------------

def webps():
    for quality in (1, 75, 100):
        keep(f"lossy-{quality}.webp", saved(rgb(), "WEBP", quality=quality))
    for method in (0, 6):
        keep(f"lossless-{method}.webp", saved(rgb(), "WEBP", lossless=True, method=method))
    keep("lossless-few-colours.webp", saved(Image.fromarray(rgb()).quantize(9).convert("RGB"), "WEBP", lossless=True))
    keep("lossless-alpha.webp", saved(rgba(), "WEBP", lossless=True, exact=True), "alpha")
    keep("lossy-alpha.webp", saved(rgba(), "WEBP", quality=80), "alpha")
    keep("icc.webp", saved(rgb(), "WEBP", lossless=True, icc_profile=profile()), "icc")
    keep("animated.webp", saved(frames(1)[0], "WEBP", save_all=True, append_images=frames(2), lossless=True), "animated")
    keep("animated-lossy.webp", saved(frames(1)[0], "WEBP", save_all=True, append_images=frames(2), quality=80), "animated")
    for size in ((1, 1), (17, 33)):
        keep(f"size-{size[0]}x{size[1]}.webp", saved(Image.fromarray(rgb()).crop((40, 60, 40 + size[0], 60 + size[1])), "WEBP", lossless=True), size=size)


def gifs():
    def indexed(colours=250):
        return Image.fromarray(rgb()).quantize(colours)

    keep("plain.gif", saved(indexed(), "GIF", interlace=0))
    keep("interlaced.gif", saved(indexed(), "GIF", interlace=1))
    keep("two-colours.gif", saved(indexed(2), "GIF"))
    picture = indexed()
    keep("transparent.gif", saved(picture, "GIF", transparency=picture.getpixel((0, 0))), "alpha")
    keep("animated.gif", saved(frames(1)[0].quantize(250), "GIF", save_all=True, append_images=[f.quantize(250) for f in frames(2)]), "animated")
    plain = bytearray(saved(indexed(), "GIF", interlace=0))
    plain[3:6] = b"87a"
    keep("oldest.gif", plain)
    # The picture is smaller than the screen: what it leaves open is transparent.
    wide = bytearray(saved(indexed(), "GIF", interlace=0))
    wide[6:10] = struct.pack("<HH", WIDTH + 20, HEIGHT + 10)
    keep("small-frame.gif", wide, "alpha", size=(WIDTH + 20, HEIGHT + 10))


def bitmap(width, height, bits, rows, header=40, compression=0, masks=b"", palette=b""):
    size = 14 + header + len(palette) + (len(masks) if header == 40 else 0)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(rows), 2835, 2835, len(palette) // 4, 0)
        info += masks if header == 40 else masks + bytes(header - 40 - len(masks))
    return b"BM" + struct.pack("<IHHI", size + len(rows), 0, 0, size) + info + palette + rows


def padded(array):
    rows = np.ascontiguousarray(array[::-1]).reshape(array.shape[0], -1)
    return b"".join(row.tobytes() + bytes(-len(row.tobytes()) % 4) for row in rows)


def run_lengths(values, four_bits):
    out = b""
    for row in values[::-1]:
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and row[at + run] == row[at] and run < 254:
                run += 1
            value = int(row[at])
            out += bytes([run, value << 4 | value if four_bits else value])
            at += run
        out += b"\0\0"
    return out + b"\0\1"


def bmps():
    table = np.random.default_rng(1).integers(0, 256, (256, 3), dtype=np.uint8)
    palette = lambda count: b"".join(bytes(colour[::-1]) + b"\0" for colour in table[:count])
    keep("rgb.bmp", saved(rgb(), "BMP"))
    upside = bytearray(saved(rgb()[::-1], "BMP"))
    upside[22:26] = struct.pack("<i", -HEIGHT)
    keep("top-down.bmp", upside)
    for bits in (1, 4, 8):
        values = (grey() >> (8 - bits)).astype(np.uint8)
        spread = ((values[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(HEIGHT, -1).astype(np.uint8)
        keep(f"palette-{bits}.bmp", bitmap(WIDTH, HEIGHT, bits, padded(np.packbits(spread, axis=1)), palette=palette(1 << bits)))
    keep("rle8.bmp", bitmap(WIDTH, HEIGHT, 8, run_lengths(grey() >> 3, False), compression=1, palette=palette(256)))
    keep("rle4.bmp", bitmap(WIDTH, HEIGHT, 4, run_lengths(grey() >> 4, True), compression=2, palette=palette(16)))
    r, g, b = rgb().astype(np.uint16).transpose(2, 0, 1)
    keep("555.bmp", bitmap(WIDTH, HEIGHT, 16, padded((r >> 3) << 10 | (g >> 3) << 5 | b >> 3)))
    r, g, b = rgb().astype(np.uint16).transpose(2, 0, 1)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    keep("565.bmp", bitmap(WIDTH, HEIGHT, 16, padded((r >> 3) << 11 | (g >> 2) << 5 | b >> 3), compression=3, masks=masks))
    keep("bgrx.bmp", bitmap(WIDTH, HEIGHT, 32, padded(np.dstack([rgb()[..., ::-1], np.zeros((HEIGHT, WIDTH), np.uint8)]))))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    keep("alpha-v5.bmp", bitmap(WIDTH, HEIGHT, 32, padded(rgba()[..., [2, 1, 0, 3]]), header=124, compression=3, masks=masks), "alpha")
    keep("core.bmp", bitmap(WIDTH, HEIGHT, 24, padded(rgb()[..., ::-1]), header=12))


# --- TIFF ----------------------------------------------------------------------------------------------------------------

def tiff(array, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, array, metadata=None, **options)
    return out.getvalue()


def few_bits(bits, table=None):
    """Packed values of 2 or 4 bits in one strip, which tifffile does not write."""
    spread = (((grey() >> (8 - bits))[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(HEIGHT, -1).astype(np.uint8)
    rows = np.packbits(spread, axis=1).tobytes()
    tags = [(256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, 1 if table is None else 3),
            (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, HEIGHT), (279, 4, 1, len(rows))]
    colours = b"" if table is None else table.astype("<u2").tobytes()
    if colours:
        tags.append((320, 3, len(colours) // 2, 8 + len(rows)))
    start = 8 + len(rows) + len(colours)
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", start) + rows + colours + struct.pack("<H", len(tags)) + entries + bytes(4)


def tiffs():
    for compression in (None, "lzw", "deflate", "packbits", "jpeg", "zstd", "webp"):
        name = compression or "none"
        unread = {"zstd": "zstd in TIFF", "webp": "WebP in TIFF", "jpeg": "JPEG in TIFF"}.get(name, "")
        keep(f"strips-{name}.tif", tiff(rgb(), photometric="rgb", compression=compression, rowsperstrip=16), unread=unread)
        keep(f"tiles-{name}.tif", tiff(rgb(), photometric="rgb", compression=compression, tile=(64, 64)), unread=unread)
    keep("predictor.tif", tiff(rgb(), photometric="rgb", compression="lzw", predictor=True))
    keep("predictor-tiles.tif", tiff(rgb(), photometric="rgb", compression="deflate", predictor=True, tile=(32, 48)))
    keep("big-endian.tif", tiff(rgb(), photometric="rgb", byteorder=">"))
    keep("bigtiff.tif", tiff(rgb(), photometric="rgb", bigtiff=True))
    keep("planes.tif", tiff(rgb().transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"))
    keep("grey.tif", tiff(grey(), photometric="minisblack"))
    keep("white-is-zero.tif", tiff(grey(), photometric="miniswhite"))
    keep("grey-16.tif", tiff(deep(grey()), photometric="minisblack"), "sixteen_bit")
    keep("grey-16-big-endian.tif", tiff(deep(grey()), photometric="minisblack", byteorder=">"), "sixteen_bit")
    keep("rgb-16.tif", tiff(deep(rgb()), photometric="rgb"), "sixteen_bit")
    keep("rgb-16-lzw-predictor.tif", tiff(deep(rgb()), photometric="rgb", compression="lzw", predictor=True), "sixteen_bit")
    keep("float.tif", tiff(rgb()[..., 0].astype(np.float32) / 255, photometric="minisblack"), unread="floats have no range")
    keep("rgba.tif", tiff(rgba(), photometric="rgb", extrasamples=["unassalpha"]), "alpha")
    keep("rgba-16.tif", tiff(deep(rgba()), photometric="rgb", extrasamples=["unassalpha"]), "alpha", "sixteen_bit")
    keep("rgba-premultiplied.tif", tiff(rgba(), photometric="rgb", extrasamples=["assocalpha"]), "alpha")
    keep("rgb-extra.tif", tiff(rgba(), photometric="rgb", extrasamples=["unspecified"]))
    keep("grey-alpha.tif", saved(np.dstack([grey(), alpha()]), "TIFF", "LA"), "alpha")
    keep("cmyk.tif", tiff(inks(), photometric="separated"), "cmyk")
    keep("cmyk-lzw.tif", tiff(inks(), photometric="separated", compression="lzw"), "cmyk")
    indexed = Image.fromarray(rgb()).quantize(200)
    keep("palette.tif", saved(indexed, "TIFF"))
    keep("palette-lzw.tif", saved(Image.fromarray(rgb()).quantize(200), "TIFF", compression="tiff_lzw"))
    table = np.random.default_rng(4).integers(0, 256, (3, 16)).astype(np.uint16) * 257
    for bits in (2, 4):
        keep(f"grey-{bits}.tif", few_bits(bits))
        keep(f"palette-{bits}.tif", few_bits(bits, table[:, : 1 << bits]))
    keep("one-bit.tif", saved(Image.fromarray(grey()).convert("1"), "TIFF"))
    keep("one-bit-packbits.tif", saved(Image.fromarray(grey()).convert("1"), "TIFF", compression="packbits"))
    keep("fax-group-3.tif", saved(Image.fromarray(grey()).convert("1"), "TIFF", compression="group3"), unread="fax in TIFF")
    keep("fax-group-4.tif", saved(Image.fromarray(grey()).convert("1"), "TIFF", compression="group4"), unread="fax in TIFF")
    keep("ycbcr-jpeg.tif", tiff(rgb(), photometric="rgb", compression="jpeg", compressionargs={"outcolorspace": "ycbcr"}), unread="JPEG in TIFF")
    keep("lab.tif", saved(Image.fromarray(rgb()).convert("LAB"), "TIFF"), unread="CIE L*a*b* in TIFF")
    keep("icc.tif", saved(rgb(), "TIFF", icc_profile=profile()), "icc")
    pages = frames(2)
    keep("pages.tif", saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "animated")


def orientations():
    for orientation in range(1, 9):
        size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
        for kind, extension, options in (("JPEG", "jpg", {"quality": 90}), ("PNG", "png", {}), ("WEBP", "webp", {"lossless": True})):
            keep(f"orientation-{orientation}.{extension}", saved(rgb(), kind, exif=turned(orientation), **options), size=size)
        keep(f"orientation-{orientation}.tif", saved(rgb(), "TIFF", tiffinfo={274: orientation}), size=size)


def files():
    """All of them."""
    made.clear()
    for make in (jpegs, pngs, webps, gifs, bmps, tiffs, orientations):
        make()
    return list(made)


if __name__ == "__main__":
    import pathlib
    import sys

    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for odd in files():
        (folder / odd.name).write_bytes(odd.data)
    print(f"{len(made)} pictures in {folder}")
