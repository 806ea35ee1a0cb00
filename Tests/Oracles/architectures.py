"""Networks of torchvision and timm under the names of their own checkpoints, in PyTorch float64: logits and gradients.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31. Weights are those of formula.py, by the checkpoint's names and shapes.
Writes

fixtures/architectures.json: per architecture of the package and library a digest of the names and shapes of its
tensors, and of the epsilons of its norms.

fixtures/architectures.safetensors: for some of them, of ten classes, the logits of two formula images, every 37th value
of the gradient of logits 3 and 7, and the numbers of the two images.

The gradient of a network with kinks is not defined where a pre-activation is zero, and float32 decides at random near
one. The images are therefore the first two at which PyTorch's own float32 gradient agrees with its float64 one, and
whose float64 gradient stays the same where the image changes by a few roundings.
"""
import json
import pathlib

from compiled_operations import torchvision  # Before timm, which imports torchvision too.

import numpy as np
import timm
import torch
from safetensors.numpy import save_file

import formula

HERE = pathlib.Path(__file__).parent / "fixtures"
TARGETS = [3, 7]

# The architecture's name in the package, the library's name for it, and the library.
MODELS = (
    [(n, n, "torchvision") for n in (
        "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
        "densenet161", "densenet169", "densenet201", "convnext_small", "convnext_base", "convnext_large", "vit_b_32",
        "vit_l_16", "vit_l_32", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_v2_s",
        *(f"efficientnet_b{i}" for i in range(8)),
        *(f"regnet_y_{s}" for s in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")))]
    + [(n, n, "timm") for n in (
        "resnext50_32x4d", "resnext101_32x4d", "resnet26", "seresnet18", "seresnet34", "seresnet50", "seresnet101",
        "seresnet152", "seresnext50_32x4d", "seresnext101_32x4d", "resnet18d", "resnet26d", "resnet34d", "resnet50d",
        "resnet101d", "resnet152d", "resnet26t", "resnet50t", "resnet50c", "resnet101c", "resnetblur18", "resnetblur50",
        "resnetaa50", "resnetblur50d", "resnetaa34d", "resnetaa50d", "deit_tiny_patch16_224", "deit_small_patch16_224",
        "deit_base_patch16_224", "convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "densenet121",
        "vgg11_bn", "vgg16", "efficientnetv2_s", "tf_efficientnetv2_s", "mobilenetv3_large_100",
        "mobilenetv3_small_100", "tf_mobilenetv3_large_100", "tf_mobilenetv3_small_100",
        *(f"efficientnet_b{i}" for i in range(5)), *(f"tf_efficientnet_b{i}" for i in range(8)),
        *(f"{tf}efficientnet_lite{i}" for tf in ("", "tf_") for i in range(5)))]
    + [("mobilenet_v2", "mobilenetv2_100", "timm"), ("vit_b_16", "vit_base_patch16_224", "timm"),
       ("vit_l_16", "vit_large_patch16_224", "timm")]
    + [(f"timm-efficientnet_b{i}", f"efficientnet_b{i}", "timm") for i in (5, 6, 7)]
    + [(f"regnet_y_{ours}", f"regnety_{theirs}", "timm") for ours, theirs in (
        ("400mf", "004"), ("1_6gf", "016"), ("3_2gf", "032"), ("16gf", "160"), ("32gf", "320"))]
    # Of other widths than torchvision's.
    + [("regnety_008", "regnety_008", "timm"), ("regnety_080", "regnety_080", "timm")])

# What is computed: the architecture, the library, the resolution, the channels of the images.
CASES = [
    ("resnext50_32x4d", "torchvision", 64, 3), ("wide_resnet50_2", "torchvision", 32, 3),
    ("convnext_small", "torchvision", 64, 3), ("vit_b_32", "torchvision", 224, 3),
    ("mobilenet_v2", "torchvision", 64, 3), ("mobilenet_v3_large", "torchvision", 64, 3),
    ("mobilenet_v3_small", "torchvision", 96, 3), ("efficientnet_v2_s", "torchvision", 64, 3),
    ("efficientnet_b0", "torchvision", 64, 3), ("efficientnet_b2", "torchvision", 75, 3),
    ("efficientnet_b5", "torchvision", 64, 3), ("regnet_y_400mf", "torchvision", 64, 3),
    ("regnet_y_1_6gf", "torchvision", 64, 3),
    ("seresnet18", "timm", 64, 3), ("seresnet50", "timm", 64, 3), ("seresnext50_32x4d", "timm", 64, 3),
    ("resnet18d", "timm", 64, 3), ("resnet50d", "timm", 75, 3), ("resnet50t", "timm", 64, 3),
    ("resnet50c", "timm", 64, 3), ("resnetblur18", "timm", 64, 3), ("resnetblur50", "timm", 75, 3),
    ("resnetaa50", "timm", 32, 3), ("resnetblur50d", "timm", 64, 3), ("resnetaa34d", "timm", 64, 3),
    ("deit_tiny_patch16_224", "timm", 224, 3), ("deit_small_patch16_224", "timm", 224, 3),
    ("vit_b_16", "timm", 224, 3), ("convnext_tiny", "timm", 64, 3),
    ("mobilenet_v2", "timm", 64, 3), ("mobilenetv3_large_100", "timm", 64, 3),
    ("mobilenetv3_small_100", "timm", 64, 3), ("tf_mobilenetv3_large_100", "timm", 75, 3),
    ("efficientnet_b0", "timm", 64, 3), ("timm-efficientnet_b5", "timm", 64, 3), ("tf_efficientnet_b0", "timm", 75, 3),
    ("efficientnetv2_s", "timm", 64, 3), ("tf_efficientnetv2_s", "timm", 75, 3), ("efficientnet_lite0", "timm", 64, 3),
    ("efficientnet_lite1", "timm", 64, 3), ("tf_efficientnet_lite0", "timm", 75, 3),
    ("regnet_y_400mf", "timm", 64, 3), ("regnety_008", "timm", 64, 3), ("resnet18", "timm", 64, 1), ("resnet18", "timm", 64, 4),
    ("mobilenetv3_small_100", "timm", 64, 1)]

# Networks of images in [-1, 1]; all others have ImageNet's mean and deviation.
HALVES = ("tf_efficientnetv2", "tf_mobilenetv3", "tf_efficientnet_lite")


def build(ours, library, **options):
    names = {(o, l): n for o, n, l in MODELS} | {("resnet18", "timm"): "resnet18"}
    name = names[ours, library]
    if library == "timm":
        return timm.create_model(name, **options)
    return torchvision.models.get_model(name, **options)


def lists():
    result = {}
    for ours, _, library in MODELS:
        # RegNet computes its widths with tensors, which must have values.
        model = build(ours, library) if library == "torchvision" and "regnet" in ours else None
        if model is None:
            with torch.device("meta"):
                model = build(ours, library)
        entries = [(k, v) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")]
        lines = [f"{k} {list(v.shape)}" for k, v in entries]
        epsilons = sorted({module.eps for module in model.modules() if hasattr(module, "eps")})
        result[f"{ours} {library}"] = {
            "count": len(entries), "digest": f"{formula.hash_of(chr(10).join(sorted(lines))):016x}",
            "epsilons": epsilons}
    return result


def normalised(ours, x):
    mean, std = ([0.5] * 3, [0.5] * 3) if ours.startswith(HALVES) else ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    channels = x.shape[1]
    if channels != 3:
        kept = 3 if channels == 4 else 0
        mean = mean[:kept] + [sum(mean) / 3] * (channels - kept)
        std = std[:kept] + [sum(std) / 3] * (channels - kept)
    mean, std = (torch.tensor(v, dtype=x.dtype)[:, None, None] for v in (mean, std))
    return ((x + 1) / 2 - mean) / std


def record(ours, library, resolution, channels):
    options = {"num_classes": 10} | ({"in_chans": channels} if library == "timm" else {})
    model = build(ours, library, **options).eval()
    model.load_state_dict({
        k: torch.tensor(formula.parameter(k, v.shape)) if v.is_floating_point() else v
        for k, v in model.state_dict().items()})
    shape = (1, channels, resolution, resolution)
    numbers, logits, gradients = [], [], []
    for number in range(60):
        x = torch.tensor(formula.image(f"image{number}", shape))
        # The target is that of the place in the batch.
        target = TARGETS[len(numbers)]

        def pull(precision, change=0.0):
            model.to(precision)
            noise = torch.tensor(formula.image(f"change{number}", shape)).to(precision)
            y = (x.to(precision) + change * noise).requires_grad_()
            z = model(normalised(ours, y))
            return z.detach().double(), torch.autograd.grad(z[0, target], y)[0].double()

        logit, exact = pull(torch.float64)
        others = [pull(torch.float32)[1], pull(torch.float64, 3e-6)[1]]
        if max(float((other - exact).abs().max() / exact.abs().max()) for other in others) < 3e-5:
            numbers.append(number)
            logits.append(logit)
            gradients.append(exact)
        if len(numbers) == 2:
            break
    assert len(numbers) == 2, f"{ours} {library}"
    print(ours, library, resolution, numbers, float(logits[0].abs().max()), flush=True)
    return {"images": torch.tensor(numbers), "logits": torch.cat(logits),
            "gradient": torch.cat(gradients).flatten()[::37]}


if __name__ == "__main__":
    (HERE / "architectures.json").write_text(json.dumps(lists(), indent=1) + "\n")
    tensors = {}
    for ours, library, resolution, channels in CASES:
        for key, value in record(ours, library, resolution, channels).items():
            tensors[f"{ours} {library} {resolution} {channels}/{key}"] = np.ascontiguousarray(
                value.numpy().astype(np.float32))
    save_file(tensors, HERE / "architectures.safetensors")
    (HERE / "architectures.safetensors").chmod(0o644)
    print(sum(t.nbytes for t in tensors.values()) // 1024, "KiB")
