"""Fixtures for operations of any rank: value, gradient, soft pullback and parameter gradients, in float64.

torch 2.13.0, numpy 2.4.6, safetensors 0.8.0, onnx 1.23.2 (its reference evaluator). Writes fixtures/shapes.safetensors
and fixtures/shapes.json, laid out as those of operations.py. Tensors have the batch axis in front; axes, shapes,
begins and ends in the settings do not count it. Integer inputs are int64 and have no gradient.

Lists of a convolution's or pooling's settings have an entry per spatial axis, the padding two: all begins, then all
ends. Broadcasting aligns shapes at their right, the batch axis apart: it stays the first.

convtranspose: y = torch's conv_transpose with padding 0, then begins and ends are cropped; outputPadding extends the
    end before that. As in torch, out = (in - 1) stride - begin - end + dilation (kernel - 1) + outputPadding + 1.
maxpool: positions in the padding never win. Soft rule: softmax(window / temperature) shares each cotangent out; in the
    padding, the score is 0 (border "zeros") or there is no position (border "excluded").
avgpool: the divisor counts positions in the padding where countIncludePad.
resize: "oracle" says who computed the value: torch's interpolate where it has the mode (and onnx agrees with it to
    1e-12), else onnx. The gradient is that of the linear map, by its matrix. "scales" are output extent / input extent
    unless the case sets them. pytorch_half_pixel differs from half_pixel only where the output extent is 1.
gather: per sample, output[n] = data[n] taken along the axis at indices[n]; indices of rank 0 remove the axis.
slice: Python's slice, one an axis; an end below -extent means past the beginning.
round: halves to even.
groupnorm, instancenorm, rmsnorm: the soft rule holds the statistics constant.
attention: queries (N, T, heads d), keys (N, S, keyHeads d), values (N, S, keyHeads e); query head h reads key head
    h / (heads / keyHeads), rounded down; scale d^-1/2. causal: query t sees keys s <= t (cases have T = S). The mask is
    added to the scaled scores, for all heads if it is (N, T, S). Soft rule: softmax((scores + mask) / temperature) is
    constant; nothing reaches queries, keys and mask.
"""
import numpy as np
import torch
import torch.nn.functional as F
from onnx.reference.ops.op_resize import Resize

import soft_torch as soft
from operation_cases import OperationCases

fixture = OperationCases(20260601)
draw, case, generator = fixture.draw, fixture.case, fixture.generator


def padded(x, padding, value=0.0):
    """x with begins and ends of its last axes; negative ones crop."""
    rank = len(padding) // 2
    sides = [side for axis in reversed(range(rank)) for side in (padding[axis], padding[rank + axis])]
    return F.pad(x, sides, value=value)


def parameters_of(weight_shape, outputs, bias):
    return {"weight": draw(*weight_shape)} | ({"bias": draw(outputs)} if bias else {})


def away(x, *points, margin=0.05):
    """x, moved off the points, so that no derivative is ambiguous; float32 numbers again."""
    for point in points:
        x = torch.where((x - point).abs() < margin, x + 2 * margin, x)
    return x.float().double()


# Convolution: (name, input, outputs, kernel, stride, padding, dilation, groups, bias)
for name, shape, outputs, kernel, stride, padding, dilation, groups, bias in [
    ("1d-plain", (2, 3, 9), 4, [3], [1], [1, 1], [1], 1, True),
    ("1d-causal", (2, 2, 8), 3, [3], [1], [4, 0], [2], 1, False),
    ("1d-strided-grouped", (2, 4, 11), 6, [4], [3], [0, 2], [1], 2, True),
    ("3d-plain", (1, 2, 3, 4, 3), 3, [2, 3, 2], [1, 1, 1], [0, 1, 1, 1, 1, 0], [1, 1, 1], 1, True),
    ("3d-strided-dilated", (2, 2, 4, 5, 4), 4, [2, 2, 3], [1, 2, 2], [1, 0, 1, 0, 1, 1], [2, 1, 1], 2, False)]:
    convolve = F.conv1d if len(kernel) == 1 else F.conv3d
    case(f"conv-{name}", "conv",
         {"outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
          "groups": groups, "bias": bias},
         [draw(*shape)], parameters_of((outputs, shape[1] // groups, *kernel), outputs, bias),
         lambda x, p: convolve(padded(x[0], padding), p["weight"], p.get("bias"), stride, 0, dilation, groups))

for name, shape, outputs, kernel, stride, padding, extra, dilation, groups, bias in [
    ("1d", (2, 3, 5), 4, [4], [2], [1, 1], [0], [1], 1, True),
    ("1d-grouped", (2, 4, 4), 6, [3], [3], [2, 0], [2], [2], 2, False),
    ("2d", (2, 3, 3, 4), 2, [3, 3], [2, 2], [1, 1, 1, 1], [1, 1], [1, 1], 1, True),
    ("2d-asymmetric", (1, 4, 4, 3), 4, [2, 3], [1, 3], [0, 1, 1, 3], [0, 1], [2, 1], 2, True)]:
    transposed = F.conv_transpose1d if len(kernel) == 1 else F.conv_transpose2d

    def run(x, p):
        with_padding = lambda begins: transposed(
            x[0], p["weight"], p.get("bias"), stride, begins, extra, groups, dilation)
        y = padded(with_padding(0), [-side for side in padding])
        begins, ends = padding[: len(kernel)], padding[len(kernel) :]
        assert begins != ends or torch.allclose(with_padding(begins), y, rtol=0, atol=1e-13)
        return y

    case(f"convtranspose-{name}", "convtranspose",
         {"outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "outputPadding": extra,
          "dilation": dilation, "groups": groups, "bias": bias},
         [draw(*shape)], parameters_of((shape[1], outputs // groups, *kernel), outputs, bias), run)

for name, shape, kernel, stride, padding, dilation, ceil_mode, softened in [
    ("1d", (2, 3, 9), [3], [2], [1, 1], [1], False, True), ("1d-ceil", (2, 2, 10), [3], [2], [0, 0], [2], True, True),
    ("1d-asymmetric", (2, 2, 7), [3], [1], [2, 0], [1], False, True),
    ("2d-dilated", (2, 2, 7, 6), [2, 3], [2, 1], [1, 1, 1, 1], [3, 2], False, True),
    ("2d-dilated-ceil", (1, 2, 8, 7), [2, 2], [3, 2], [0, 1, 0, 1], [2, 3], True, True),
    ("3d", (1, 2, 4, 5, 4), [2, 3, 2], [2, 1, 2], [0, 1, 1, 0, 1, 1], [1, 1, 1], False, False),
    ("3d-dilated-ceil", (1, 2, 5, 4, 4), [2, 2, 2], [2, 1, 2], [0, 0, 0, 0, 0, 0], [2, 1, 1], True, False)]:
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[len(kernel)]
    begins, ends = padding[: len(kernel)], padding[len(kernel) :]

    def run(x, p):
        if begins == ends:
            return pool(x[0], kernel, stride, begins, dilation, ceil_mode)
        return pool(padded(x[0], padding, -torch.inf), kernel, stride, 0, dilation, ceil_mode)

    config = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceilMode": ceil_mode}
    if not softened:
        case(f"maxpool-{name}", "maxpool", config, [draw(*shape)], {}, run)
    for border, tau in [("zeros", 0.3), ("excluded", 1.0)] if softened else []:
        case(f"maxpool-{name}-{border}", "maxpool", config, [draw(*shape)], {}, run,
             lambda x, p: soft.soft_max_pool_any(x[0], run(x, p), kernel, stride, padding, dilation, tau, border),
             soft_config={"temperature": tau, "border": border})

for name, shape, kernel, stride, padding, ceil_mode, count in [
    ("1d", (2, 3, 9), [4], [2], [1, 1], False, True), ("1d-ceil", (2, 2, 8), [3], [2], [1, 1], True, False),
    ("1d-asymmetric", (2, 2, 7), [3], [2], [2, 0], False, True),
    ("2d-asymmetric", (2, 2, 5, 6), [3, 2], [2, 2], [0, 1, 2, 0], False, True),
    ("2d-asymmetric-excluding", (2, 2, 5, 6), [3, 2], [2, 2], [0, 1, 2, 0], False, False),
    ("3d", (1, 2, 4, 3, 5), [2, 3, 2], [2, 1, 3], [0, 1, 0, 0, 1, 0], False, True),
    ("3d-excluding", (1, 2, 4, 3, 5), [3, 2, 2], [2, 2, 1], [1, 0, 1, 0, 1, 0], False, False)]:
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[len(kernel)]
    begins, ends = padding[: len(kernel)], padding[len(kernel) :]

    def run(x, p):
        if begins == ends:
            return pool(x[0], kernel, stride, begins, ceil_mode, count)
        average = lambda t: pool(padded(t, padding), kernel, stride)
        return average(x[0]) if count else average(x[0]) / average(torch.ones_like(x[0]))

    case(f"avgpool-{name}", "avgpool",
         {"kernel": kernel, "stride": stride, "padding": padding, "ceilMode": ceil_mode, "countIncludePad": count},
         [draw(*shape)], {}, run)

# Padding: numpy.pad says which element stands where.
for name, shape, mode, begins, ends, value in [
    ("constant", (2, 3, 4), "constant", [0, 2], [1, 1], -1.5), ("constant-vector", (2, 5), "constant", [3], [0], 0.5),
    ("constant-cropping", (2, 3, 5, 4), "constant", [0, -1, 2], [1, 2, -3], 0.0),
    ("reflect", (2, 3, 5), "reflect", [2, 0], [1, 4], 0.0),
    ("reflect-maps", (1, 2, 3, 4), "reflect", [0, 1, 2], [0, 2, 1], 0.0),
    ("edge", (2, 3, 4), "edge", [1, 0], [0, 3], 0.0), ("edge-maps", (1, 2, 3, 3), "edge", [0, 4, 1], [0, 1, 2], 0.0),
    ("wrap", (2, 3, 4), "wrap", [0, 3], [2, 1], 0.0), ("wrap-maps", (1, 2, 3, 4), "wrap", [1, 2, 0], [0, 3, 2], 0.0)]:

    def run(x, p):
        if mode == "constant":
            return padded(x[0], begins + ends, value)
        y = x[0]
        for axis, pair in enumerate(zip(begins, ends)):
            y = y.index_select(1 + axis, torch.tensor(np.pad(np.arange(y.shape[1 + axis]), pair, mode)))
        assert np.array_equal(y.detach().numpy(), np.pad(x[0].detach().numpy(), [(0, 0), *zip(begins, ends)], mode))
        return y

    case(f"pad-{name}", "pad", {"mode": mode, "begins": begins, "ends": ends, "value": value}, [draw(*shape)], {}, run)


def onnx_resize(x, config, first_axis):
    """onnx's reference of Resize; the settings' axes are counted from `first_axis`. It is called as a function, because
    the cubic coefficient is a float32 as an attribute of a node, and numpy then computes the weights in float32."""
    places = [first_axis + axis for axis in config["axes"]]
    extents = {"sizes": config["sizes"]}
    if config["scales"] != [size / x.shape[place] for place, size in zip(places, config["sizes"])]:
        extents = {"scales": np.array(config["scales"])}
    return Resize._run(
        None, x, None, **extents, axes=places, mode=config["mode"], nearest_mode=config["nearest"],
        coordinate_transformation_mode=config["coordinates"], cubic_coeff_a=config["cubicCoefficient"],
        keep_aspect_ratio_policy="stretch")[0]


def torch_resize(x, config):
    """torch's interpolate, or None where it has no such mode."""
    rank = len(config["sizes"])
    if config["axes"] != list(range(1, 1 + rank)) or x.dim() != 2 + rank:
        return None
    if config["mode"] == "nearest":
        interpolation = {
            ("asymmetric", "floor"): "nearest", ("half_pixel", "round_prefer_ceil"): "nearest-exact",
        }.get((config["coordinates"], config["nearest"]))
    else:
        interpolation = {("linear", 1): "linear", ("linear", 2): "bilinear", ("cubic", 2): "bicubic"}.get(
            (config["mode"], rank) if config["coordinates"] in ["half_pixel", "align_corners"] else None)
    if not interpolation:
        return None
    corners = None if config["mode"] == "nearest" else config["coordinates"] == "align_corners"
    own = config["scales"] != [size / extent for size, extent in zip(config["sizes"], x.shape[2:])]
    extents = {"scale_factor": config["scales"], "recompute_scale_factor": False} if own else {"size": config["sizes"]}
    return F.interpolate(x, **extents, mode=interpolation, align_corners=corners)


def check_unambiguous(config, extents):
    """No nearest neighbour hangs on a rounding error: an index is exact, or clear of where the choice changes."""
    for size, scale, extent in zip(config["sizes"], config["scales"], extents):
        index = np.arange(size)
        corners = index * (extent - 1) / max(extent * scale - 1, 1)
        at = {"asymmetric": index / scale, "align_corners": corners}.get(
            config["coordinates"], (index + 0.5) / scale - 0.5)
        changes = at if config["nearest"] in ["floor", "ceil"] else at + 0.5
        assert np.log2(scale) % 1 == 0 or np.abs(changes - np.round(changes))[at > 0].min() > 1e-3, (config, at)


for name, shape, axes, sizes, scales, mode, coordinates, nearest in [
    ("nearest-floor", (2, 2, 3, 4), [1, 2], [6, 8], None, "nearest", "asymmetric", "floor"),
    ("nearest-exact", (2, 2, 5, 3), [1, 2], [3, 5], None, "nearest", "half_pixel", "round_prefer_ceil"),
    ("nearest-prefer-floor", (2, 2, 4), [1], [8], None, "nearest", "asymmetric", "round_prefer_floor"),
    ("nearest-prefer-ceil", (2, 2, 4), [1], [8], None, "nearest", "asymmetric", "round_prefer_ceil"),
    ("nearest-ceil-down", (2, 3, 8, 4), [1, 2], [4, 2], None, "nearest", "half_pixel", "ceil"),
    ("nearest-corners", (2, 2, 4), [1], [6], None, "nearest", "align_corners", "round_prefer_floor"),
    ("nearest-half-pixel", (2, 4, 3), [0, 1], [2, 6], None, "nearest", "half_pixel", "round_prefer_floor"),
    ("linear-1d", (2, 2, 4), [1], [7], None, "linear", "half_pixel", "floor"),
    ("linear-up", (2, 2, 3, 4), [1, 2], [7, 6], None, "linear", "half_pixel", "floor"),
    ("linear-down", (2, 2, 7, 6), [1, 2], [3, 4], None, "linear", "half_pixel", "floor"),
    ("linear-corners", (2, 2, 3, 5), [1, 2], [5, 3], None, "linear", "align_corners", "floor"),
    ("linear-asymmetric", (2, 2, 3, 4), [1, 2], [6, 3], None, "linear", "asymmetric", "floor"),
    ("linear-pytorch", (2, 2, 5, 4), [1, 2], [1, 6], None, "linear", "pytorch_half_pixel", "floor"),
    ("linear-scales", (2, 2, 5), [1], [11], [2.25], "linear", "half_pixel", "floor"),
    ("linear-channels", (2, 3, 4, 2), [0, 2], [5, 3], None, "linear", "half_pixel", "floor"),
    ("cubic-1d", (2, 2, 5), [1], [8], None, "cubic", "half_pixel", "floor"),
    ("cubic-up", (1, 2, 4, 5), [1, 2], [7, 8], None, "cubic", "half_pixel", "floor"),
    ("cubic-down", (1, 2, 8, 7), [1, 2], [5, 3], [0.625, 0.46875], "cubic", "half_pixel", "floor"),
    ("cubic-corners", (1, 2, 4, 3), [1, 2], [6, 5], None, "cubic", "align_corners", "floor"),
    ("cubic-asymmetric", (1, 2, 5, 4), [1, 2], [4, 7], None, "cubic", "asymmetric", "floor")]:
    extents = [shape[1 + axis] for axis in axes]
    scales = scales or [size / extent for size, extent in zip(sizes, extents)]
    config = {"axes": axes, "sizes": sizes, "scales": scales, "mode": mode, "coordinates": coordinates,
              "nearest": nearest, "cubicCoefficient": -0.75}
    units = np.eye(int(np.prod(extents))).reshape(-1, *extents)
    matrix = torch.tensor(onnx_resize(units, config | {"axes": list(range(len(axes)))}, 1).reshape(len(units), -1).T)
    if mode == "nearest":
        check_unambiguous(config, extents)

    def run(x, p):
        places, last = [1 + axis for axis in axes], list(range(-len(axes), 0))
        y = (x[0].movedim(places, last).flatten(-len(axes)) @ matrix.T).unflatten(-1, sizes).movedim(last, places)
        assert np.allclose(y.detach().numpy(), onnx_resize(x[0].detach().numpy(), config, 1), rtol=0, atol=1e-12)
        by_torch = torch_resize(x[0], config)
        config["oracle"] = "onnx" if by_torch is None else "torch"
        assert by_torch is None or torch.allclose(by_torch, y, rtol=0, atol=1e-12), name
        return y if by_torch is None else by_torch

    case(f"resize-{name}", "resize", config, [draw(*shape)], {}, run)

reductions = {
    "mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp,
    "l1": lambda x, axes, keepdim: torch.linalg.vector_norm(x, 1, axes, keepdim),
    "l2": lambda x, axes, keepdim: torch.linalg.vector_norm(x, 2, axes, keepdim)}


def product(x, axes, keepdim):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim)
    return x


for reduction, reduce in (reductions | {"prod": product}).items():
    for name, shape, axes, keep in [
        ("one", (2, 3, 4), [1], False), ("two", (2, 3, 2, 4), [0, 2], True), ("all", (3, 2, 5), [0, 1], False)]:
        case(f"reduce-{reduction}-{name}", "reduce", {"reduction": reduction, "axes": axes, "keepDims": keep},
             [away(draw(*shape), 0)], {}, lambda x, p: reduce(x[0], [1 + axis for axis in axes], keepdim=keep))

for name, shape, axis, indices in [
    ("scalar", (3, 4, 2), 0, [2, -1, 0]), ("vector", (2, 5, 3), 0, [[4, 0, -2, 4], [1, 1, -5, 3]]),
    ("matrix", (2, 3, 6), 1, [[[0, -1], [5, 2], [2, 2]], [[-6, 1], [3, 3], [4, -2]]]),
    ("last", (1, 2, 2, 4), 2, [[3, -4, 1]])]:
    indices = torch.tensor(indices)

    def run(x, p):
        extent = shape[1 + axis]
        taken = [
            row.index_select(axis, at.flatten() % extent).unflatten(axis, at.shape or (1,))
            for row, at in zip(x[0], x[1])]
        taken = taken if indices.dim() > 1 else [row.squeeze(axis) for row in taken]
        expected = [np.take(row, at, axis) for row, at in zip(x[0].detach().numpy(), indices.numpy())]
        assert np.array_equal(torch.stack(taken).detach().numpy(), np.stack(expected))
        return torch.stack(taken)

    case(f"gather-{name}", "gather", {"axis": axis}, [draw(*shape), indices], {}, run)

for name, shape in [("tokens", (2, 7)), ("grid", (2, 3, 2))]:
    case(f"embedding-{name}", "embedding", {}, [torch.tensor(generator.integers(0, 5, shape))], {"weight": draw(5, 4)},
         lambda x, p: F.embedding(x[0], p["weight"]))

for name, shape, axes, starts, ends, steps in [
    ("strided", (2, 3, 7), [1], [1], [6], [2]), ("reversed", (2, 3, 5), [1], [-1], [-100], [-1]),
    ("two", (2, 4, 3, 6), [2, 0], [5, -3], [0, 100], [-2, 1]), ("from-end", (2, 6), [0], [-4], [-1], [1])]:

    def run(x, p):
        y = x[0]
        for axis, *bounds in zip(axes, starts, ends, steps):
            y = y.index_select(1 + axis, torch.tensor(range(*slice(*bounds).indices(shape[1 + axis]))))
        return y

    case(f"slice-{name}", "slice", {"axes": axes, "starts": starts, "ends": ends, "steps": steps}, [draw(*shape)], {},
         run)


def aligned(tensors):
    """The tensors with axes of extent 1 put in after the batch axis, so that all have one rank."""
    rank = max(x.dim() for x in tensors)
    return [x.reshape(x.shape[0], *[1] * (rank - x.dim()), *x.shape[1:]) for x in tensors]


for name, *shapes in [
    ("same", (3, 4), (3, 4), (3, 4)), ("condition", (4,), (2, 3, 4), (2, 3, 4)), ("all", (3, 1), (2, 1, 4), (4,))]:
    condition = torch.tensor(generator.integers(0, 2, (2, *shapes[0])))
    case(f"where-{name}", "where", {}, [condition, *(draw(2, *shape) for shape in shapes[1:])], {},
         lambda x, p: torch.where(*(t != 0 if i == 0 else t for i, t in enumerate(aligned(x)))))

for name, shape, target in [("axes", (3, 1), [3, 4]), ("rank", (1, 4), [2, 3, 4]), ("scalar", (), [3])]:
    case(f"expand-{name}", "expand", {"shape": target}, [draw(2, *shape)], {},
         lambda x, p: aligned([x[0], torch.zeros(2, *target)])[0].expand(2, *target))

for exclusive, reverse in [(False, False), (True, False), (False, True), (True, True)]:
    axis = int(exclusive)

    def run(x, p):
        y = x[0].flip(1 + axis) if reverse else x[0]
        y = torch.cumsum(y, 1 + axis) - (y if exclusive else 0)
        return y.flip(1 + axis) if reverse else y

    case(f"cumsum{'-exclusive' * exclusive}{'-reverse' * reverse}", "cumsum",
         {"axis": axis, "exclusive": exclusive, "reverse": reverse}, [draw(2, 3, 4)], {}, run)

positive = lambda x: (x.abs() + 0.2).float().double()
binary = {
    "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "power": torch.pow,
    "maximum": torch.maximum, "minimum": torch.minimum}
for kind, combine in binary.items():
    shapes = {"trailing": [(3, 4, 5), (4, 1)], "mixed": [(3, 1, 5), (1, 4, 1)]}
    if kind in ["add", "subtract", "divide", "maximum"]:
        shapes |= {"vector": [(5,), (3, 4, 5)], "ones": [(2, 3, 5), (1, 1, 5)]}
    else:
        shapes |= {"scalar": [(3, 2), ()], "same": [(3, 4), (3, 4)]}
    for name, (left, right) in shapes.items():
        a, b = draw(2, *left), draw(2, *right)
        a = positive(a) if kind == "power" else a
        b = positive(b) if kind == "divide" else b
        case(f"{kind}-{name}", kind, {}, [a, b], {}, lambda x, p: combine(*aligned(x)))

unary = {
    "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "erf": torch.erf, "tanh": torch.tanh, "abs": torch.abs,
    "negate": torch.neg, "reciprocal": torch.reciprocal, "sin": torch.sin, "cos": torch.cos, "floor": torch.floor,
    "ceil": torch.ceil, "round": torch.round, "sign": torch.sign}
for kind, function in unary.items():
    for name, shape in [("vector", (2, 5)), ("maps", (2, 3, 2, 3))]:
        x = 2 * draw(*shape)
        x = positive(x) if kind in ["log", "sqrt"] else away(x, *np.arange(-8, 8.5, 0.5), margin=0.02)
        case(f"{kind}-{name}", kind, {}, [x], {}, lambda x, p: function(x[0]))
case("round-halves", "round", {}, [torch.tensor([[0.5, 1.5, 2.5, 3.5], [-0.5, -1.5, -2.5, 0.0]]).double()], {},
     lambda x, p: torch.round(x[0]))

for kind, function in [("softmax", torch.softmax), ("logsoftmax", torch.log_softmax)]:
    for name, shape, axis in [("vector", (2, 7), 0), ("channels", (2, 5, 3), 0), ("middle", (2, 2, 4, 3), 1)]:
        case(f"{kind}-{name}", kind, {"axis": axis}, [3 * draw(*shape)], {}, lambda x, p: function(x[0], 1 + axis))


def per_channel(x, p):
    """x weight + bias, with the parameters along axis 1."""
    weight, bias = (p[key].reshape(-1, *[1] * (x.dim() - 2)) for key in ["weight", "bias"])
    return x * weight + bias


for name, shape, groups in [("maps", (2, 6, 3, 2), 3), ("sequence", (2, 4, 5), 2), ("volume", (1, 4, 2, 3, 2), 1)]:
    case(f"groupnorm-{name}", "groupnorm", {"groups": groups, "epsilon": 1e-5}, [2 * draw(*shape) + 1],
         {"weight": draw(shape[1]), "bias": draw(shape[1])},
         lambda x, p: F.group_norm(x[0], groups, p["weight"], p["bias"], 1e-5),
         lambda x, p: per_channel(soft.frozen_norm(x[0].reshape(shape[0], groups, -1), [2], 1e-5).reshape(shape), p),
         soft_config={})

for name, shape in [("maps", (2, 3, 4, 2)), ("sequence", (2, 2, 7)), ("volume", (1, 2, 2, 3, 2))]:
    case(f"instancenorm-{name}", "instancenorm", {"epsilon": 1e-3}, [2 * draw(*shape) + 1],
         {"weight": draw(shape[1]), "bias": draw(shape[1])},
         lambda x, p: F.instance_norm(x[0], weight=p["weight"], bias=p["bias"], eps=1e-3),
         lambda x, p: per_channel(soft.frozen_norm(x[0], list(range(2, len(shape))), 1e-3), p), soft_config={})

for name, shape in [("tokens", (2, 4, 7)), ("features", (3, 5)), ("heads", (1, 2, 3, 4))]:
    case(f"rmsnorm-{name}", "rmsnorm", {"epsilon": 1e-6}, [2 * draw(*shape) + 1], {"weight": draw(shape[-1])},
         lambda x, p: F.rms_norm(x[0], shape[-1:], p["weight"], 1e-6),
         lambda x, p: soft.frozen_norm(x[0], [-1], 1e-6, centred=False) * p["weight"], soft_config={})


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def mask_of(shape, closed):
    """Finite numbers and, off the diagonal, the entry that closes a position."""
    off = torch.eye(*shape[-2:]) == 0
    return torch.where(torch.tensor(generator.random(shape) < 0.35) & off, torch.tensor(closed).double(), draw(*shape))


for name, count, key_heads, queries, keys, width, value_width, causal, mask, tau in [
    ("causal", 2, 2, 5, 5, 3, 4, True, None, 1.0), ("grouped", 4, 2, 4, 6, 3, 2, False, None, 2.0),
    ("masked", 2, 2, 4, 5, 3, 3, False, ((2, 4, 5), -1e9), 1.0),
    ("masked-heads", 2, 2, 4, 3, 2, 3, False, ((2, 2, 4, 3), -torch.inf), 2.0),
    ("grouped-causal-masked", 4, 1, 4, 4, 2, 3, True, ((2, 4, 4), -torch.inf), 1.0)]:

    def split(x):
        q, k, v = (heads(t, n) for t, n in zip(x, [count, key_heads, key_heads]))
        bias = torch.zeros(queries, keys).double()
        if causal:
            bias = bias.masked_fill(torch.ones(queries, keys).tril() == 0, -torch.inf)
        if len(x) > 3:
            bias = bias + (x[3] if x[3].dim() == 4 else x[3][:, None])
        return q, k, v, bias

    def run(x, p):
        q, k, v, bias = split(x)
        return F.scaled_dot_product_attention(q, k, v, bias, enable_gqa=True).transpose(1, 2).flatten(2)

    def softened(x, p):
        q, k, v, bias = split(x)
        k, v = (t.repeat_interleave(count // key_heads, 1) for t in (k, v))
        return soft.frozen_attention(q, k, v, width**-0.5, tau, bias).transpose(1, 2).flatten(2)

    inputs = [draw(2, queries, count * width), draw(2, keys, key_heads * width), draw(2, keys, key_heads * value_width)]
    case(f"attention-{name}", "attention", {"heads": count, "keyHeads": key_heads, "causal": causal},
         inputs + ([mask_of(*mask)] if mask else []), {}, run, softened, soft_config={"temperature": tau})

for name, shape, outputs, kernel, stride, padding, extra, dilation, groups, bias in [
    ("3d", (2, 2, 2, 3, 2), 3, [2, 3, 2], [2, 1, 2], [0, 1, 1, 0, 1, 1], [1, 0, 1], [1, 1, 2], 1, True),
    ("3d-grouped", (1, 4, 3, 2, 2), 2, [1, 2, 3], [1, 3, 2], [0, 1, 2, 0, 0, 1], [0, 2, 0], [2, 1, 1], 2, False)]:

    def run(x, p):
        y = F.conv_transpose3d(x[0], p["weight"], p.get("bias"), stride, 0, extra, groups, dilation)
        return padded(y, [-side for side in padding])

    config = {"outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "outputPadding": extra,
              "dilation": dilation, "groups": groups, "bias": bias}
    parameters = {"weight": draw(shape[1], outputs // groups, *kernel)}
    case(f"convtranspose-{name}", "convtranspose", config, [draw(*shape)],
         parameters | ({"bias": draw(outputs)} if bias else {}), run)

for name, shape, axis, count, largest in [
    ("last", (2, 3, 7), 1, 3, True), ("smallest", (2, 6), 0, 2, False), ("middle", (2, 2, 5, 3), 1, 4, True),
    ("all", (1, 4, 2), 0, 4, True)]:
    case(f"topk-{name}", "topk", {"axis": axis, "count": count, "largest": largest}, [draw(*shape)], {},
         lambda x, p: torch.topk(x[0], count, 1 + axis, largest).values)

for mode, border, corners, shape, points in [
    ("linear", "zeros", False, (2, 3, 4, 5), (3, 4)), ("linear", "border", True, (2, 2, 3, 3), (4, 2)),
    ("linear", "reflection", False, (1, 2, 4, 3), (5, 3)), ("linear", "reflection", True, (1, 2, 3, 4), (2, 5)),
    ("nearest", "zeros", False, (2, 2, 4, 3), (3, 3)), ("nearest", "reflection", True, (1, 2, 3, 5), (4, 3)),
    ("cubic", "zeros", False, (1, 2, 5, 4), (3, 4)), ("cubic", "border", True, (2, 1, 4, 4), (3, 2)),
    ("cubic", "reflection", False, (1, 2, 4, 5), (4, 2)), ("linear", "zeros", True, (1, 2, 2, 3, 4), (2, 3, 2)),
    ("linear", "border", False, (2, 2, 3, 2, 2), (2, 2, 3)), ("nearest", "border", False, (1, 2, 2, 3, 2), (3, 2, 2))]:
    names = {"linear": "bilinear", "cubic": "bicubic", "nearest": "nearest"}
    grid = draw(shape[0], *points, len(points), scale=0.8)
    case(f"gridsample-{mode}-{border}{'-corners' * corners}-{len(points)}d", "gridsample",
         {"mode": mode, "border": border, "corners": corners}, [draw(*shape), grid], {},
         lambda x, p: F.grid_sample(x[0], x[1], names[mode], border, corners))

for key, tensor in fixture.tensors.items():
    assert not np.isnan(tensor).any() and (np.isfinite(tensor).all() or key.endswith("/input3")), key
fixture.save("shapes")
