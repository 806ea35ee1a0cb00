"""Fixtures for every operation: value, gradient, soft pullback and parameter gradients, by PyTorch in float64.

torch 2.13.0, numpy 2.4.6, safetensors 0.8.0. Writes fixtures/operations.safetensors and fixtures/operations.json (the
settings of each case). Values are rounded to float32 once, at the end.
"""
import numpy as np
import torch
import torch.nn.functional as F

import soft_torch as soft
from operation_cases import OperationCases

fixture = OperationCases(20260101)
draw, case, tensors = fixture.draw, fixture.case, fixture.tensors

# Convolution: (name, input, outputs, kernel, stride, padding [top, left, bottom, right], dilation, groups, bias)
for name, shape, outputs, kernel, stride, padding, dilation, groups, bias in [
    ("plain", (2, 3, 9, 8), 5, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 1, True),
    ("odd-stride", (2, 4, 11, 7), 3, (3, 2), (2, 3), [0, 1, 0, 1], (1, 1), 1, True),
    ("pointwise", (3, 6, 5, 7), 4, (1, 1), (1, 1), [0, 0, 0, 0], (1, 1), 1, False),
    ("pointwise-strided", (2, 6, 7, 6), 4, (1, 1), (2, 2), [0, 0, 0, 0], (1, 1), 1, False),
    ("same-asymmetric", (2, 3, 8, 8), 4, (3, 3), (2, 2), [0, 0, 1, 1], (1, 1), 1, False),
    ("grouped", (2, 6, 6, 5), 8, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 2, True),
    ("depthwise", (2, 5, 8, 9), 5, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 5, True),
    ("depthwise-strided", (2, 4, 9, 8), 4, (5, 5), (2, 2), [1, 2, 2, 1], (1, 1), 4, False),
    ("depthwise-multiplier", (1, 3, 6, 6), 6, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 3, True),
    ("dilated", (2, 3, 11, 10), 4, (3, 3), (1, 2), [2, 2, 2, 2], (2, 2), 1, True),
    ("depthwise-dilated", (1, 3, 9, 9), 3, (3, 3), (1, 1), [2, 2, 2, 2], (2, 2), 3, False),
    ("stem", (1, 3, 21, 23), 8, (7, 7), (2, 2), [3, 3, 3, 3], (1, 1), 1, False),
    ("large-map", (1, 2, 34, 32), 3, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 1, True),
    ("many-channels", (2, 40, 4, 4), 130, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1), 1, False),
    ("padding-beyond-input", (1, 2, 2, 3), 3, (5, 5), (1, 1), [4, 4, 4, 4], (1, 1), 1, True),
]:
    top, left, bottom, right = padding
    parameters = {"weight": draw(outputs, shape[1] // groups, *kernel)}
    if bias:
        parameters["bias"] = draw(outputs)
    run = lambda x, p: F.conv2d(
        F.pad(x[0], (left, right, top, bottom)), p["weight"], p.get("bias"), stride, 0, dilation, groups)
    case(f"conv-{name}", "conv",
         {"outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
          "groups": groups, "bias": bias}, [draw(*shape)], parameters, run)

for name, shape, outputs, bias in [
    ("features", (5, 13), 7, True), ("one-row", (1, 37), 70, False), ("tokens", (2, 6, 10), 9, True),
    ("many-tokens", (2, 40, 5), 6, True)]:
    parameters = {"weight": draw(outputs, shape[-1])} | ({"bias": draw(outputs)} if bias else {})
    case(f"linear-{name}", "linear", {"outputs": outputs, "bias": bias}, [draw(*shape)], parameters,
         lambda x, p: F.linear(x[0], p["weight"], p.get("bias")))

for name, shape in [("maps", (3, 5, 4, 3)), ("features", (6, 5)), ("large", (2, 3, 17, 19))]:
    c = shape[1]
    parameters = {"weight": draw(c), "bias": draw(c), "running_mean": draw(c), "running_var": draw(c).abs() + 0.1}
    for mode in ["evaluation", "training"]:
        run = lambda x, p: F.batch_norm(
            x[0], p["running_mean"].detach().clone(), p["running_var"].detach().clone(), p["weight"], p["bias"],
            training=mode == "training", eps=1e-5)
        case(f"batchnorm-{name}-{mode}", "batchnorm", {"epsilon": 1e-5}, [2 * draw(*shape) + 1], parameters, run,
             buffers=("running_mean", "running_var"), mode=mode)

for name, shape, channels_first in [("tokens", (2, 5, 19), False), ("features", (3, 33), False), ("maps", (2, 7, 4, 5), True)]:
    c = shape[1] if channels_first else shape[-1]
    parameters = {"weight": draw(c), "bias": draw(c)}

    def run(x, p, channels_first=channels_first, c=c):
        if channels_first:
            return F.layer_norm(x[0].permute(0, 2, 3, 1), (c,), p["weight"], p["bias"], 1e-6).permute(0, 3, 1, 2)
        return F.layer_norm(x[0], (c,), p["weight"], p["bias"], 1e-6)

    case(f"layernorm-{name}", "layernorm", {"epsilon": 1e-6, "axis": "channels" if channels_first else "last"},
         [3 * draw(*shape) - 2], parameters, run,
         lambda x, p, cf=channels_first: soft.frozen_layer_norm(x[0], p["weight"], p["bias"], 1e-6, cf), soft_config={})

activations = {
    "relu": (F.relu, soft.soft_relu), "relu6": (F.relu6, soft.soft_relu6), "gelu": (F.gelu, soft.soft_gelu),
    "silu": (F.silu, soft.soft_silu)}
for name, (hard, softened) in activations.items():
    for tau in [0.05, 0.6, 1.0, 1.6]:
        case(f"{name}-{tau}", name, {}, [4 * draw(2, 3, 5, 7)], {}, lambda x, p: hard(x[0]),
             lambda x, p: softened(x[0], tau), soft_config={"temperature": tau})
case("sigmoid", "sigmoid", {}, [4 * draw(2, 3, 5, 7)], {}, lambda x, p: torch.sigmoid(x[0]))
case("softmax", "softmax", {}, [3 * draw(2, 5, 21)], {}, lambda x, p: torch.softmax(x[0], -1))

for name, shape, kernel, stride, padding, ceil_mode in [
    ("stem", (2, 3, 9, 11), (3, 3), (2, 2), (1, 1), False), ("plain", (2, 3, 8, 6), (2, 2), (2, 2), (0, 0), False),
    ("tuple", (1, 2, 9, 10), (3, 2), (2, 3), (1, 0), False), ("ceil", (2, 2, 8, 9), (3, 3), (2, 2), (0, 0), True),
    ("ceil-padded", (1, 2, 7, 8), (3, 3), (3, 2), (1, 1), True), ("overlapping", (1, 2, 6, 6), (3, 3), (1, 1), (1, 1), False)]:
    for border in ["zeros", "excluded"]:
        for tau in [0.3, 1.0]:
            case(f"maxpool-{name}-{border}-{tau}", "maxpool",
                 {"kernel": kernel, "stride": stride, "padding": [*padding, *padding], "ceilMode": ceil_mode},
                 [draw(*shape)], {}, lambda x, p: F.max_pool2d(x[0], kernel, stride, padding, ceil_mode=ceil_mode),
                 lambda x, p: soft.soft_max_pool(x[0], kernel, stride, padding, ceil_mode, tau, border),
                 soft_config={"temperature": tau, "border": border})

for name, shape, kernel, stride, padding, ceil_mode, count in [
    ("plain", (2, 3, 8, 6), (2, 2), (2, 2), (0, 0), False, True), ("padded", (2, 3, 9, 7), (3, 3), (2, 2), (1, 1), False, True),
    ("excluding", (2, 3, 9, 7), (3, 3), (2, 2), (1, 1), False, False), ("ceil", (1, 2, 8, 9), (3, 2), (2, 3), (1, 1), True, True),
    ("ceil-excluding", (1, 2, 8, 9), (3, 2), (2, 3), (1, 1), True, False)]:
    case(f"avgpool-{name}", "avgpool",
         {"kernel": kernel, "stride": stride, "padding": [*padding, *padding], "ceilMode": ceil_mode, "countIncludePad": count},
         [draw(*shape)], {}, lambda x, p: F.avg_pool2d(x[0], kernel, stride, padding, ceil_mode, count))
for name, shape, size in [("one", (2, 3, 7, 5), (1, 1)), ("grid", (2, 3, 8, 9), (3, 4)), ("enlarging", (1, 2, 3, 3), (7, 7))]:
    case(f"avgpool-adaptive-{name}", "adaptiveavgpool", {"output": size}, [draw(*shape)], {},
         lambda x, p: F.adaptive_avg_pool2d(x[0], size))

case("add", "add", {}, [draw(2, 3, 4, 5), draw(2, 3, 4, 5)], {}, lambda x, p: x[0] + x[1])
case("add-three", "add", {}, [draw(2, 5), draw(2, 5), draw(2, 5)], {}, lambda x, p: x[0] + x[1] + x[2])
case("multiply", "multiply", {}, [draw(2, 3, 4, 5), draw(2, 3, 4, 5)], {}, lambda x, p: x[0] * x[1])
case("multiply-channels", "multiply", {}, [draw(2, 3, 4, 5), draw(2, 3, 1, 1)], {}, lambda x, p: x[0] * x[1])
case("concat-channels", "concat", {"axis": 0}, [draw(2, 3, 4, 5), draw(2, 1, 4, 5), draw(2, 4, 4, 5)], {},
     lambda x, p: torch.cat(x, 1))
case("concat-tokens", "concat", {"axis": 1}, [draw(2, 3, 4), draw(2, 3, 5)], {}, lambda x, p: torch.cat(x, 2))
case("reshape", "reshape", {"shape": [6, 10]}, [draw(2, 3, 4, 5)], {}, lambda x, p: x[0].reshape(2, 6, 10))
case("transpose", "transpose", {"order": [2, 0, 1]}, [draw(2, 3, 4, 5)], {}, lambda x, p: x[0].permute(0, 3, 1, 2))
case("transpose-pair", "transpose", {"order": [1, 0]}, [draw(2, 6, 5)], {}, lambda x, p: x[0].permute(0, 2, 1))
case("slice", "slice", {"axis": 1, "range": [1, 3]}, [draw(2, 3, 4, 5)], {}, lambda x, p: x[0][:, :, 1:3])
case("slice-last", "slice", {"axis": 1, "range": [2, 7]}, [draw(2, 3, 8)], {}, lambda x, p: x[0][:, :, 2:7])
case("dropout", "dropout", {}, [draw(2, 3, 4)], {}, lambda x, p: x[0] * 1)
case("affine", "affine", {"scale": [0.5, -2.0, 1.25], "shift": [1.0, 0.25, -3.0]}, [draw(2, 3, 4, 5)], {},
     lambda x, p: x[0] * torch.tensor([0.5, -2.0, 1.25]).double()[:, None, None]
     + torch.tensor([1.0, 0.25, -3.0]).double()[:, None, None])
case("matmul", "matmul", {"transposingRight": False}, [draw(2, 3, 4, 5), draw(2, 3, 5, 6)], {}, lambda x, p: x[0] @ x[1])
case("matmul-transposed", "matmul", {"transposingRight": True}, [draw(2, 4, 5), draw(2, 7, 5)], {},
     lambda x, p: x[0] @ x[1].transpose(-2, -1))


def heads(x, count):
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def join(y):
    return y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1)


for name, count, queries, keys, width, value_width in [("self", 2, 5, 5, 8, 8), ("reduced", 3, 7, 4, 6, 9), ("one-head", 1, 3, 6, 5, 4)]:
    for tau in [1.0, 2.0]:
        scale = (width // count) ** -0.5
        q, k, v = draw(2, queries, width), draw(2, keys, width), draw(2, keys, value_width)
        run = lambda x, p: join(
            torch.softmax(heads(x[0], count) @ heads(x[1], count).transpose(-2, -1) * scale, -1) @ heads(x[2], count))
        softened = lambda x, p: join(
            soft.frozen_attention(heads(x[0], count), heads(x[1], count), heads(x[2], count), scale, tau))
        case(f"attention-{name}-{tau}", "attention", {"heads": count}, [q, k, v], {}, run, softened,
             soft_config={"temperature": tau})
        cotangent = torch.tensor(tensors[f"attention-{name}-{tau}/cotangent"]).double()
        released = soft.released_attention_gradient(
            heads(q, count), heads(k, count), heads(v, count), scale, tau, heads(cotangent, count))
        for i, gradient in enumerate(released):
            tensors[f"attention-{name}-{tau}/released{i}"] = np.ascontiguousarray(join(gradient).numpy().astype(np.float32))

# Learned tensors that stand alone, without a layer.
case("layerscale", "layerscale", {}, [draw(2, 3, 4, 5)], {"gamma": draw(3, 1, 1)}, lambda x, p: p["gamma"] * x[0])
case("posembedding", "posembedding", {}, [draw(3, 4, 5)], {"embedding": draw(1, 4, 5)}, lambda x, p: x[0] + p["embedding"])
case("classtoken", "classtoken", {}, [draw(3, 4, 5)], {"token": draw(1, 1, 5)},
     lambda x, p: torch.cat([p["token"].expand(3, -1, -1), x[0]], 1))

fixture.save("operations")
