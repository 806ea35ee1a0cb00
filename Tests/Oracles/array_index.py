"""What numpy's basic indexing selects: numpy 2.4.6. Writes fixtures/array-index.json: per shape and index the flat places,
or null where numpy raises IndexError or selects nothing."""
import itertools
import json
import pathlib

import numpy as np

PARTS = ["0", "2", "-1", "-4", "5", ":", "1:", ":2", "::2", "::-1", "3:0:-1", "-3:-1", "9:", "2:2", "..."]


def places(shape, text):
    try:
        found = eval(f"a[{text}]", {"a": np.arange(int(np.prod(shape))).reshape(shape)})
    except IndexError:
        return None
    return sorted(np.atleast_1d(found).ravel().tolist()) or None


cases = []
for shape in [(5,), (3, 4), (3, 4, 5)]:
    for rank in range(1, len(shape) + 2):
        for parts in list(itertools.product(PARTS, repeat=rank))[::[1, 3, 41, 977][rank - 1]]:
            if parts.count("...") < 2:
                text = ",".join(parts)
                cases.append({"shape": shape, "index": text, "places": places(shape, text)})
path = pathlib.Path(__file__).parent / "fixtures" / "array-index.json"
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(len(cases), path.stat().st_size)
