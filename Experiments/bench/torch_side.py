"""PyTorch's side of the benchmark: milliseconds of a forward pass, a gradient and a soft pullback of one model.

Usage: torch_side.py MODEL BATCH. Prints JSON. torchvision's and timm's own models, with weights as they initialise
them; for the soft pullback their modules are replaced by the surrogates of Tests/Oracles/soft_modules.py.
"""
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Oracles"))
import soft_modules
import torch_models


def milliseconds(body, seconds=2.0):
    """The median time of a call, after one call to warm up."""
    body()
    times = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[len(times) // 2]


def pullback(model, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(model(x)[:, 7].sum(), x)[0]


name, batch = sys.argv[1], int(sys.argv[2])
model = torch_models.build(name).eval().requires_grad_(False)
x = torch.rand(batch, 3, 224, 224) * 2 - 1
result = {}
with torch.no_grad():
    result["forward"] = milliseconds(lambda: model(x))
result["gradient"] = milliseconds(lambda: pullback(model, x))
soft_modules.replace_modules(model)
soft_modules.state.softened = True
result["soft"] = milliseconds(lambda: pullback(model, x))
print(json.dumps(result))
