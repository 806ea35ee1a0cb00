"""Small graphs, exported by both of torch's exporters at several operator sets, with what PyTorch computes in float64.

torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2. Writes fixtures/onnx/NAME.onnx and fixtures/onnx.safetensors: per graph the
inputs, the value, a selector, and the gradient of <selector, value> with respect to the first input.
"""
import contextlib
import pathlib

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent / "fixtures"


class Plain(nn.Module):
    """Convolutions with batch norms, the usual activations, pools, squeeze and excitation, a classifier."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = x + F.hardswish(self.conv2(x))
        gate = F.adaptive_avg_pool2d(x, 1)
        x = x * torch.sigmoid(self.excite(F.silu(self.squeeze(gate))))
        x = F.leaky_relu(x, 0.1) + F.elu(x) + F.mish(x) + F.relu6(4 * x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Encoder(nn.Module):
    """A transformer's block with a class token, a position embedding, attention and an MLP; pre-norm."""

    def __init__(self, fused=True, tanh=False, rms=False):
        super().__init__()
        self.fused, self.tanh = fused, tanh
        self.patch = nn.Conv2d(3, 12, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.place = nn.Parameter(torch.randn(1, 10, 12))
        self.norm1 = nn.RMSNorm(12, eps=1e-6) if rms else nn.LayerNorm(12)
        self.qkv = nn.Linear(12, 36)
        self.out = nn.Linear(12, 12)
        self.norm2 = nn.LayerNorm(12)
        self.fc1 = nn.Linear(12, 24)
        self.fc2 = nn.Linear(24, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, t, 3, 3, c // 3).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            scores = (q * (c // 3) ** -0.5) @ k.transpose(-2, -1)
            y = F.softmax(scores, -1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        x = x + self.fc2(F.gelu(self.fc1(self.norm2(x)), approximate="tanh" if self.tanh else "none"))
        return self.head(x[:, 0])


class Decoder(nn.Module):
    """Causal attention over a sequence with a padding mask of integers."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(12, 12) for _ in range(3))
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 4)

    def forward(self, x, mask):
        b, t, c = x.shape
        q, k, v = (m(x).view(b, t, 3, 4).transpose(1, 2) for m in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / 2.0
        causal = torch.tril(torch.ones(t, t, dtype=torch.bool))
        scores = scores.masked_fill(~causal, -1e30)
        scores = scores + (1.0 - mask[:, None, None, :].to(x.dtype)) * -1e9
        y = (F.softmax(scores, -1) @ v).transpose(1, 2).reshape(b, t, c)
        return self.head(self.norm(x + y))


class Segmenter(nn.Module):
    """Maps that become smaller and larger again: transposed convolution, resizing, group and instance norms."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 8, 3, stride=2, padding=1)
        self.group = nn.GroupNorm(4, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.up = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1)
        self.last = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        y = self.instance(F.softplus(self.group(self.down(x))))
        small = F.interpolate(y[:, :2], scale_factor=2, mode="bilinear", align_corners=False)
        y = torch.cat([self.up(y), small], 1)
        y = F.pad(y, (1, 1, 1, 1), mode="reflect")
        y = F.avg_pool2d(y, 3, 1)
        return self.last(y) * (x.mean(1, keepdim=True) + 1)


class Channels(nn.Module):
    """Norms over channels written out, an L2 norm, a product of two carrying values, pixel shuffle."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 8, 3, padding=1)
        self.gamma = nn.Parameter(torch.rand(8, 1, 1) + 0.5)
        self.beta = nn.Parameter(torch.randn(8, 1, 1))

    def forward(self, x):
        x = self.conv(x)
        mean = x.mean(1, keepdim=True)
        var = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(var + 1e-6) * self.gamma + self.beta
        a, b = x.chunk(2, 1)
        x = torch.cat([a * b, a / (b.norm(dim=1, keepdim=True) + 1e-3)], 1)
        return F.pixel_shuffle(x, 2)


class Tokens(nn.Module):
    """A classifier of token ids: an embedding, a layer, the mean over tokens, the padding left out if it is asked for."""

    def __init__(self, padded):
        super().__init__()
        self.padded = padded
        self.embedding = nn.Embedding(20, 6)
        self.layer = nn.Linear(6, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, ids):
        return self.after(self.embedding(ids), ids)

    def after(self, vectors, ids):
        h = F.gelu(self.layer(vectors))
        if not self.padded:
            return self.head(h.mean(1))
        mask = (ids != 0).to(h.dtype).unsqueeze(-1)
        return self.head((h * mask).sum(1) / mask.sum(1))


class Pair(nn.Module):
    """A picture and a row of a table, to logits and to features; its batch is fixed by a reshape."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 16 + 5, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, image, table):
        x = F.relu(F.max_pool2d(self.conv(image), 2))
        features = F.relu(self.fc(torch.cat([x.reshape(2, 64), table], 1)))
        return self.head(features), features


SIDE = torch.Generator().manual_seed(2)


def draw(*shape):
    return torch.randn(*shape, generator=SIDE)


CASES = {
    "plain": (Plain, [draw(2, 3, 24, 24)], [("torchscript", 11), ("torchscript", 17), ("dynamo", 18)]),
    "encoder": (Encoder, [draw(2, 3, 12, 12)], [("torchscript", 14), ("torchscript", 17), ("dynamo", 18)]),
    "encoder-open": (
        lambda: Encoder(fused=False, tanh=True), [draw(2, 3, 12, 12)],
        [("torchscript", 11), ("dynamo", 18), ("dynamo", 20)]),
    "encoder-rms": (lambda: Encoder(rms=True), [draw(2, 3, 12, 12)], [("dynamo", 20), ("dynamo", 23)]),
    "decoder": (
        Decoder, [draw(2, 6, 12), torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])],
        [("torchscript", 14), ("dynamo", 18)]),
    "segmenter": (Segmenter, [draw(2, 2, 12, 12)], [("torchscript", 11), ("torchscript", 18), ("dynamo", 18)]),
    "channels": (Channels, [draw(2, 2, 6, 6)], [("torchscript", 13), ("dynamo", 20)]),
}


def build(make):
    torch.manual_seed(4)
    model = make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    return model.eval()


def numbers(model, inputs):
    model = model.double()
    inputs = [x.double() if x.is_floating_point() else x for x in inputs]
    inputs[0].requires_grad_()
    value = model(*inputs)
    selector = torch.tensor(np.cos(np.arange(value.numel()) * 1.7)).reshape(value.shape)
    gradient, = torch.autograd.grad(value, inputs[0], selector)
    return {"value": value, "selector": selector, "gradient": gradient}


def export(model, inputs, path, exporter, opset):
    names = ["x", "mask"][:len(inputs)]
    if exporter == "torchscript":
        torch.onnx.export(
            model, tuple(inputs), str(path), input_names=names, output_names=["y"], opset_version=opset, dynamo=False,
            dynamic_axes={name: {0: "n"} for name in names})
    else:
        batch = torch.export.Dim("n", min=1, max=64)
        torch.onnx.export(
            model, tuple(inputs), str(path), input_names=names, output_names=["y"], opset_version=opset, dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in inputs), external_data=False, verbose=False)
    strip(path)


def strip(path):
    """Removes what people read in a graph."""
    model = onnx.load(path)
    for part in [model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, path)


def tokens():
    """Graphs of integers, whose gradient is at the vectors that they are looked up as."""
    found = {}
    ids = torch.tensor([[3, 17, 5, 9, 1], [4, 4, 12, 0, 0]])
    for name, padded in [("tokens", False), ("tokens-padded", True)]:
        for exporter, opset in [("torchscript", 14), ("dynamo", 20)]:
            path = HERE / "onnx" / f"{name}-{exporter}-{opset}.onnx"
            model = build(lambda: Tokens(padded))
            if exporter == "torchscript":
                torch.onnx.export(
                    model, (ids,), str(path), input_names=["ids"], output_names=["y"], opset_version=opset, dynamo=False,
                    dynamic_axes={"ids": {0: "n", 1: "t"}})
            else:
                n, t = torch.export.Dim("n", min=1, max=64), torch.export.Dim("t", min=2, max=64)
                torch.onnx.export(
                    model, (ids,), str(path), input_names=["ids"], output_names=["y"], opset_version=opset, dynamo=True,
                    dynamic_shapes=({0: n, 1: t},), external_data=False, verbose=False)
            strip(path)
        model = build(lambda: Tokens(padded)).double()
        vectors = model.embedding(ids).detach().requires_grad_()
        value = model.after(vectors, ids)
        gradient, = torch.autograd.grad(value[:, 1].sum(), vectors)
        found |= {f"{name}/ids": ids, f"{name}/value": value, f"{name}/gradient": gradient}
    return found


def mine():
    """The README's lines, on a network of a few kilobytes."""
    model = build(lambda: nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=4, padding=3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 8, 3), nn.GELU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)))
    with contextlib.chdir(HERE / "onnx"):
        model.eval()
        torch.onnx.export(model, (torch.zeros(1, 3, 224, 224),), "mine.onnx")
        strip("mine.onnx")
        pathlib.Path("mine.onnx.data").unlink(missing_ok=True)


def pair():
    """Two inputs, two outputs, and a batch of two that is written into the graph."""
    model = build(Pair)
    image, row = draw(2, 3, 8, 8), draw(1, 5)
    path = HERE / "onnx" / "pair.onnx"
    torch.onnx.export(
        model, (image, row.repeat(2, 1)), str(path), input_names=["image", "table"], output_names=["logits", "features"],
        opset_version=17, dynamo=False)
    strip(path)
    model = model.double()
    x = image.double().requires_grad_()
    logits, features = model(x, row.double().repeat(2, 1))
    gradient, = torch.autograd.grad(logits[:, 2].sum(), x, retain_graph=True)
    inner, = torch.autograd.grad(features[:, 4].sum(), x)
    return {
        "image": image, "table": row, "logits": logits, "features": features, "gradient": gradient, "inner": inner}


def quantised():
    """A convolution whose weight is int8 and whose values pass quantisers."""
    generator = np.random.default_rng(3)
    weight = generator.integers(-90, 90, (4, 3, 3, 3)).astype(np.int8)
    scale = (generator.random(4) / 100 + 0.005).astype(np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"], "quantise"),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"], "dequantise"),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], "weights", axis=0),
        helper.make_node("Conv", ["xd", "wd"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"], "relu"),
    ]
    tensors = {
        "s": np.float32(0.02), "z": np.uint8(128), "w": weight, "ws": scale, "wz": np.zeros(4, np.int8)}
    graph = helper.make_graph(
        nodes, "quantised", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, 6, 6])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in tensors.items()])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        HERE / "onnx" / "quantised.onnx")
    x = draw(2, 3, 6, 6).double().requires_grad_()
    w = torch.tensor(weight.astype(np.float64) * scale.astype(np.float64)[:, None, None, None])
    value = F.relu(F.conv2d(x, w, padding=1))
    selector = torch.tensor(np.cos(np.arange(value.numel()) * 1.7)).reshape(value.shape)
    gradient, = torch.autograd.grad(value, x, selector)
    return {"x": x, "value": value, "selector": selector, "gradient": gradient}


def halves():
    """Weights of float16, bfloat16 and double, cast before they are used; NHWC as tf2onnx writes it; data outside."""
    generator = np.random.default_rng(9)
    kernel = generator.standard_normal((4, 3, 1, 1)).astype(np.float16)
    double = generator.standard_normal((4, 2)).astype(np.float64)
    brain = torch.tensor(generator.standard_normal(4).astype(np.float32)).bfloat16()
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], "to_nchw", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["k"], ["kf"], "widen", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["t", "kf"], ["c"], "conv"),
        helper.make_node("Transpose", ["c"], ["u"], "to_nhwc", perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["b"], ["bf"], "widen_bias", to=TensorProto.FLOAT),
        helper.make_node("Add", ["u", "bf"], ["a"], "bias"),
        helper.make_node("Tanh", ["a"], ["h"], "tanh"),
        helper.make_node("Cast", ["d"], ["df"], "narrow", to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["h", "df"], ["m"], "project"),
        helper.make_node("ReduceMean", ["m"], ["y"], "mean", axes=[1, 2], keepdims=0),
    ]
    bias = helper.make_tensor("b", TensorProto.BFLOAT16, [4], brain.view(torch.int16).numpy().tobytes(), raw=True)
    graph = helper.make_graph(
        nodes, "halves", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5, 4, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(double, "d"), bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = HERE / "onnx" / "halves.onnx"
    (HERE / "onnx" / "halves.data").unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location="halves.data", size_threshold=0)
    x = draw(2, 5, 4, 3).double().requires_grad_()
    y = torch.tanh(x @ torch.tensor(kernel[:, :, 0, 0].astype(np.float64)).T + brain.double())
    value = (y @ torch.tensor(double)).mean((1, 2))
    selector = torch.tensor(np.cos(np.arange(value.numel()) * 1.7)).reshape(value.shape)
    gradient, = torch.autograd.grad(value, x, selector)
    return {"x": x, "value": value, "selector": selector, "gradient": gradient}


def main():
    (HERE / "onnx").mkdir(exist_ok=True)
    tensors = {}
    for name, (make, inputs, ways) in CASES.items():
        for exporter, opset in ways:
            case = f"{name}-{exporter}-{opset}"
            try:
                export(build(make), inputs, HERE / "onnx" / f"{case}.onnx", exporter, opset)
            except Exception as error:
                print(case, "NOT EXPORTED", type(error).__name__, str(error).split("\n")[0])
                (HERE / "onnx" / f"{case}.onnx").unlink(missing_ok=True)
        found = numbers(build(make), inputs)
        for label, x in zip(["x", "mask"], inputs):
            found[label] = x
        tensors |= {f"{name}/{key}": value for key, value in found.items()}
    tensors |= {f"quantised/{key}": value for key, value in quantised().items()}
    tensors |= {f"halves/{key}": value for key, value in halves().items()}
    tensors |= tokens() | {f"pair/{key}": value for key, value in pair().items()}
    mine()
    save_file({k: v.detach().float().contiguous() for k, v in tensors.items()}, str(HERE / "onnx.safetensors"))
    print(sum(p.stat().st_size for p in (HERE / "onnx").iterdir()) + (HERE / "onnx.safetensors").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
