"""Pictures resized for display: pixels repeated where an axis grows, averaged by overlap where it shrinks.

Written with Python 3.11 and numpy 2.4.6; any version gives the same numbers. Writes fixtures/plotting/resampling.json.
"""

import json
from pathlib import Path

import numpy as np


def resize_rows(image, size):
    """Resizes axis 0 exactly: every row repeated `size` times, then blocks of the old height are averaged; where the
    axis grows, the row under the centre of each new one is taken."""
    height = image.shape[0]
    if size >= height:
        centres = (np.arange(size) + 0.5) * height / size
        return image[np.floor(centres).astype(int)]
    return np.repeat(image, size, axis=0).reshape(size, height, -1).mean(axis=1)


def resize(image, height, width):
    return resize_rows(resize_rows(image.astype(np.float64), height).T, width).T


random = np.random.RandomState(314)
examples = []
for (height, width), (new_height, new_width) in [
    ((5, 7), (2, 3)),
    ((8, 8), (4, 2)),
    ((3, 4), (7, 9)),
    ((9, 4), (5, 10)),
    ((23, 31), (10, 11)),
]:
    source = random.randint(0, 256, (height, width))
    resized = np.floor(resize(source, new_height, new_width) + 0.5).astype(int)
    examples.append({"source": source.tolist(), "resized": resized.tolist()})

target = Path(__file__).parent / "fixtures" / "plotting" / "resampling.json"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(examples) + "\n")
