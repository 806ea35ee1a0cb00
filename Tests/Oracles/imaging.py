"""Fixtures of Tests/ImagingTests, from independent implementations.

Made with Python 3.11, Pillow 12.3.0, numpy 2.4.6 and matplotlib 3.11.2. Pillow must be older than 13, which resizes
vertically first where that is less work and so rounds differently, by one level.
Run without arguments; writes to fixtures/imaging beside this file, the same bytes every time.
"""

import base64
import json
import pathlib
import shutil

import matplotlib
import numpy as np
import PIL
from PIL import Image
from image_files import check_with_pillow, decoded, jpeg_cases, orientation_cases, png, png_cases, scene

assert int(PIL.__version__.split(".")[0]) < 13, "see above"

FOLDER = pathlib.Path(__file__).parent / "fixtures" / "imaging"


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).decode()


def write_json(name, value):
    (FOLDER / name).write_text(json.dumps(value, indent=1) + "\n")


def case(name, data, color, alpha=None):
    (FOLDER / name).write_bytes(data)
    return {
        "file": name,
        "width": color.shape[1],
        "height": color.shape[0],
        "color": encoded(color),
        "alpha": None if alpha is None else encoded(alpha),
    }


def write_decoding():
    cases = []
    for name, (samples, depth, color_type), extra, color, alpha in png_cases():
        for interlaced in (False, True):
            data = png(samples, depth, color_type, interlaced, extra)
            check_with_pillow(data, color, alpha)
            cases.append(case(f"{name}{'-adam7' if interlaced else ''}.png", data, color, alpha))
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
            results.append({"width": size[0], "height": size[1], "color": encoded(result)})
        cases.append({"width": width, "height": height, "color": encoded(source), "results": results})
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
            "color": encoded(result), "objectColor": None, "objectMask": None,
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
            "color": encoded(load(flat, size)),
            "objectColor": encoded(square.resize((size, size), Image.Resampling.BILINEAR)),
            "objectMask": encoded(mask.resize((size, size), Image.Resampling.BILINEAR)),
        })  # fmt: skip
    write_json("loading.json", cases)
    levels = np.arange(256, dtype=np.float32)
    np.save(FOLDER / "levels.npy", 2 * (levels / np.float32(255)) - np.float32(1))


def load_to(image, height, width):
    """As load, for a target of any proportions: cover it enlarged by 256 / 224, and crop the middle."""
    if image.width * height == image.height * width:
        return image.resize((width, height), Image.Resampling.BILINEAR)
    tall, wide = round(height * 256 / 224), round(width * 256 / 224)
    if image.width * height < image.height * width:
        new = (wide, max(tall, wide * image.height // image.width))
    else:
        new = (max(wide, tall * image.width // image.height), tall)
    left, top = int(round((new[0] - width) / 2)), int(round((new[1] - height) / 2))
    return image.resize(new, Image.Resampling.BILINEAR).crop((left, top, left + width, top + height))


def write_channels():
    """Pictures of one, three and four channels, square or not: Pillow's L, RGB and RGBA."""
    cases = []
    for (width, height), size in [((41, 29), (16, 16)), ((29, 41), (12, 20)), ((30, 20), (10, 15)), ((9, 60), (24, 7))]:
        source = scene(width, height, width)
        y, x = np.mgrid[0:height, 0:width]
        alpha = np.clip(255 * np.sin(x / 3 + y / 5) + 128, 0, 255).astype(np.uint8)
        front, opacity = Image.fromarray(source), Image.fromarray(alpha)
        flat = Image.new("RGB", front.size, (128, 128, 128))
        flat.paste(front, mask=opacity)
        whole = Image.merge("RGBA", [*front.split(), opacity])
        cases.append({
            "width": width, "height": height, "source": encoded(source), "alpha": encoded(alpha), "rows": size[0],
            "columns": size[1], "gray": encoded(load_to(flat.convert("L"), *size)),
            "rgb": encoded(load_to(flat, *size)), "rgba": encoded(load_to(whole, *size)),
        })  # fmt: skip
    write_json("channels.json", cases)


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


def write_colors():
    seismic = encoded(matplotlib.colormaps["seismic"](np.arange(256), bytes=True)[:, :3])
    stops = np.array([[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]])
    places = np.arange(256) / 255
    blues = np.stack([np.interp(places, np.linspace(0, 1, 5), channel) for channel in stops.T], axis=1)
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
    write_json("colors.json", {
        "seismic": seismic, "coolwarm": coolwarm, "blues": encoded(np.rint(blues)), "heat": encoded(heat),
        "raw": encoded(raw),
    })  # fmt: skip


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    write_decoding()
    write_resizing()
    write_loading()
    write_channels()
    write_arrays()
    write_colors()
