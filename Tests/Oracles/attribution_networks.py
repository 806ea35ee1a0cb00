"""Explainers on ResNet-50, VGG11-BN and PVT-v2-B1 with formula weights, at 64 x 64 pixels, in float64: captum where it
has the method, and attribution.py's recipes over the modules of soft_modules.py for the rest. On ViT-B/16, at 224 x
224, what is particular to it: attention rollout, and the soft pullback with attention as released.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31, captum 0.9.0. Writes fixtures/attribution-networks.safetensors: per
network and explainer every 37th value of the attribution of two images, of ViT's one, for logits 3 and 7. The images
are those of networks.py, far from kinks; noisy images and networks, and paths, may be nearer to one. The baseline is
a formula image too: under a constant one the values in every pooling window tie, and rounding errors choose among
them.
"""
import copy
import pathlib
import warnings

import captum.attr as ca
import numpy as np
import torch
import torch.nn.functional as F
from captum.attr._utils.lrp_rules import EpsilonRule
from safetensors.numpy import save_file
from torch import nn

import attribution as recipes
import formula
import soft_modules
import torch_models
from networks import load_formula
from soft_modules import state

FIXTURE = pathlib.Path(__file__).parent / "fixtures" / "attribution-networks.safetensors"
TARGETS = recipes.TARGETS
BASELINE = torch.tensor(formula.image("baseline", (1, 3, 64, 64))).double()
MEAN, STD = (torch.tensor(v).double()[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


class Normalised(nn.Module):
    """A model on images in [-1, 1]."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(((x + 1) / 2 - MEAN) / STD)


class InTurn(nn.Module):
    """One ReLU that is called three times, as three: captum hooks each module for one call."""

    def __init__(self):
        super().__init__()
        self.relus, self.calls = nn.ModuleList(nn.ReLU() for _ in range(3)), 0

    def forward(self, x):
        self.calls += 1
        return self.relus[(self.calls - 1) % 3](x)


def for_captum(name):
    model = torch_models.build(name)
    for module in list(model.modules()):
        if isinstance(module, nn.ReLU):
            module.inplace = False
        if isinstance(module, torch_models.torchvision.models.resnet.Bottleneck):
            module.relu = InTurn()
        if isinstance(module, nn.MaxPool2d):
            # A copy parts the hooks of a ReLU from those of the pool behind it; see attribution.py.
            module.register_forward_pre_hook(lambda m, x: (x[0].clone(),))
    return Normalised(load_formula(model))


def captum_methods(name, x):
    """The methods of attribution.py that its networks and captum have in common here."""
    model = for_captum(name)
    yield "integrated-gradients", ca.IntegratedGradients(model).attribute(
        x, BASELINE, TARGETS, n_steps=10, method="riemann_trapezoid")
    size = x.shape[2]
    window = lambda side: (3, side, side)
    yield "occlusion", ca.Occlusion(model).attribute(x, window(size // 4), window(size // 8), BASELINE, TARGETS)
    if name == "pvt_v2_b1":
        return
    layer = model.model.layer4[2].conv3 if name == "resnet50" else model.model.avgpool
    cam = ca.LayerGradCam(model, layer).attribute(x, TARGETS, relu_attributions=True)
    yield "grad-cam", ca.LayerAttribution.interpolate(cam, x.shape[2:]).expand_as(x)
    yield "guided-backprop", ca.GuidedBackprop(model).attribute(x, TARGETS)
    yield "deconvolution", ca.Deconvolution(model).attribute(x, TARGETS)
    yield "guided-grad-cam", ca.GuidedGradCam(model, layer).attribute(x, TARGETS)
    if name == "vgg11_bn":
        yield "deeplift", torch.cat([
            ca.DeepLift(model, eps=1e-10).attribute(x[i : i + 1], BASELINE, target=TARGETS[i]) for i in range(len(x))])
        # Not of ResNet-50: captum's LRP wants additions as modules. Nor has it a rule for the normalisation: what it
        # finds behind that, relevance over value, is pulled back by hand.
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d)):
                module.rule = EpsilonRule(1e-9)
        normalised = (((x + 1) / 2 - MEAN) / STD).detach().requires_grad_()
        relevance = torch.cat(
            [ca.LRP(model.model).attribute(normalised[i : i + 1], TARGETS[i]) for i in range(len(x))])
        yield "lrp-epsilon", x * relevance / normalised / (2 * STD)


def pullback(model, x, table):
    state.softened = table is not None
    try:
        x = x.detach().clone().requires_grad_()
        y = model(x)
        return torch.autograd.grad(y, x, F.one_hot(torch.tensor(TARGETS[: len(x)]), y.shape[1]).double())[0]
    finally:
        state.softened = False


def perturbed(model, draw):
    result = copy.deepcopy(model)
    with torch.no_grad():
        for name, value in result.model.named_parameters():
            value *= 1 + 0.1 * recipes.normal(f"fusiongrad/{name}", 0, draw, value.shape)
    return result


def family(model, x, table):
    nu = lambda z, m=model: pullback(m, z, table)
    noisy = lambda purpose, draw: x + 0.15 * torch.stack(
        [recipes.normal(purpose, i, draw, x.shape[1:]) for i in range(len(x))])
    first = nu(x)
    yield "once", first
    yield "double-1", nu(x + first)
    yield "smooth", sum(nu(noisy("smoothgrad", k)) for k in range(3)) / 3
    yield "fusion", sum(nu(noisy("fusiongrad", 2 * d + k), perturbed(model, d)) for d in range(2) for k in range(2)) / 4
    coefficients = lambda k: torch.tensor([recipes.uniform("gradient-shap", i, k, 1)[0] for i in range(len(x))])
    path = lambda r: BASELINE + r * (x - BASELINE)
    yield "shap", (x - BASELINE) * sum(nu(path(coefficients(k).reshape(-1, 1, 1, 1))) for k in range(5)) / 5
    yield "integrated-released", (x - BASELINE) * sum(
        0.1 * (0.5 if k in (0, 9) else 1) * nu(path(k / 9)) for k in range(10))
    z, alpha = x, 20 * (x[0].numel() / 150528) ** 0.5
    for _ in range(5):
        d = nu(z)
        z = z + alpha * d / d.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
    yield "ascent", z - x


def rollout(model, x):
    """Attention rollout of torchvision's ViT, whose attention is asked for the mean of its heads' matrices."""
    matrices = []

    def ask(module, arguments, options):
        return arguments, options | {"need_weights": True, "average_attn_weights": True}

    handles = []
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            handles.append(module.register_forward_pre_hook(ask, with_kwargs=True))
            handles.append(module.register_forward_hook(lambda m, i, o: matrices.append(o[1])))
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    identity = torch.eye(matrices[0].shape[-1]).double()
    product = identity
    for matrix in matrices:
        product = (matrix + identity) / 2 @ product
    side = int((product.shape[-1] - 1) ** 0.5)
    return F.interpolate(product[:, 0, 1:].reshape(-1, 1, side, side), x.shape[2:]).expand_as(x)


def guided_cam(model, x, layer):
    """Guided Pullback CAM: hooks take the positive part of what each soft ReLU pulls back."""
    kept = {}
    handle = layer.register_forward_hook(lambda m, i, o: kept.__setitem__("a", o))
    state.softened = True
    y = model(x.clone().requires_grad_())
    u = F.one_hot(torch.tensor(TARGETS), y.shape[1]).double()
    weights = torch.autograd.grad(y, kept["a"], u)[0].mean((2, 3), keepdim=True)
    state.softened = False
    handle.remove()
    cam = F.interpolate(F.relu((weights * kept["a"]).sum(1, keepdim=True)), x.shape[2:])
    handles = [
        m.register_full_backward_hook(lambda m, into, outof: (F.relu(into[0]),))
        for m in model.modules() if isinstance(m, soft_modules.ReLU)]
    guided = pullback(model, x, "soft")
    for handle in handles:
        handle.remove()
    return cam * guided


def sampled(name, results):
    print(name, sorted(results), flush=True)
    return {
        f"{name}/{key}": np.ascontiguousarray(value.detach().numpy().astype(np.float32).ravel()[::37])
        for key, value in results.items()}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    tensors = {}
    for name, numbers in [("resnet50", [46, 24]), ("vgg11_bn", [76, 38]), ("pvt_v2_b1", [0, 1])]:
        x = torch.tensor(np.concatenate([formula.image(f"image{i}", (1, 3, 64, 64)) for i in numbers])).double()
        model = Normalised(load_formula(soft_modules.replace_modules(torch_models.build(name))))
        results = dict(captum_methods(name, x.clone().requires_grad_()))
        for label, table in [("gradient", None), ("soft", "soft")]:
            results.update({f"{label}/{key}": value for key, value in family(model, x, table)})
        if name != "pvt_v2_b1":
            layer = model.model.layer4[2].conv3 if name == "resnet50" else model.model.avgpool
            results["soft/guided-cam"] = guided_cam(model, x, layer)
        tensors.update(sampled(name, results))
    x = torch.tensor(formula.image("image0", (1, 3, 224, 224))).double()
    model = torch_models.build("vit_b_16")
    results = {"rollout": rollout(Normalised(load_formula(model)), x)}
    model = Normalised(soft_modules.replace_modules(model))
    state.attention_softened = False
    results["soft/released-mha"] = pullback(model, x, "soft")
    tensors.update(sampled("vit_b_16", results))
    save_file(tensors, FIXTURE)
    print(FIXTURE.stat().st_size)
