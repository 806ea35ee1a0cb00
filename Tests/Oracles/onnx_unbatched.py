"""Graphs without a batch axis, and one whose input has signs in its name that options use: what PyTorch computes in float64.

torch 2.13.0, onnx 1.23.2. Writes fixtures/onnx-unbatched/{image,vector,signs}.onnx and fixtures/onnx-unbatched.safetensors:
per graph the input, the value, a selector, and the gradient of <selector, value> with respect to the input.
"""
import pathlib

import torch
import torch_models
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent / "fixtures"


class Image(nn.Module):
    """A picture without a batch axis; the layers get one inside."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))

    def forward(self, x):
        return self.layers(x[None])[0]


class Vector(nn.Module):
    """Every value has its own weight: read as a batch of numbers it would be another function."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5))

    def forward(self, x):
        return torch.relu(x * self.weight)


class Signs(nn.Module):
    """Rows of a batch."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        return torch.relu(self.layer(x))


(HERE / "onnx-unbatched").mkdir(exist_ok=True)
numbers = {}
for name, kind, shape, given in [
    ("image", Image, (3, 6, 7), "x"), ("vector", Vector, (5,), "x"), ("signs", Signs, (1, 5), "a=b,c"),
]:
    torch.manual_seed(3)
    model, x = kind().eval(), torch.randn(shape)
    torch.onnx.export(
        model, (x,), HERE / f"onnx-unbatched/{name}.onnx", input_names=[given], output_names=["y"], opset_version=17,
        dynamo=False, **({"dynamic_axes": {given: {0: "n"}}} if name == "signs" else {}))
    x = x.double().requires_grad_()
    value = model.double()(x)
    selector = torch.randn_like(value)
    gradient, = torch.autograd.grad((value * selector).sum(), x)
    for part, tensor in [("x", x), ("value", value), ("selector", selector), ("gradient", gradient)]:
        numbers[f"{name}/{part}"] = tensor.detach().float().contiguous()
save_file(numbers, HERE / "onnx-unbatched.safetensors")
