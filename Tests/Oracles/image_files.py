"""The image files of the imaging fixtures, and what they show: PNG of every kind, JPEG, and every orientation.

A part of imaging.py, which names the versions.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = 13, 7


def scene(width, height, seed=0, channels=3):
    """Smooth shading with a disc and a little noise: something for every part of a codec."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        plane = 255 * (0.5 + 0.4 * np.sin(0.31 * (channel + 1) * x / max(1, width / 13) + 0.5 * y + channel))
        plane[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2] = 60 * (channel + 1)
        planes.append(plane + generator.integers(-9, 10, plane.shape))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


# PNG, written by hand: Pillow cannot write most of its kinds.

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Filter byte and packed samples of each row; `samples` is (rows, columns, channels)."""
    rows = b""
    for row in samples:
        values = row.reshape(-1)
        if depth == 16:
            data = values.astype(">u2").tobytes()
        else:
            bits = "".join(format(value, f"0{depth}b") for value in values)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        rows += b"\0" + data
    return rows


def png(samples, depth, color_type, interlaced=False, extra=b""):
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        data = b"".join(packed_rows(part, depth) for part in parts if part.size)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def to_bytes(samples, depth):
    """round(v * 255 / (2^depth - 1)) in integers."""
    top = 2**depth - 1
    return ((2 * 255 * samples.astype(np.int64) + top) // (2 * top)).astype(np.uint8)


def png_cases():
    generator = np.random.default_rng(1)

    def samples(depth, channels):
        return generator.integers(0, 2**depth, (HEIGHT, WIDTH, channels))

    for depth in (1, 2, 4, 8, 16):
        grey = samples(depth, 1)
        yield f"grey{depth}", (grey, depth, 0), b"", to_bytes(grey, depth).repeat(3, -1), None
    for depth in (4, 16):
        grey = samples(depth, 1)
        key = grey[3, 5, 0]
        alpha = np.where(grey[..., 0] == key, 0, 255)
        extra = chunk(b"tRNS", struct.pack(">H", key))
        yield f"grey{depth}-key", (grey, depth, 0), extra, to_bytes(grey, depth).repeat(3, -1), alpha
    for depth in (8, 16):
        both = samples(depth, 2)
        values = to_bytes(both, depth)
        yield f"grey{depth}-alpha", (both, depth, 4), b"", values[..., :1].repeat(3, -1), values[..., 1]
        color = samples(depth, 3)
        yield f"rgb{depth}", (color, depth, 2), b"", to_bytes(color, depth), None
        key = color[2, 4]
        alpha = np.where((color == key).all(-1), 0, 255)
        extra = chunk(b"tRNS", struct.pack(">HHH", *key))
        yield f"rgb{depth}-key", (color, depth, 2), extra, to_bytes(color, depth), alpha
        full = samples(depth, 4)
        values = to_bytes(full, depth)
        yield f"rgb{depth}-alpha", (full, depth, 6), b"", values[..., :3], values[..., 3]
    for depth in (1, 2, 4, 8):
        palette = generator.integers(0, 256, (2**depth, 3)).astype(np.uint8)
        index = samples(depth, 1)
        extra = chunk(b"PLTE", palette.tobytes())
        color = palette[index[..., 0]]
        yield f"palette{depth}", (index, depth, 3), extra, color, None
        some = generator.integers(0, 256, max(1, 2**depth // 2)).astype(np.uint8)
        opacity = np.concatenate([some, np.full(2**depth - len(some), 255, np.uint8)])
        extra += chunk(b"tRNS", some.tobytes())
        yield f"palette{depth}-alpha", (index, depth, 3), extra, color, opacity[index[..., 0]]


def check_with_pillow(data, color, alpha):
    """The hand-written files mean to Pillow what they mean here, but for 16 bits (it truncates) and for the colour keys
    of depths other than 8 (it compares them with converted samples)."""
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        return
    difference = np.abs(np.asarray(image.convert("RGB"), np.int64) - color).max()
    assert difference <= 1, difference
    has_key = image.mode != "P" and "transparency" in image.info
    if alpha is not None and not has_key:
        assert np.abs(np.asarray(image.convert("RGBA"), np.int64)[..., 3] - alpha).max() <= 1


# JPEG, written by Pillow and read back by it.


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **({"quality": 85} | options))
    return stream.getvalue()


def jpeg_cases():
    color = Image.fromarray(scene(WIDTH, HEIGHT, 2))
    wide = Image.fromarray(scene(45, 37, 3))
    four = Image.frombytes("CMYK", (WIDTH, HEIGHT), scene(WIDTH, HEIGHT, 4, 4).tobytes())
    yield "grey", jpeg(color.convert("L"))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield "ycc" + subsampling.replace(":", ""), jpeg(wide, subsampling=subsampling)
    yield "rgb", jpeg(color, keep_rgb=True)
    yield "progressive", jpeg(wide, progressive=True)
    yield "restarts", jpeg(wide, restart_marker_blocks=2)
    cmyk = jpeg(four)
    yield "cmyk", cmyk
    # The same planes, read as luma, two chromas and black: only the Adobe marker's transform differs.
    marker = cmyk.index(b"\xff\xee\x00\x0eAdobe")
    assert cmyk[marker + 15] == 0
    yield "ycck", cmyk[: marker + 15] + b"\x02" + cmyk[marker + 16 :]


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


# Orientation.


def tiff(order, value, kind=3, count=1, tag=0x0112, directory=8, magic=42):
    """A TIFF structure of two entries, the second one the orientation."""
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHI", tag, kind, count) + struct.pack(order + "HH", value, 0)
    first = struct.pack(order + "HHIHH", 0x0103, 3, 1, 6, 0)
    return mark + struct.pack(order + "HI", magic, directory) + struct.pack(order + "H", 2) + first + entry + bytes(4)


MALFORMED = {
    "zero": tiff("<", 0),
    "nine": tiff("<", 9),
    "type": tiff("<", 6, kind=2),
    "count": tiff(">", 6, count=2),
    "magic": tiff("<", 6, magic=43),
    "far": tiff(">", 6, directory=0x7FFFFFFF),
    "cut": tiff("<", 6)[:27],
    "empty": b"",
    "order": b"XX" + tiff("<", 6)[2:],
}


def orientation_cases():
    image = Image.fromarray(scene(WIDTH, HEIGHT, 5))
    samples = np.asarray(image)
    upright = decoded(jpeg(image))
    for order, name in (("<", "little"), (">", "big")):
        for value in range(1, 9):
            data = jpeg(image, exif=b"Exif\0\0" + tiff(order, value))
            turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
            yield f"{name}{value}.jpg", data, np.asarray(turned)
    for value in range(1, 9):
        data = png(samples, 8, 2, extra=chunk(b"eXIf", tiff(">", value)))
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        yield f"turned{value}.png", data, np.asarray(turned)
    for name, block in MALFORMED.items():
        yield f"malformed-{name}.jpg", jpeg(image, exif=b"Exif\0\0" + block), upright
        yield f"malformed-{name}.png", png(samples, 8, 2, extra=chunk(b"eXIf", block)), samples
