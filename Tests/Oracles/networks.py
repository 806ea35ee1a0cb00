"""Whole networks with formula weights (formula.py) in PyTorch float64: logits, gradient and soft pullback.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31, efficientnet-lite-pytorch 0.1.0. Writes

fixtures/networks.safetensors: per network and resolution the logits of two formula images, and every 37th value of
the gradient and the soft pullback of logits 3 and 7; for transformers of the double pullback nu(x + nu(x)) too, and
for ViT of the released form, which differentiates through the attention; and the numbers of the two images.

fixtures/networks.json: per architecture the number of parameters and running statistics, and a digest of their names
and shapes and of the epsilons of its norms.

The gradient jumps where a pre-activation crosses a kink or two values of a pooling window change places, and among
millions of them some lie within float32's rounding error of one: there any two float32 programs disagree, PyTorch's
with its own float64 too. So that the comparison measures arithmetic and not these jumps, the two images are those of
a hundred whose closest pre-activation is farthest from a kink (relative to its layer's root mean square). Deep ReLU
networks at 224 x 224 have no such images: in ResNet-50 the best of a hundred is 6e-7 away, and PyTorch's float32
gradient 7e-5 off. The gradients of ResNet-50 and VGG11-BN are therefore compared at 64 x 64, where the margins are
ten times as large. Logits and soft pullbacks have no jumps and are compared at 224 x 224.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

import formula
import soft_modules
import torch_models
from soft_modules import state

HERE = pathlib.Path(__file__).parent / "fixtures"
TARGETS = [3, 7]

# Architecture, resolution, and what is compared beside the logits.
CASES = [
    ("resnet18", 64, ["gradient", "soft"]), ("resnet34", 32, ["gradient", "soft"]),
    ("resnet50", 224, ["soft"]), ("resnet50", 64, ["gradient", "soft"]), ("resnet101", 32, ["gradient", "soft"]),
    ("resnet152", 32, ["gradient", "soft"]),
    ("vgg11_bn", 224, ["soft"]), ("vgg11_bn", 64, ["gradient", "soft"]), ("vgg13", 32, ["gradient", "soft"]),
    ("vgg16_bn", 32, ["gradient", "soft"]), ("vgg19", 32, ["gradient", "soft"]), ("vgg19_bn", 32, ["gradient", "soft"]),
    ("pvt_v2_b0", 64, ["gradient", "soft", "double"]), ("pvt_v2_b1", 224, ["gradient", "soft", "double"]),
    ("pvt_v2_b2", 96, ["gradient", "soft", "double"]), ("pvt_v2_b3", 32, ["gradient", "soft", "double"]),
    ("pvt_v2_b4", 32, ["gradient", "soft", "double"]), ("pvt_v2_b5", 32, ["gradient", "soft", "double"]),
    ("densenet121", 64, ["gradient", "soft"]), ("convnext_tiny", 64, ["gradient", "soft"]),
    ("vit_b_16", 224, ["gradient", "soft", "double", "released"]),
    ("efficientnet-lite0", 224, ["gradient", "soft"]), ("efficientnet-lite1", 96, ["gradient", "soft"]),
    ("efficientnet-lite2", 75, ["gradient", "soft"]),
    ("resnet-scenes", 96, ["gradient", "soft"]), ("vgg-scenes", 96, ["gradient", "soft"]),
    ("pvt-scenes", 96, ["gradient", "soft", "double"])]


def network(name, resolution):
    """The model with formula weights and replaced modules, as a function of images in [-1, 1]."""
    model = load_formula(soft_modules.replace_modules(torch_models.build(name, resolution)))
    if name.startswith("efficientnet-lite"):
        return lambda x: model((127.5 * x + 0.5) / 128)
    if name.endswith("-scenes"):
        return lambda x: model(2 * x)
    mean, std = (torch.tensor(v).double()[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    run = model
    if name.startswith("densenet"):
        # Its last ReLU is a function call, which no module can replace.
        relu = soft_modules.ReLU()
        run = lambda x: model.classifier(F.adaptive_avg_pool2d(relu(model.features(x)), 1).flatten(1))
    return lambda x: run(((x + 1) / 2 - mean) / std)


def load_formula(model):
    entries = {
        name: torch.tensor(formula.parameter(name, value.shape)) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(entries)
    return model.double().eval()


def pull(forward, x, softened, attention_softened=True):
    """The output at x, and the pullback of one row of the selector per image."""
    state.softened, state.attention_softened = softened, attention_softened
    x = x.detach().requires_grad_()
    y = forward(x)
    selector = torch.zeros_like(y)
    selector[range(len(TARGETS)), TARGETS] = 1
    return y.detach(), torch.autograd.grad(y, x, selector)[0]


def images(numbers, resolution):
    shape = (1, 3, resolution, resolution)
    return torch.tensor(np.concatenate([formula.image(f"image{number}", shape) for number in numbers])).double()


def clearest_images(forward, resolution, tried=100):
    """The numbers and margins of the two formula images with the largest margins; the first two where nothing jumps."""
    state.softened = False
    margins = []
    batch = 10 if resolution <= 96 else 2
    with torch.no_grad():
        for first in range(0, tried, batch):
            state.margin = torch.full([batch], torch.inf, dtype=torch.float64)
            forward(images(range(first, first + batch), resolution))
            margins += state.margin.tolist()
            if margins[0] == torch.inf:
                break
    state.margin = None
    best = np.argsort(-np.array(margins), kind="stable")[:2]
    return best, np.array(margins)[best]


def record(name, resolution, compared):
    forward = network(name, resolution)
    # Without a gradient nothing jumps, and any images do.
    numbers, margins = clearest_images(forward, resolution) if "gradient" in compared else (np.arange(2), None)
    x = images(numbers, resolution)
    logits, soft = pull(forward, x, softened=True)
    maps = {"soft": soft}
    if "gradient" in compared:
        maps["gradient"] = pull(forward, x, softened=False)[1]
    if "double" in compared:
        maps["double"] = pull(forward, x + soft, softened=True)[1]
    if "released" in compared:
        maps["released"] = pull(forward, x, softened=True, attention_softened=False)[1]
    print(name, resolution, "margins", margins, {k: f"{v.norm().item():.3g}" for k, v in maps.items()}, flush=True)
    return {"images": torch.tensor(numbers.copy()), "logits": logits} | {k: maps[k].flatten()[::37] for k in compared}


def shared_relu():
    """A bottleneck of torchvision's, which calls one ReLU module three times: value and pulled back cotangents."""
    block = torch_models.torchvision.models.resnet.Bottleneck(16, 4)
    soft_modules.replace_modules(block)
    names = {f"block.{name}": name for name in block.state_dict()}
    block.load_state_dict({
        short: torch.tensor(formula.parameter(name, block.state_dict()[short].shape)) if "num_batches" not in name
        else block.state_dict()[short] for name, short in names.items()})
    block.double().eval()
    calls = []
    block.relu.register_forward_hook(lambda *_: calls.append(1))
    x = torch.tensor(formula.image("map", (2, 16, 6, 6))).double().requires_grad_()
    v = torch.tensor(formula.image("cotangent", (2, 16, 6, 6))).double()
    result = {}
    for name, softened in [("gradient", False), ("soft", True)]:
        state.softened = softened
        y = block(x)
        result[name] = torch.autograd.grad(y, x, v)[0]
    assert len(calls) == 6 and sum(isinstance(m, soft_modules.ReLU) for m in block.modules()) == 1
    return result | {"value": y}


def parameter_lists():
    lists = {}
    for name in torch_models.ARCHITECTURES:
        with torch.device("meta"):
            model = torch_models.build(name)
        entries = [(k, v) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")]
        lines = [f"{k} {list(v.shape)}" for k, v in entries]
        lines += [f"{k} epsilon {module.eps}" for k, module in model.named_modules() if hasattr(module, "eps")]
        text = "\n".join(sorted(lines))
        lists[name] = {"count": len(entries), "digest": f"{formula.hash_of(text):016x}"}
    return lists


if __name__ == "__main__":
    (HERE / "networks.json").write_text(json.dumps(parameter_lists(), indent=1) + "\n")
    records = {f"{name}-{resolution}": record(name, resolution, compared) for name, resolution, compared in CASES}
    records["shared-relu"] = shared_relu()
    tensors = {
        f"{case}/{key}": np.ascontiguousarray(value.detach().numpy().astype(np.float32))
        for case, entries in records.items() for key, value in entries.items()}
    save_file(tensors, HERE / "networks.safetensors")
    print(sum(t.nbytes for t in tensors.values()) // 1024, "KiB")
