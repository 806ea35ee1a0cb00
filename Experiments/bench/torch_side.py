"""PyTorch's side of the benchmark: milliseconds of a forward pass, a gradient and a soft pullback of one model.

Usage: torch_side.py MODEL BATCH. Prints JSON. torchvision's and timm's models, weights as they initialise them.
"""
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Oracles"))
import soft_torch as soft


class Softened(torch.nn.Module):
    """A module whose backward pass follows a soft rule when `softened` is set."""

    softened = False

    def __init__(self, hard, gentle):
        super().__init__()
        self.hard, self.gentle = hard, gentle

    def forward(self, x):
        return self.gentle(x) if Softened.softened else self.hard(x)


def soften(module):
    for name, child in module.named_children():
        if isinstance(child, torch.nn.ReLU6):
            setattr(module, name, Softened(torch.nn.functional.relu6, soft.soft_relu6))
        elif isinstance(child, torch.nn.ReLU):
            setattr(module, name, Softened(torch.relu, soft.soft_relu))
        elif isinstance(child, torch.nn.MaxPool2d):
            pool = child
            setattr(module, name, Softened(
                pool, lambda x, p=pool: soft.soft_max_pool(x, p.kernel_size, p.stride, p.padding, p.ceil_mode)))
        else:
            soften(child)


def build(name):
    if name.startswith("efficientnet-lite"):
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_name(name)
    if name.startswith("pvt"):
        import timm

        return timm.create_model(name)
    # Wheels of torchvision built for another torch lack their compiled operations, which no classifier needs.
    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision.models.get_model(name)


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
model = build(name).eval()
for parameter in model.parameters():
    parameter.requires_grad_(False)
soften(model)
x = torch.rand(batch, 3, 224, 224) * 2 - 1
result = {"torch": torch.__version__, "threads": torch.get_num_threads()}
with torch.no_grad():
    result["forward"] = milliseconds(lambda: model(x))
result["gradient"] = milliseconds(lambda: pullback(model, x))
Softened.softened = True
if not name.startswith("pvt"):
    result["soft"] = milliseconds(lambda: pullback(model, x))
print(json.dumps(result))
