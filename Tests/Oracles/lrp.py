"""Layer-wise relevance propagation by zennit in float64: its rules on single layers, its composites on whole networks.

torch 2.13.0, torchvision 0.28.0, zennit 0.5.1, numpy 2.4.6, safetensors 0.8.0. Writes fixtures/lrp.safetensors and
fixtures/lrp.json. What the rules compute, so that they can be written from this page (lrp_rules.py says it in code, and
the script checks zennit against it):

A layer is y = A(x; W, b), A'(r; W) the transpose of its linear part. R is the relevance at its output, the rule gives
that at its input. x+ = max(x, 0), x- = min(x, 0), and so for W and b. s(z) = z + epsilon sign(z) with sign(0) = +1 is
the stabiliser, of each element, with epsilon 1e-6 in every rule (Epsilon's is called epsilon, the others' stabilizer).

Epsilon    x A'(R / s(A(x; W, b)); W)
ZPlus      x+ A'(q; W+) + x- A'(q; W-),  q = R / s(A(x+; W+, b+) + A(x-; W-, 0))
AlphaBeta  alpha (the same as ZPlus) - beta (x+ A'(q; W-) + x- A'(q; W+)),  q = R / s(A(x+; W-, b-) + A(x-; W+, 0))
Gamma      with P = W + gamma W+, N = W + gamma W-, p = b + gamma b+, n = b + gamma b-:
           x+ (A'(q; P) + A'(r; N)) + x- (A'(q; N) + A'(r; P)),  q = [A(x; W, b) > 0] R / s(A(x+; P, p) + A(x-; N, 0)),
           r = [A(x; W, b) < 0] R / s(A(x+; N, n) + A(x-; P, 0));  an output of exactly 0 passes nothing
ZBox       x A'(q; W) - l A'(q; W+) - h A'(q; W-),  q = R / s(A(x; W, b) - A(l; W+, b+) - A(h; W-, b-)); the biases
           cancel. l and h are full inputs, so that a convolution pads them by 0 too
WSquare    A'(R / s(A(1; W^2, b^2)); W^2), whatever x is; the bias is squared too
Flat       A'(R / s(A(1; 1, 0)); 1), whatever x is: weights are 1 and the bias is 0; the padding counts 0
Norm       x A'(R / s(A(x))) for a layer without parameters: a sum of several inputs, an average pooling
Pass       R

A bias takes its share of R in the denominators and passes it to nobody, so that relevance is lost to it.

A composite gives each module a rule by its type: activations Pass (torch's elementwise ones, but for Mish), sums Norm,
average pooling (adaptive too) Norm, batch norm Pass, convolutions (transposed ones too) the rule below, linear layers
Epsilon. All else (max pooling, flatten, dropout, concatenation, layer norm, softmax, whatever is no module) keeps its
gradient: max pooling gives a window's relevance to its first largest element. The first layer is the first one of the
named type in the order of the modules.

EpsilonPlus            ZPlus
EpsilonPlusFlat        ZPlus; Flat for the first convolution or linear layer
EpsilonGammaBox        Gamma 0.25; ZBox for the first convolution, whose box is the normalised range of the picture
EpsilonAlpha2Beta1     AlphaBeta(2, 1)
EpsilonAlpha2Beta1Flat AlphaBeta(2, 1); Flat for the first convolution or linear layer

Batch norms are first merged into the convolution before them: W scale and (b - mean) scale + shift with scale =
weight / sqrt(var + epsilon) (one without a bias gets one), and their weight, bias, mean and variance become 1, 0, 0, 1.
zennit leaves their epsilon, so that they still divide by sqrt(1 + 1e-5) in the forward pass. That changes the small
networks' maps by 6e-6 and the large ones' by 4e-5 (by 6e-3 for the worst of four other pictures). Maps with the ending
`.folded` are without it: the merged batch norm is exactly the identity. Nothing else tells the two kinds apart. A batch
norm without a convolution or linear layer before it stays as it is, and passes R on whatever its scale.

Pictures lie in [-1, 1] and are normalised by (x + 1) / 2, mean and std; relevance starts as a one at the target, and is
recorded at the input of the first layer, after the normalisation. Weights and pictures are formula.py's. Of the large
networks' maps every seventh value is kept, and their picture is the one of twenty on which zennit's float32 is closest
to its float64: within 1e-6, against 4e-5 for the worst. Numbers here are relative Euclidean distances.

lrp.json describes each rule's layer and each network in the terms of operations.json. Tensors: per rule `input{i}`,
`parameter.{k}`, `outputRelevance` and `inputRelevance{i}`; per network `logits` and each composite's map.
"""
import copy
import json
import pathlib

from compiled_operations import torchvision  # Before zennit, which imports torchvision too.

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from zennit import composites, rules
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.layer import Sum
from zennit.torchvision import ResNetCanonizer, VGGCanonizer

import formula
import lrp_rules

HERE = pathlib.Path(__file__).parent / "fixtures"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
COMPOSITES = [
    "EpsilonPlus", "EpsilonPlusFlat", "EpsilonGammaBox", "EpsilonAlpha2Beta1", "EpsilonAlpha2Beta1Flat"]
KEPT = 7  # Every seventh value of a large network's map.
generator = np.random.default_rng(20260701)


def draw(*shape):
    # Drawn as float32, so that both sides start from the same numbers.
    return torch.tensor(generator.normal(0, 1, shape).astype(np.float32).astype(np.float64))


def make(kind, config, channels=None):
    """The module of an operation, with settings as operations.json writes them, for so many input channels."""
    sides = config.get("padding", [0, 0, 0, 0])
    assert sides[:2] == sides[2:]
    window = {"kernel_size": config.get("kernel"), "stride": config.get("stride"), "padding": sides[:2]}
    match kind:
        case "conv":
            return nn.Conv2d(
                channels, config["outputs"], **window, dilation=config["dilation"], groups=config["groups"],
                bias=config["bias"])
        case "linear":
            return nn.Linear(channels, config["outputs"], config["bias"])
        case "batchnorm":
            return nn.BatchNorm2d(channels, config["epsilon"])
        case "maxpool":
            return nn.MaxPool2d(**window, ceil_mode=config["ceilMode"])
        case "avgpool":
            return nn.AvgPool2d(**window, ceil_mode=config["ceilMode"], count_include_pad=config["countIncludePad"])
        case "adaptiveavgpool":
            return nn.AdaptiveAvgPool2d(config["output"])
        case "relu":
            return nn.ReLU()
        case "add":
            return Sum()
        case "reshape":
            return nn.Unflatten(1, config["shape"]) if len(config["shape"]) > 1 else nn.Flatten()


def call(module, inputs):
    return module(torch.stack(inputs, -1) if isinstance(module, Sum) else inputs[0])


# Single layers


def conv(outputs, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, bias=True):
    return {"outputs": outputs, "kernel": list(kernel), "stride": list(stride), "padding": [*padding, *padding],
            "dilation": list(dilation), "groups": groups, "bias": bias}


def pool(kernel, stride, padding=(0, 0), **settings):
    window = {"kernel": list(kernel), "stride": list(stride), "padding": [*padding, *padding], "ceilMode": False}
    return window | settings


# Name, kind, settings, input, epsilon of the stabiliser: a large one shows its form.
LAYERS = [
    ("conv", "conv", conv(4, (3, 3), (2, 1), (1, 1)), (2, 3, 6, 5), 1e-6),
    ("conv-grouped", "conv", conv(6, (3, 2), (1, 2), (1, 0), groups=2, bias=False), (2, 4, 4, 6), 0.05),
    ("linear", "linear", {"outputs": 5, "bias": True}, (3, 7), 1e-6),
    ("linear-stabilised", "linear", {"outputs": 4, "bias": True}, (2, 6), 0.1)]

BOX = {"conv": ([-3.5, -4.0, -3.0], [3.0, 4.0, 3.5]), "conv-grouped": ([0.0] * 4, [3.0, 3.5, 4.0, 4.5]),
       "linear": ([-4.0], [3.5]), "linear-stabilised": ([-4.0], [3.5])}

RULES = {
    "Epsilon": {}, "ZPlus": {}, "AlphaBeta": {"alpha": 2.0, "beta": 1.0}, "Gamma": {"gamma": 0.25}, "ZBox": {},
    "WSquare": {}, "Flat": {}}


def recorded_rule(name, rule, kind, config, shapes, settings):
    """The tensors of one layer and rule, and their description."""
    module = make(kind, config, shapes[0][1] if len(shapes[0]) > 1 else None).double().eval()
    with torch.no_grad():
        for entry in [*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())]:
            entry.copy_(draw(*entry.shape).abs() + 0.1 if kind == "batchnorm" else draw(*entry.shape))
    inputs = [draw(*shape) for shape in shapes]
    if name.endswith("conv-grouped"):
        inputs = [x.clamp(min=0) for x in inputs]  # As behind a ReLU: half of it is exactly zero.
    tensors = {f"input{i}": x for i, x in enumerate(inputs)}
    tensors |= {f"parameter.{key}": value for key, value in module.state_dict().items() if value.is_floating_point()}
    inputs = [x.clone().requires_grad_() for x in inputs]
    arguments = {k: torch.tensor(v).double().reshape(1, -1, *[1] * (len(shapes[0]) - 2)) if k in ["low", "high"] else v
                 for k, v in settings.items()}
    handle = getattr(rules, rule)(**arguments).register(module)
    y = call(module, inputs)
    relevance = draw(*y.shape)
    pulled = torch.autograd.grad(y, inputs, relevance)
    handle.remove()
    expected = lrp_rules.relevance(rule, module, [x.detach() for x in inputs], relevance, arguments)
    for got, wanted in zip(pulled, expected):
        assert torch.allclose(got, wanted, rtol=1e-10, atol=1e-12), (name, (got - wanted).abs().max())
    tensors |= {"outputRelevance": relevance} | {f"inputRelevance{i}": r for i, r in enumerate(pulled)}
    names = [key.removeprefix("parameter.") for key in tensors if key.startswith("parameter.")]
    return tensors, {
        "name": name, "rule": rule, "settings": settings, "kind": kind, "config": config, "inputs": len(shapes),
        "parameters": names}


def recorded_rules():
    for rule, settings in RULES.items():
        for layer, kind, config, shape, epsilon in LAYERS:
            own = settings | {"epsilon" if rule == "Epsilon" else "stabilizer": epsilon}
            if rule == "ZBox":
                own |= {"low": BOX[layer][0], "high": BOX[layer][1]}
            yield recorded_rule(f"{rule}-{layer}", rule, kind, config, [shape], own)
    stabilizer = {"stabilizer": 1e-6}
    yield recorded_rule("Norm-add", "Norm", "add", {}, [(2, 3, 4)] * 2, stabilizer)
    yield recorded_rule("Norm-add-stabilised", "Norm", "add", {}, [(2, 5)] * 3, {"stabilizer": 0.1})
    window = pool((3, 2), (2, 2), (1, 1), countIncludePad=True)
    yield recorded_rule("Norm-avgpool", "Norm", "avgpool", window, [(2, 2, 5, 6)], stabilizer)
    yield recorded_rule("Norm-adaptive", "Norm", "adaptiveavgpool", {"output": [2, 3]}, [(2, 2, 5, 4)], stabilizer)
    yield recorded_rule("Pass-relu", "Pass", "relu", {}, [(2, 3, 4)], {})
    yield recorded_rule("Pass-batchnorm", "Pass", "batchnorm", {"epsilon": 1e-5}, [(2, 3, 2, 2)], {})


# Networks


def node(name, kind, config=None, *inputs):
    return {"name": name, "kind": kind, "config": config or {}, "inputs": list(inputs)}


NORM = {"epsilon": 1e-5}
NETWORKS = {
    "plain": [
        node("conv0", "conv", conv(6, (3, 3), padding=(1, 1))), node("bn0", "batchnorm", NORM), node("relu0", "relu"),
        node("pool", "maxpool", pool((2, 2), (2, 2))), node("conv1", "conv", conv(8, (3, 3))),
        node("bn1", "batchnorm", NORM), node("relu1", "relu"), node("avgpool", "adaptiveavgpool", {"output": [1, 1]}),
        node("flatten", "reshape", {"shape": [8]}), node("fc", "linear", {"outputs": 5, "bias": True})],
    "residual": [
        node("conv0", "conv", conv(6, (3, 3), padding=(1, 1), bias=False)), node("bn0", "batchnorm", NORM),
        node("relu0", "relu"),
        node("conv1", "conv", conv(8, (3, 3), (2, 2), (1, 1), groups=2, bias=False)), node("bn1", "batchnorm", NORM),
        node("relu1", "relu"), node("conv2", "conv", conv(8, (3, 3), padding=(1, 1), bias=False)),
        node("bn2", "batchnorm", NORM),
        node("shortcut", "conv", conv(8, (1, 1), (2, 2), bias=False), "relu0"), node("bn3", "batchnorm", NORM),
        node("add", "add", {}, "bn2", "bn3"), node("relu2", "relu"),
        node("avgpool", "avgpool", pool((2, 2), (2, 2), countIncludePad=True)),
        node("flatten", "reshape", {"shape": [32]}), node("fc", "linear", {"outputs": 5, "bias": True})],
    "unbiased": [
        node("conv0", "conv", conv(5, (3, 3), bias=False)), node("relu0", "relu"),
        node("pool", "maxpool", pool((3, 3), (2, 2), (1, 1))),
        node("conv1", "conv", conv(7, (2, 3), padding=(1, 2), dilation=(2, 2), bias=False)), node("relu1", "relu"),
        node("flatten", "reshape", {"shape": [112]}), node("fc", "linear", {"outputs": 5, "bias": False})]}


class Described(nn.Module):
    """A network of the nodes; a node that names no inputs takes the output of the one before."""

    def __init__(self, nodes, channels):
        super().__init__()
        self.nodes, last, widths = nodes, "input", {"input": channels}
        for entry in nodes:
            entry["inputs"] = entry["inputs"] or [last]
            last, config = entry["name"], entry["config"]
            before = widths[entry["inputs"][0]]
            self.add_module(last, make(entry["kind"], config, before))
            widths[last] = config.get("outputs", config.get("shape", [before])[0])

    def forward(self, x):
        values = {"input": x}
        for entry in self.nodes:
            x = values[entry["name"]] = call(getattr(self, entry["name"]), [values[i] for i in entry["inputs"]])
        return x


def load_formula(model):
    model.load_state_dict({
        name: torch.tensor(formula.parameter(name, value.shape)) if value.is_floating_point() else value
        for name, value in model.state_dict().items()})
    return model.double().eval()


def normalised(picture):
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in [MEAN, STD])
    return ((picture + 1) / 2 - mean) / std


def normalised_range():
    """The least and largest values of a normalised picture, per channel."""
    return {key: normalised(torch.full((1, 3, 1, 1), end)) for key, end in [("low", -1.0), ("high", 1.0)]}


def relevance(model, name, canonizer, u, targets, folded=False):
    """The composite's relevance at u, of each row's target."""
    settings = {}
    if name == "EpsilonGammaBox":
        settings = {key: value.to(u.dtype) for key, value in normalised_range().items()}
    u = u.clone().requires_grad_()
    with getattr(composites, name)(**settings, canonizers=[canonizer()]).context(model) as hooked:
        norms = [m for m in hooked.modules() if isinstance(m, nn.BatchNorm2d)] if folded else []
        epsilons = [norm.eps for norm in norms]
        for norm in norms:
            norm.eps = 0.0
        y = hooked(u)
        for norm, epsilon in zip(norms, epsilons):
            norm.eps = epsilon
        selector = torch.zeros_like(y)
        selector[range(len(targets)), targets] = 1
        return torch.autograd.grad(y, u, selector)[0]


def difference(a, b):
    """Per row, the relative Euclidean distance of b from a."""
    return (b - a).flatten(1).norm(dim=1) / a.flatten(1).norm(dim=1)


def pictures(numbers, extents):
    return torch.tensor(np.concatenate([formula.image(f"image{i}", (1, 3, *extents)) for i in numbers])).double()


def recorded_network(name, model, canonizer, candidates, extents, targets, kept=1, **described):
    """Logits and maps of the candidates, one a target; if not all is kept, of the clearest one for the only target."""
    u = normalised(pictures(candidates, extents))
    targets = targets if kept == 1 else targets * len(candidates)
    single = copy.deepcopy(model).float()
    maps, errors = {}, torch.zeros(len(candidates)).double()
    has_norms = any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    for composite in COMPOSITES:
        r = maps[composite] = relevance(model, composite, canonizer, u, targets)
        errors = torch.maximum(errors, difference(r, relevance(single, composite, canonizer, u.float(), targets)))
        if has_norms:
            maps[f"{composite}.folded"] = relevance(model, composite, canonizer, u, targets, folded=True)
    chosen = [int(errors.argmin())] if kept > 1 else list(range(len(candidates)))
    effects = [difference(maps[f"{c}.folded"], maps[c])[chosen].max().item() for c in COMPOSITES if has_norms]
    print(f"{name}: images {chosen}, float32 within {errors[chosen].max():.1e} (all: {errors.max():.1e}),",
          "the epsilon left by merging:", [f"{effect:.1e}" for effect in effects], flush=True)
    with torch.no_grad():
        tensors = {"logits": model(u[chosen])}
    tensors |= {key: r[chosen].flatten()[::kept] if kept > 1 else r for key, r in maps.items()}
    return tensors, {
        "name": name, "input": [3, *extents], "images": [candidates[i] for i in chosen],
        "targets": [targets[i] for i in chosen], "kept": kept} | described


def recorded_networks():
    for name, nodes in NETWORKS.items():
        model = load_formula(Described(nodes, 3))
        yield recorded_network(name, model, SequentialMergeBatchNorm, [0, 1], [10, 9], [3, 1], nodes=nodes)
    for name, canonizer in [("resnet18", ResNetCanonizer), ("vgg11_bn", VGGCanonizer)]:
        model = load_formula(torchvision.models.get_model(name))
        yield recorded_network(name, model, canonizer, list(range(20)), [64, 64], [3], KEPT)


if __name__ == "__main__":
    described = {"rules": [], "networks": []}
    tensors = {}
    for part, entries in [("rules", recorded_rules()), ("networks", recorded_networks())]:
        for entry, description in entries:
            described[part].append(description)
            tensors |= {f"{description['name']}/{key}": value for key, value in entry.items()}
    box = {key: value.flatten().tolist() for key, value in normalised_range().items()}
    described["normalisation"] = {"mean": MEAN, "std": STD}
    described["composites"] = {"names": COMPOSITES, "epsilon": 1e-6, "stabilizer": 1e-6, "gamma": 0.25, "box": box}
    save_file({key: np.ascontiguousarray(t.detach().numpy().astype(np.float32)) for key, t in tensors.items()},
              HERE / "lrp.safetensors")
    (HERE / "lrp.json").write_text(json.dumps(described, indent=1) + "\n")
    print(len(described["rules"]), "rules,", sum(t.numel() for t in tensors.values()) * 4 // 1024, "KiB")
