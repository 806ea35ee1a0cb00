"""Attention within windows as Swin, Swin-v2 and MaxViT have it, talking heads as CaiT, and maps sampled by a grid: exported
by both of torch's exporters, with what PyTorch computes in float64.

torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2. Writes fixtures/onnx-windows/NAME-EXPORTER.onnx and
fixtures/onnx-windows.safetensors: per graph the input, the value, a selector, the gradient of <selector, value> with respect
to the input, and the soft pullback with an attention temperature of 2: the attention matrix is a constant of the backward
pass, that of the scores divided by the temperature. Norms of queries and keys lie within the matrix.
"""
import pathlib

import onnx
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent / "fixtures"


def attended(scores, temperature):
    """A function from values to what attention makes of them: by the derivative, or with the matrix held constant."""
    if temperature is None:
        return lambda values, product: product(F.softmax(scores, -1), values)
    hard, soft = F.softmax(scores, -1).detach(), F.softmax(scores / temperature, -1).detach()
    return lambda values, product: product(soft, values) + product(hard - soft, values).detach()


class Windows(nn.Module):
    """A layer on windows of 4 x 4, and one on shifted windows, whose parts do not see each other."""

    cosine = False

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 1)
        self.qkv = nn.ModuleList(nn.Linear(8, 24) for _ in range(2))
        self.bias = nn.ParameterList(nn.Parameter(torch.randn(1, 2, 16, 16)) for _ in range(2))
        self.scale = nn.Parameter(torch.tensor([[[1.2]], [[4.0]]]))
        self.head = nn.Linear(8, 3)
        regions = torch.zeros(8, 8)
        regions[4:6], regions[6:] = 3, 6
        regions[:, 4:6] += 1
        regions[:, 6:] += 2
        parts = regions.view(2, 4, 2, 4).permute(0, 2, 1, 3).reshape(4, 16)
        apart = parts[:, None] != parts[:, :, None]
        self.register_buffer("mask", torch.zeros(4, 16, 16).masked_fill(apart, -100.0))

    def layer(self, x, index, temperature):
        batch = x.shape[0]
        if index:
            x = torch.roll(x, (-2, -2), (1, 2))
        x = x.view(batch, 2, 4, 2, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(batch * 4, 16, 8)
        q, k, v = self.qkv[index](x).reshape(batch * 4, 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
        if self.cosine:
            scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
            scores = scores * torch.clamp(self.scale, max=3.0).exp()
        else:
            scores = (q * 0.5) @ k.transpose(-2, -1)
        scores = scores + self.bias[index]
        if index:
            scores = scores.view(batch, 4, 2, 16, 16) + self.mask[:, None]
            scores = scores.view(-1, 2, 16, 16)
        y = attended(scores, temperature)(v, torch.matmul).transpose(1, 2).reshape(batch * 4, 16, 8)
        y = y.view(batch, 2, 2, 4, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(batch, 8, 8, 8)
        return torch.roll(y, (2, 2), (1, 2)) if index else y

    def forward(self, x, temperature=None):
        x = self.patch(x).permute(0, 2, 3, 1)
        for index in range(2):
            x = x + self.layer(x, index, temperature)
        return self.head(x.mean((1, 2)))


class Cosine(Windows):
    cosine = True


class Einsum(nn.Module):
    """Windows and a grid of windows, by Einstein's sums."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 1)
        self.qkv = nn.ModuleList(nn.Linear(8, 24) for _ in range(2))
        self.bias = nn.ParameterList(nn.Parameter(torch.randn(1, 2, 16, 16)) for _ in range(2))
        self.head = nn.Linear(8, 3)

    def forward(self, x, temperature=None):
        x = self.patch(x).permute(0, 2, 3, 1)
        for index, axes in enumerate([(0, 1, 3, 2, 4, 5), (0, 2, 4, 1, 3, 5)]):
            batch = x.shape[0]
            z = x.reshape(batch, 2, 4, 2, 4, 8).permute(*axes).reshape(batch, 4, 16, 8)
            if index:
                # Keys in the order (heads, keys), which the product turns.
                q, k, v = self.qkv[index](z).reshape(batch, 4, 16, 3, 2, 4).unbind(3)
                scores = torch.einsum("bgihd,bgjhd->bghij", q, k * 0.5) + self.bias[index]
                y = attended(scores, temperature)(v, lambda a, b: torch.einsum("bghij,bgjhd->bgihd", a, b))
            else:
                q, k, v = self.qkv[index](z).reshape(batch, 4, 16, 3, 2, 4).permute(3, 0, 1, 4, 2, 5)
                scores = torch.einsum("bghid,bghjd->bghij", q, k * 0.5) + self.bias[index]
                y = attended(scores, temperature)(v, lambda a, b: torch.einsum("bghij,bghjd->bghid", a, b))
                y = y.permute(0, 1, 3, 2, 4)
            y = y.reshape(batch, 4, 16, 8).reshape(batch, *([2, 2, 4, 4] if not index else [4, 4, 2, 2]), 8)
            order = (0, 1, 3, 2, 4, 5) if not index else (0, 3, 1, 4, 2, 5)
            x = x + y.permute(*order).reshape(batch, 8, 8, 8)
        return self.head(x.mean((1, 2)))


class Talking(nn.Module):
    """Heads that are mixed before and after the softmax: no attention layer, and the product rule."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, 2)
        self.qkv = nn.Linear(8, 24)
        self.before, self.after = nn.Linear(2, 2), nn.Linear(2, 2)
        self.head = nn.Linear(8, 3)

    def forward(self, x, temperature=None):
        x = self.patch(x).flatten(2).transpose(1, 2)
        batch = x.shape[0]
        q, k, v = self.qkv(x).reshape(batch, 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
        scores = (q * 0.5) @ k.transpose(-2, -1)
        weights = self.before(scores.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(-1)
        weights = self.after(weights.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.head((x + (weights @ v).transpose(1, 2).reshape(batch, 16, 8)).mean(1))


class Sampler(nn.Module):
    """Maps sampled where another layer says, their largest values, and a transposed convolution of volumes."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 4, 3, padding=1)
        self.places = nn.Conv2d(3, 2, 3, padding=1)
        self.up = nn.ConvTranspose3d(2, 3, (2, 3, 3), (2, 1, 2), (0, 1, 1), (1, 0, 1))
        self.head = nn.Linear(20 + 3, 3)
        axis = torch.linspace(-1, 1, 8)
        self.register_buffer("grid", torch.stack([axis.expand(8, 8), axis[:, None].expand(8, 8)], -1))

    def forward(self, x, temperature=None):
        grid = self.grid + 0.3 * self.places(x).permute(0, 2, 3, 1)
        y = F.grid_sample(self.maps(x), grid, "bilinear", "reflection", align_corners=False)
        top = torch.topk(y.flatten(2), 5, -1).values.flatten(1)
        volumes = self.up(y.reshape(-1, 2, 2, 8, 8)).mean((2, 3, 4))
        return self.head(torch.cat([top, volumes], 1))


def main():
    (HERE / "onnx-windows").mkdir(exist_ok=True)
    tensors = {}
    for make in [Windows, Cosine, Einsum, Talking, Sampler]:
        name = make.__name__.lower()
        torch.manual_seed(4)
        model = make().eval()
        x = torch.randn(2, 3, 8, 8)
        for exporter, opset in [("torchscript", 17), ("dynamo", 20)]:
            path = HERE / "onnx-windows" / f"{name}-{exporter}.onnx"
            if exporter == "torchscript":
                torch.onnx.export(
                    model, (x,), str(path), input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}},
                    opset_version=opset, dynamo=False)
            else:
                torch.onnx.export(
                    model, (x,), str(path), input_names=["x"], output_names=["y"], opset_version=opset, dynamo=True,
                    dynamic_shapes=({0: torch.export.Dim("n", min=1, max=64)},), external_data=False, verbose=False)
            graph = onnx.load(str(path))
            for node in graph.graph.node:
                node.doc_string = ""
                del node.metadata_props[:]
            del graph.graph.value_info[:]
            del graph.metadata_props[:]
            onnx.save(graph, str(path))
            print(path.name, path.stat().st_size, "bytes", flush=True)
        x = x.double().requires_grad_()
        model = model.double()
        value = model(x)
        selector = torch.cos(1.7 * torch.arange(value.numel())).double().reshape(value.shape)
        gradient, = torch.autograd.grad(value, x, selector)
        softened = model(x, 2.0)
        assert torch.allclose(softened, value, rtol=0, atol=1e-12)
        soft, = torch.autograd.grad(softened, x, selector)
        found = {"x": x, "value": value, "selector": selector, "gradient": gradient, "soft": soft}
        tensors |= {f"{name}/{key}": tensor.detach().float().contiguous() for key, tensor in found.items()}
    save_file(tensors, str(HERE / "onnx-windows.safetensors"))


if __name__ == "__main__":
    main()
