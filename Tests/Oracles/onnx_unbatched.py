"""Graphs without a batch axis, some of which can be read as if they had one; one whose input has signs in its name that
options use; one with two batches, of pictures and of texts; and one that ends in labels and probabilities: what PyTorch computes in
float64.

torch 2.13.0, onnx 1.23.2. Writes fixtures/onnx-unbatched/NAME.onnx and fixtures/onnx-unbatched.safetensors:
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


class Tokens(nn.Module):
    """Tokens that attend to each other: each has its output, which depends on the others."""

    def __init__(self):
        super().__init__()
        self.qkv, self.head = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x, mask=None):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = q @ k.T / 8**0.5
        return self.head(torch.softmax(scores if mask is None else scores + mask, -1) @ v)


class Mean(Tokens):
    """One output for all tokens."""

    def forward(self, x):
        return super().forward(x).mean(0)


class Positions(nn.Module):
    """Six places, each with its own vector: of one place, it is another function."""

    def __init__(self):
        super().__init__()
        self.positions, self.head = nn.Parameter(torch.randn(6, 8)), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(x + self.positions))


class Clipped(Positions):
    """Rows of a batch, unless their numbers are large."""

    def forward(self, x):
        return self.head(x / torch.clip(x.square().mean(0), min=25))


class Turned(Positions):
    """Rows of a batch, but for the order of what comes out."""

    def forward(self, x):
        return self.head(x).T.flatten()


class Rolled(Positions):
    """It cannot be written for one place."""

    def forward(self, x):
        return self.head(torch.cat([x[2:], x[:2]]) * x)


class Labels(Positions):
    """A class for each row of a batch, and probabilities."""

    def forward(self, x):
        logits = self.head(x)
        return logits.argmax(-1), torch.softmax(logits, -1)


class Encoders(nn.Module):
    """Each picture against each text."""

    def __init__(self):
        super().__init__()
        self.picture, self.text = nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, x, texts):
        return self.picture(x) @ self.text(texts).T


(HERE / "onnx-unbatched").mkdir(exist_ok=True)
numbers = {}
for name, kind, shape, given, opened in [
    ("image", Image, (3, 6, 7), "x", None), ("vector", Vector, (5,), "x", None), ("signs", Signs, (1, 5), "a=b,c", "n"),
    ("tokens", Tokens, (6, 8), "x", None), ("mean", Mean, (6, 8), "x", None), ("sequence", Tokens, (6, 8), "x", "length"),
    ("masked", Tokens, (6, 8), "x", None), ("positions", Positions, (6, 8), "x", "n"),
    ("clipped", Clipped, (6, 8), "x", "n"), ("turned", Turned, (6, 8), "x", "n"), ("rolled", Rolled, (6, 8), "x", "n"),
]:
    torch.manual_seed(3)
    model, x = kind().eval(), torch.randn(shape) * (6 if name == "clipped" else 1)
    others = (torch.randn(6, 6),) if name == "masked" else ()
    torch.onnx.export(
        model, (x, *others), HERE / f"onnx-unbatched/{name}.onnx", input_names=[given, "mask"][: 1 + len(others)],
        output_names=["y"], opset_version=17, dynamo=False,
        **({"dynamic_axes": {given: {0: opened}, "y": {0: opened}}} if opened else {}))
    x = x.double().requires_grad_()
    value = model.double()(x, *(other.double() for other in others))
    selector = torch.randn_like(value)
    gradient, = torch.autograd.grad((value * selector).sum(), x)
    parts = [("x", x), ("value", value), ("selector", selector), ("gradient", gradient)]
    for part, tensor in parts + [("mask", other) for other in others]:
        numbers[f"{name}/{part}"] = tensor.detach().float().contiguous()
torch.manual_seed(3)
model, x = Labels().eval(), torch.randn(2, 8)
torch.onnx.export(
    model, (x,), HERE / "onnx-unbatched/labels.onnx", input_names=["x"], output_names=["label", "probabilities"],
    opset_version=17, dynamo=False, dynamic_axes={"x": {0: "n"}})
for part, tensor in [("x", x), ("logits", model.double().head(x.double()))]:
    numbers[f"labels/{part}"] = tensor.detach().float().contiguous()
torch.manual_seed(3)
model, x, texts = Encoders().eval(), torch.randn(2, 5), torch.randn(3, 3)
torch.onnx.export(
    model, (x, texts), HERE / "onnx-unbatched/encoders.onnx", input_names=["x", "texts"], output_names=["y"],
    opset_version=17, dynamo=False, dynamic_axes={"x": {0: "pictures"}, "texts": {0: "texts"}})
value = model.double()(x.double(), texts.double())
for part, tensor in [("x", x), ("texts", texts), ("value", value)]:
    numbers[f"encoders/{part}"] = tensor.detach().float().contiguous()
save_file(numbers, HERE / "onnx-unbatched.safetensors")
