"""Explainers on small networks with formula weights (formula.py), in float64: captum where captum has the method, and
plain PyTorch, written from the definitions, where it has not.

torch 2.13.0, captum 0.9.0. Writes fixtures/attribution.safetensors: per network and explainer the attribution of two
formula images for logits 3 and 7, of which every third value is kept. Random explainers take their numbers from
formula.py: the noise of a purpose, an image and a draw is 1.7 uniform("purpose/image/draw"), for what is uniform on
(0, 1) it is (1 + uniform(...)) / 2.
"""
import pathlib
from unittest import mock

import captum.attr as ca
import numpy as np
import torch
import torch.nn.functional as F
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import EpsilonRule
from safetensors.numpy import save_file
from torch import nn

import formula
import soft_torch as soft

FIXTURE = pathlib.Path(__file__).parent / "fixtures" / "attribution.safetensors"
TARGETS = [3, 7]


class Rules:
    """Which backward rules the networks' own activations take: None is PyTorch's modules, so that captum finds them."""

    table = None
    border = "zeros"


class _Rectified(torch.autograd.Function):
    """Passes x; backward, the positive part of the cotangent."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, v):
        return F.relu(v)


def relu(module, x):
    if Rules.table is None:
        return module(x)
    if Rules.table == "guided":
        x = _Rectified.apply(x)
    return soft.soft_relu(x)


def pool(module, x):
    if Rules.table is None:
        # captum hooks tensors: where a ReLU's output is a pool's input, the ReLU's hook comes first and sees the
        # cotangent that the pool's rule has not yet replaced. DeepLift then is not complete (0.207 for 0.178 here). A
        # copy parts them.
        return module(x.clone())
    return soft.soft_max_pool(x, module.kernel_size, module.stride, module.padding, border=Rules.border)


class ConvNet(nn.Module):
    size, cam = 16, "conv1"

    def __init__(self):
        super().__init__()
        self.conv0, self.relu0, self.pool0 = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.conv1, self.relu1, self.pool1 = nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.fc = nn.Linear(12 * 16, 10)

    def forward(self, x):
        x = pool(self.pool0, relu(self.relu0, self.conv0(x)))
        x = pool(self.pool1, relu(self.relu1, self.conv1(x)))
        return self.fc(x.flatten(1))


class Residual(nn.Module):
    size, cam = 16, "conv2"

    def __init__(self):
        super().__init__()
        self.conv0, self.bn0, self.relu0 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.pool = nn.MaxPool2d(3, 3, 1)
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.add, self.avgpool, self.fc = Addition_Module(), nn.AdaptiveAvgPool2d(1), nn.Linear(8, 10)

    def forward(self, x):
        x = pool(self.pool, relu(self.relu0, self.bn0(self.conv0(x))))
        y = relu(self.relu1, self.bn1(self.conv1(x)))
        x = relu(self.relu2, self.add(self.bn2(self.conv2(y)), x))
        return self.fc(self.avgpool(x).flatten(1))


class Transformer(nn.Module):
    size, cam, width, heads = 16, "patches", 16, 2

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, self.width, 4, 4)
        for i in range(2):
            for name in ["q", "k", "v", "proj"]:
                setattr(self, f"{name}{i}", nn.Linear(self.width, self.width))
            setattr(self, f"norm{i}", nn.LayerNorm(self.width))
            setattr(self, f"mlpnorm{i}", nn.LayerNorm(self.width))
            setattr(self, f"fc1_{i}", nn.Linear(self.width, 32))
            setattr(self, f"fc2_{i}", nn.Linear(32, self.width))
            setattr(self, f"gelu{i}", nn.GELU())
        self.norm = nn.LayerNorm(self.width)
        self.fc = nn.Linear(self.width, 10)

    def layer_norm(self, name, x):
        module = getattr(self, name)
        return module(x) if Rules.table is None else soft.frozen_layer_norm(x, module.weight, module.bias, module.eps)

    def forward(self, x):
        self.matrices = []
        x = self.patches(x).flatten(2).transpose(1, 2)
        for i in range(2):
            y = self.layer_norm(f"norm{i}", x)
            q, k, v = (getattr(self, f"{n}{i}")(y).unflatten(2, (self.heads, -1)).transpose(1, 2) for n in "qkv")
            scale = q.shape[-1] ** -0.5
            matrix = torch.softmax(q @ k.transpose(-2, -1) * scale, -1)
            self.matrices.append(matrix.detach())
            y = matrix @ v if Rules.table is None else soft.frozen_attention(q, k, v, scale)
            x = x + getattr(self, f"proj{i}")(y.transpose(1, 2).flatten(2))
            y = getattr(self, f"fc1_{i}")(self.layer_norm(f"mlpnorm{i}", x))
            y = getattr(self, f"gelu{i}")(y) if Rules.table is None else soft.soft_gelu(y)
            x = x + getattr(self, f"fc2_{i}")(y)
        return self.fc(self.layer_norm("norm", x).mean(1))


def load_formula(model):
    model.load_state_dict({
        name: torch.tensor(formula.parameter(name, value.shape)) if value.is_floating_point() else value
        for name, value in model.state_dict().items()})
    return model.double().eval()


def with_rules(table, body):
    Rules.table = table
    try:
        return body()
    finally:
        Rules.table = None


def normal(purpose, image, draw, shape):
    return torch.tensor(1.7 * formula.uniform(f"{purpose}/{image}/{draw}", int(np.prod(shape)))).reshape(shape)


def uniform(purpose, image, draw, count):
    return (1 + formula.uniform(f"{purpose}/{image}/{draw}", count)) / 2


def pullback(model, x, table=None, selector=None):
    def body():
        z = x.detach().clone().requires_grad_()
        y = model(z)
        u = selector(y) if selector else F.one_hot(torch.tensor(TARGETS), y.shape[1]).double()
        return torch.autograd.grad(y, z, u)[0]
    return with_rules(table, body)


def perturbed(model, draw):
    """A copy of the model with every learnable parameter multiplied by 1 + 0.1 noise."""
    copy = type(model)().double().eval()
    copy.load_state_dict(model.state_dict())
    with torch.no_grad():
        for name, value in copy.named_parameters():
            value *= 1 + 0.1 * normal(f"fusiongrad/{name}", 0, draw, value.shape)
    return copy


def family(model, x, table):
    """The recipes that exist with the gradient (table None) and with the soft rules."""
    images = range(len(x))
    nu = lambda z, m=model: pullback(m, z, table)
    noisy = lambda purpose, draw, deviation: x + deviation * torch.stack(
        [normal(purpose, i, draw, x.shape[1:]) for i in images])
    rows = lambda values: torch.tensor(values).double().reshape(-1, 1, 1, 1)
    first = nu(x)
    yield "once", first
    yield "double-1", nu(x + first)
    yield "double-2", nu(x + 2 * first)
    yield "smooth", sum(nu(noisy("smoothgrad", k, 0.15)) for k in range(6)) / 6
    yield "fusion", sum(
        nu(noisy("fusiongrad", 3 * d + k, 0.15), perturbed(model, d)) for d in range(2) for k in range(3)) / 6
    yield "shap", x * sum(
        nu(rows([uniform("gradient-shap", i, k, 1)[0] for i in images]) * x) for k in range(5)) / 5
    for weighting, step in [("released", 1 / 10), ("normalised", 1 / 9)]:
        yield f"integrated-{weighting}", x * sum(
            step * (0.5 if k in (0, 9) else 1) * nu(k / 9 * x) for k in range(10))
    norm = lambda t: t.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)

    def ascent(alpha=None, steps=5, clip="never", normalise=True, relative=False, ball=None, selector=None):
        z = x
        alpha = alpha or 20 * (x[0].numel() / 150528) ** 0.5
        for step in range(steps):
            d = pullback(model, z, table, selector)
            if normalise:
                d = d / norm(d).clamp(min=1e-20)
            if relative:
                d = d * norm(z)
            z = z + alpha * d
            if ball:
                offset = z - x
                z = x + offset * torch.minimum(torch.ones(()).double(), ball / norm(offset))
            if clip == "every-step" or (clip == "last-step" and step == steps - 1):
                z = z.clamp(-1, 1)
        return z - x

    def cross_entropy(y):
        return F.one_hot(torch.tensor(TARGETS), y.shape[1]).double() - torch.softmax(y.detach(), 1)

    yield "ascent", ascent()
    yield "ascent-clip-every-step", ascent(clip="every-step")
    yield "ascent-clip-last-step", ascent(clip="last-step")
    yield "ascent-plain", ascent(alpha=0.3, steps=3, normalise=False)
    yield "ascent-relative", ascent(alpha=0.05, steps=3, relative=True)
    yield "ascent-ball", ascent(alpha=1.0, steps=10, ball=2.5)
    yield "ascent-cross-entropy", ascent(alpha=1.0, selector=cross_entropy)


def cam(model, x, table=None):
    kept = {}
    handle = model.get_submodule(model.cam).register_forward_hook(lambda m, i, o: kept.__setitem__("a", o))

    def body():
        y = model(x.clone().requires_grad_())
        u = F.one_hot(torch.tensor(TARGETS), y.shape[1]).double()
        return torch.autograd.grad(y, kept["a"], u)[0]

    weights = with_rules(table, body).mean((2, 3), keepdim=True)
    handle.remove()
    return F.interpolate(F.relu((weights * kept["a"]).sum(1, keepdim=True)), x.shape[2:]).detach()


def rise(model, x, masks=12, cells=7, p=0.5):
    total = 0
    size = x.shape[2]
    cell = -(-size // cells)
    for k in range(masks):
        numbers = uniform("rise", 0, k, cells * cells + 2).astype(np.float32)
        grid = torch.tensor((numbers[: cells * cells] < p).reshape(1, 1, cells, cells)).double()
        large = F.interpolate(grid, size=((cells + 1) * cell,) * 2, mode="bilinear", align_corners=False)
        top, left = int(numbers[-2] * np.float32(cell)), int(numbers[-1] * np.float32(cell))
        mask = large[:, :, top : top + size, left : left + size]
        with torch.no_grad():
            score = torch.softmax(model(x * mask), 1)[range(len(x)), TARGETS]
        total = total + score.reshape(-1, 1, 1, 1) * mask
    return (total / (masks * p)).expand_as(x)


def rollout(model, x):
    with torch.no_grad():
        model(x)
    product = torch.eye(16).double()
    for matrix in model.matrices:
        product = (matrix.mean(1) + torch.eye(16)) / 2 @ product
    return F.interpolate(product.mean(1).reshape(-1, 1, 4, 4), x.shape[2:]).expand_as(x)


def captum_methods(model, x):
    singles = lambda explain: torch.cat([explain(x[i : i + 1], TARGETS[i]) for i in range(len(x))])
    yield "gradient", ca.Saliency(model).attribute(x, TARGETS, abs=False)
    yield "saliency", ca.Saliency(model).attribute(x, TARGETS)
    yield "input-x-gradient", ca.InputXGradient(model).attribute(x, TARGETS)
    yield "integrated-gradients", ca.IntegratedGradients(model).attribute(
        x, 0, TARGETS, n_steps=10, method="riemann_trapezoid")
    coefficients = np.concatenate([[uniform("gradient-shap", i, k, 1)[0] for k in range(5)] for i in range(len(x))])
    with mock.patch("captum.attr._core.gradient_shap.np.random.uniform", lambda a, b, n: coefficients[:n]):
        yield "gradient-shap", ca.GradientShap(model).attribute(x, torch.zeros_like(x[:1]), n_samples=5, target=TARGETS)
    yield "deeplift", singles(lambda z, t: ca.DeepLift(model, eps=1e-10).attribute(z, torch.zeros_like(z), target=t))
    yield "occlusion", ca.Occlusion(model).attribute(x, (3, 2, 2), (3, 1, 1), 0, TARGETS)
    layer = model.get_submodule(model.cam)
    enlarge = lambda m: ca.LayerAttribution.interpolate(m, x.shape[2:]).expand_as(x)
    yield "grad-cam", enlarge(ca.LayerGradCam(model, layer).attribute(x, TARGETS, relu_attributions=True))
    if isinstance(model, Transformer):
        return
    yield "guided-backprop", ca.GuidedBackprop(model).attribute(x, TARGETS)
    yield "deconvolution", ca.Deconvolution(model).attribute(x, TARGETS)
    yield "guided-grad-cam", ca.GuidedGradCam(model, layer).attribute(x, TARGETS)
    summing = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d, Addition_Module)
    for epsilon in [1e-9, 0.1]:
        def lrp(z, t):
            for module in model.modules():
                if isinstance(module, summing):
                    module.rule = EpsilonRule(epsilon)
            return ca.LRP(model).attribute(z, t)
        yield f"lrp-epsilon-{epsilon}", singles(lrp)


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    tensors = {}
    for name, build in [("convnet", ConvNet), ("residual", Residual), ("transformer", Transformer)]:
        model = load_formula(build())
        x = torch.tensor(np.concatenate([formula.image(f"image{i}", (1, 3, 16, 16)) for i in range(2)])).double()
        results = dict(captum_methods(model, x.clone().requires_grad_()))
        for label, table in [("gradient", None), ("soft", "soft")]:
            results.update({f"{label}/{key}": value for key, value in family(model, x, table)})
        Rules.border = "excluded"
        results["soft/border-excluded"] = pullback(model, x, "soft")
        Rules.border = "zeros"
        if not isinstance(model, Transformer):
            results["soft/guided-cam"] = cam(model, x, "soft") * pullback(model, x, "guided")
        else:
            results["rollout"] = rollout(model, x)
        results["rise"] = rise(model, x)
        with torch.no_grad():
            results["logits"], results["logits0"] = model(x), model(torch.zeros_like(x))
        for key, value in results.items():
            tensors[f"{name}/{key}"] = np.ascontiguousarray(value.detach().numpy().astype(np.float32).ravel()[::3])
        print(name, sorted(results))
    save_file(tensors, FIXTURE)
    print(FIXTURE.stat().st_size)
