"""Fixtures of Tests/ImagingTests: WebP as Pillow reads it, a PNG with a small window, torchvision's transforms.

Made with Python 3.11, Pillow 12.3.0 (older than 13, as in imaging.py), numpy 2.4.6 and torchvision 0.28.0.
Run without arguments; writes to fixtures/pictures beside this file.
"""

import base64
import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
import PIL
from image_files import chunk, decoded, scene
from PIL import Image, ImageOps
from torchvision import transforms

assert int(PIL.__version__.split(".")[0]) < 13, "see above"

FOLDER = pathlib.Path(__file__).parent / "fixtures" / "pictures"


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).decode()


def write_json(name, value):
    (FOLDER / name).write_text(json.dumps(value, indent=1) + "\n")


def webp(image, **options):
    file = io.BytesIO()
    image.save(file, "WEBP", **options)
    return file.getvalue()


def write_webp():
    cases = []
    for name, channels, options in [
        ("lossy", 3, {"quality": 80}),
        ("lossless", 3, {"lossless": True}),
        ("lossless-alpha", 4, {"lossless": True, "exact": True}),
        ("lossy-alpha", 4, {"quality": 90, "exact": True}),
        ("turned", 3, {"lossless": True, "exif": True}),
    ]:
        image = Image.fromarray(scene(37, 23, channels, channels))
        if options.pop("exif", None):
            exif = Image.Exif()
            exif[0x0112] = 6
            options["exif"] = exif.tobytes()
        data = webp(image, **options)
        (FOLDER / f"{name}.webp").write_bytes(data)
        shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA" if channels == 4 else "RGB"))
        cases.append({
            "file": f"{name}.webp", "width": shown.shape[1], "height": shown.shape[0], "color": encoded(shown[..., :3]),
            "alpha": encoded(shown[..., 3]) if channels == 4 else None,
        })  # fmt: skip
    write_json("webp.json", cases)
    frames = [Image.fromarray(scene(9, 9, seed)) for seed in range(2)]
    (FOLDER / "animated.webp").write_bytes(webp(frames[0], save_all=True, append_images=frames[1:], duration=100))


def write_small_window():
    """The window that the header of the compressed stream declares, 256 bytes, is less than its data reach back."""
    samples = np.tile(scene(31, 1, 3), (40, 12, 1))
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    stream = bytearray(zlib.compress(rows, 9))
    stream[0] = 0x08
    stream[1] = 31 - (stream[0] * 256) % 31
    try:
        zlib.decompressobj(0).decompress(bytes(stream))
        raise AssertionError("the window is large enough")
    except zlib.error as error:
        assert "too far back" in str(error)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", bytes(stream)), chunk(b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    (FOLDER / "small-window.png").write_bytes(data)
    assert (decoded(data) == samples).all()
    write_json("small-window.json", [{
        "file": "small-window.png", "width": samples.shape[1], "height": samples.shape[0], "color": encoded(samples),
        "alpha": None,
    }])  # fmt: skip


def write_transforms():
    """Resize and CenterCrop over squares, and pictures wider and higher than they are."""
    cases = []
    for width, height in [(50, 50), (51, 50), (41, 29), (29, 41), (16, 16), (7, 7), (3, 90)]:
        source = scene(width, height, width)
        results = []
        for resize, crop in [(32, 28), (28, 28), (37, 24), ((30, 45), 28)]:
            transform = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])
            results.append({
                "resize": resize if isinstance(resize, tuple) else [resize], "crop": crop,
                "color": encoded(transform(Image.fromarray(source))),
            })  # fmt: skip
        cases.append({"width": width, "height": height, "color": encoded(source), "results": results})
    write_json("transforms.json", cases)


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    write_webp()
    write_small_window()
    write_transforms()
