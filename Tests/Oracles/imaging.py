"""Fixtures of Tests/ImagingTests, from independent implementations.

Made with Python 3.11, Pillow 12.3.0, numpy 2.4.6 and matplotlib 3.11.2. Pillow must be older than 13, which resizes
vertically first where that is less work and so rounds differently, by one level.
Run without arguments; writes to fixtures/imaging beside this file, the same bytes every time.
"""

import base64
import io
import json
import pathlib
import shutil
import struct
import zlib

import matplotlib
import numpy as np
import PIL
from PIL import Image, ImageOps

assert int(PIL.__version__.split(".")[0]) < 13, "see above"

FOLDER = pathlib.Path(__file__).parent / "fixtures" / "imaging"
WIDTH, HEIGHT = 13, 7


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).decode()


def write_json(name, value):
    (FOLDER / name).write_text(json.dumps(value, indent=1) + "\n")


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


def png(samples, depth, colour_type, interlaced=False, extra=b""):
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        data = b"".join(packed_rows(part, depth) for part in parts if part.size)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
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
        colour = samples(depth, 3)
        yield f"rgb{depth}", (colour, depth, 2), b"", to_bytes(colour, depth), None
        key = colour[2, 4]
        alpha = np.where((colour == key).all(-1), 0, 255)
        extra = chunk(b"tRNS", struct.pack(">HHH", *key))
        yield f"rgb{depth}-key", (colour, depth, 2), extra, to_bytes(colour, depth), alpha
        full = samples(depth, 4)
        values = to_bytes(full, depth)
        yield f"rgb{depth}-alpha", (full, depth, 6), b"", values[..., :3], values[..., 3]
    for depth in (1, 2, 4, 8):
        palette = generator.integers(0, 256, (2**depth, 3)).astype(np.uint8)
        index = samples(depth, 1)
        extra = chunk(b"PLTE", palette.tobytes())
        colour = palette[index[..., 0]]
        yield f"palette{depth}", (index, depth, 3), extra, colour, None
        some = generator.integers(0, 256, max(1, 2**depth // 2)).astype(np.uint8)
        opacity = np.concatenate([some, np.full(2**depth - len(some), 255, np.uint8)])
        extra += chunk(b"tRNS", some.tobytes())
        yield f"palette{depth}-alpha", (index, depth, 3), extra, colour, opacity[index[..., 0]]


def check_with_pillow(data, colour, alpha):
    """The hand-written files mean to Pillow what they mean here, but for 16 bits (it truncates) and for the colour keys
    of depths other than 8 (it compares them with converted samples)."""
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        return
    difference = np.abs(np.asarray(image.convert("RGB"), np.int64) - colour).max()
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
    colour = Image.fromarray(scene(WIDTH, HEIGHT, 2))
    wide = Image.fromarray(scene(45, 37, 3))
    four = Image.frombytes("CMYK", (WIDTH, HEIGHT), scene(WIDTH, HEIGHT, 4, 4).tobytes())
    yield "grey", jpeg(colour.convert("L"))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield "ycc" + subsampling.replace(":", ""), jpeg(wide, subsampling=subsampling)
    yield "rgb", jpeg(colour, keep_rgb=True)
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


def case(name, data, colour, alpha=None):
    (FOLDER / name).write_bytes(data)
    return {
        "file": name,
        "width": colour.shape[1],
        "height": colour.shape[0],
        "colour": encoded(colour),
        "alpha": None if alpha is None else encoded(alpha),
    }


def write_decoding():
    cases = []
    for name, (samples, depth, colour_type), extra, colour, alpha in png_cases():
        for interlaced in (False, True):
            data = png(samples, depth, colour_type, interlaced, extra)
            check_with_pillow(data, colour, alpha)
            cases.append(case(f"{name}{'-adam7' if interlaced else ''}.png", data, colour, alpha))
    write_json("png.json", cases)
    write_json("jpeg.json", [case(f"{name}.jpg", data, decoded(data)) for name, data in jpeg_cases()])
    write_json("orientation.json", [case(*each) for each in orientation_cases()])


# Resizing and loading.


def write_resizing():
    cases = []
    targets = [(37, 23), (1, 1), (18, 11), (60, 46), (50, 23), (37, 5), (5, 37), (19, 40), (36, 22), (38, 24), (7, 31)]
    for (width, height), sizes in {
        (37, 23): targets,
        (150, 3): [(10, 10), (149, 2), (1, 7), (20, 1)],
        (2, 120): [(9, 12), (1, 1), (2, 119)],
        (1, 1): [(1, 1), (5, 3)],
    }.items():
        # Noise with saturated runs: weights that add up to more than one must not wrap.
        source = np.random.default_rng(width).integers(-60, 316, (height, width, 3)).clip(0, 255).astype(np.uint8)
        results = []
        for size in sizes:
            result = Image.fromarray(source).resize(size, Image.Resampling.BILINEAR)
            results.append({"width": size[0], "height": size[1], "colour": encoded(result)})
        cases.append({"width": width, "height": height, "colour": encoded(source), "results": results})
    write_json("resizing.json", cases)


def load(image, size):
    """The evaluation transform: torchvision's Resize and CenterCrop over Pillow; squares are resized directly."""
    width, height = image.size
    if width == height:
        return image.resize((size, size), Image.Resampling.BILINEAR)
    shorter = round(size * 256 / 224)
    longer = int(shorter * max(width, height) / min(width, height))
    new = (shorter, longer) if width < height else (longer, shorter)
    left, top = (int(round((extent - size) / 2)) for extent in new)
    return image.resize(new, Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))


def write_loading():
    cases = []
    for (width, height), size in [((41, 29), 16), ((29, 41), 21), ((30, 30), 16), ((12, 9), 24), ((3, 200), 8)]:
        source = scene(width, height, width)
        result = load(Image.fromarray(source), size)
        cases.append({
            "width": width, "height": height, "source": encoded(source), "alpha": None, "size": size,
            "colour": encoded(result), "objectColour": None, "objectMask": None,
        })  # fmt: skip
    for (width, height), size in [((20, 13), 16), ((11, 24), 32), ((17, 17), 8)]:
        source = scene(width, height, width)
        y, x = np.mgrid[0:height, 0:width]
        distance = ((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2
        alpha = np.clip(400 - 2000 * distance, 0, 255).astype(np.uint8)
        front, opacity = Image.fromarray(source), Image.fromarray(alpha)
        flat = Image.new("RGB", front.size, (128, 128, 128))
        flat.paste(front, mask=opacity)
        side = round(1.15 * max(width, height))
        corner = ((side - width) // 2, (side - height) // 2)
        square = Image.new("RGB", (side, side), (128, 128, 128))
        square.paste(front, corner, opacity)
        mask = Image.new("L", (side, side), 0)
        mask.paste(opacity, corner)
        cases.append({
            "width": width, "height": height, "source": encoded(source), "alpha": encoded(alpha), "size": size,
            "colour": encoded(load(flat, size)),
            "objectColour": encoded(square.resize((size, size), Image.Resampling.BILINEAR)),
            "objectMask": encoded(mask.resize((size, size), Image.Resampling.BILINEAR)),
        })  # fmt: skip
    write_json("loading.json", cases)
    levels = np.arange(256, dtype=np.float32)
    np.save(FOLDER / "levels.npy", 2 * (levels / np.float32(255)) - np.float32(1))


# Arrays.


def write_arrays():
    # Among them a header whose length is a multiple of 64 already, where numpy pads by 64 more.
    for shape in [(), (1,), (5,), (0, 3), (2, 3), (1, 3, 4, 5), (1,) * 20, (1,) * 13 + (100,)]:
        count = int(np.prod(shape))
        values = (np.arange(count, dtype=np.float32) / np.float32(7) - np.float32(1)).reshape(shape)
        np.save(FOLDER / f"array-{'x'.join(map(str, shape)) or 'scalar'}.npy", values)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    for version in (2, 3):
        with open(FOLDER / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, values, version=(version, 0))
    refused = {
        "float64": values.astype("<f8"),
        "big-endian": values.astype(">f4"),
        "integer": values.astype("<i4"),
        "column-major": np.asfortranarray(values),
        "structured": np.zeros(2, dtype=[("a", "<f4"), ("b", "<f4", (2,))]),
    }
    for name, array in refused.items():
        np.save(FOLDER / f"refused-{name}.npy", array)


# Colours.


def write_colours():
    seismic = encoded(matplotlib.colormaps["seismic"](np.arange(256), bytes=True)[:, :3])
    nodes = matplotlib.colormaps["coolwarm"]._segmentdata
    coolwarm = [[nodes[channel][index][1] for channel in ("red", "green", "blue")] for index in range(33)]
    attribution = np.random.default_rng(6).normal(size=(1, 3, 6, 8)).astype(np.float32)
    attribution[:, :, 2, 3:6] = 0
    mean = attribution[0].astype(np.float64).mean(0)
    value = np.where(mean > 0, mean / mean.max(), mean / -mean.min())
    heat = matplotlib.colormaps["seismic"]((value + 1) / 2, bytes=True)[..., :3]
    heat[value == 0] = 255
    low, high = attribution.min().astype(np.float64), attribution.max().astype(np.float64)
    raw = np.rint((attribution[0].astype(np.float64) - low) / (high - low) * 255).transpose(1, 2, 0)
    np.save(FOLDER / "attribution.npy", attribution)
    write_json("colours.json", {"seismic": seismic, "coolwarm": coolwarm, "heat": encoded(heat), "raw": encoded(raw)})


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    write_decoding()
    write_resizing()
    write_loading()
    write_arrays()
    write_colours()
