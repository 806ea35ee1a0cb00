"""The evaluation of faithfulness.py in PyTorch: explainers by captum and by the definitions, metrics by Quantus."""
import warnings

import soft_modules
import torch_models  # Before captum and quantus, which import torchvision too.

import captum.attr as ca
import numpy as np
import quantus
import torch
import torch.nn.functional as F
from quantus.functions.similarity_func import correlation_pearson, correlation_spearman
from torch import nn

warnings.filterwarnings("ignore")
ROWS = 10  # draws or points that go through the network at once


class Normalised(nn.Module):
    """EfficientNet-Lite for images in [-1, 1]: (p - 127) / 128 of pixels in 0..255."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(((x + 1) * 127.5 - 127) / 128)


def load(checkpoint, dtype=torch.float32):
    model = torch_models.build("efficientnet-lite0")
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    return Normalised(soft_modules.replace_modules(model)).eval().requires_grad_(False).to(dtype)


def pullback(model, x, y, softened):
    soft_modules.state.softened = softened
    x = x.detach().requires_grad_()
    result = torch.autograd.grad(model(x).gather(1, y[:, None]).sum(), x)[0]
    soft_modules.state.softened = False
    return result


def once(softened):
    return lambda model, x, y: pullback(model, x, y, softened)


def ascent(softened):
    def explain(model, x, y):
        z = x
        for _ in range(5):
            d = pullback(model, z, y, softened)
            z = z + 20 * d / d.flatten(1).norm(dim=1).clamp(min=1e-20).reshape(-1, 1, 1, 1)
        return z - x
    return explain


def smooth(softened, draws=50):
    def explain(model, x, y):
        total, rows = torch.zeros_like(x), max(1, ROWS // len(x))
        for first in range(0, draws, rows):
            count = min(rows, draws - first)
            noisy = x.repeat(count, 1, 1, 1) + 0.15 * torch.randn(count * len(x), *x.shape[1:])
            total += pullback(model, noisy, y.repeat(count), softened).reshape(count, *x.shape).sum(0)
        return total / draws
    return explain


def fusion(softened):
    inner = smooth(softened, draws=10)

    def explain(model, x, y):
        kept = [value.clone() for value in model.parameters()]
        total = torch.zeros_like(x)
        for _ in range(10):
            for value, original in zip(model.parameters(), kept):
                value.copy_(original * (1 + 0.1 * torch.randn_like(original)))
            total += inner(model, x, y)
        for value, original in zip(model.parameters(), kept):
            value.copy_(original)
        return total / 10
    return explain


def guided_grad_cam(model, x, y):
    layer = model.model._conv_head
    return ca.GuidedGradCam(model, layer).attribute(x.detach().requires_grad_(), y)


EXPLAINERS = {
    "soft-pullback": once(True), "pullback-ascent": ascent(True), "smooth-pullback": smooth(True),
    "fusion-pullback": fusion(True), "gradient": once(False), "gradient-ascent": ascent(False),
    "smoothgrad": smooth(False), "fusiongrad": fusion(False),
    "gradient-shap": lambda model, x, y: ca.GradientShap(model).attribute(
        x, torch.zeros_like(x[:1]), n_samples=5, target=y),
    "integrated-gradients": lambda model, x, y: ca.IntegratedGradients(model).attribute(
        x, 0, y, n_steps=10, method="riemann_trapezoid"),
    "deeplift-released": lambda model, x, y: ca.InputXGradient(model).attribute(x.detach().requires_grad_(), y),
    "guided-grad-cam": guided_grad_cam,
}
quiet = dict(disable_warnings=True, display_progressbar=False, return_aggregate=False)


def patches(values=3 * 224 * 224, side=56):
    index = np.arange(values).reshape(3, 224, 224)
    for row in range(0, 224, side):
        for column in range(0, 224, side):
            yield index[:, row : row + side, column : column + side].ravel()


class PatchCorrelation:
    """Quantus's faithfulness correlation with the sixteen patches in the place of random subsets."""

    def __call__(self, **kwargs):
        answers = iter([patch for patch in patches() for _ in kwargs["x_batch"]])
        original, np.random.choice = np.random.choice, lambda *_, **__: next(answers)
        try:
            return quantus.FaithfulnessCorrelation(
                similarity_func=correlation_pearson, nr_runs=16, subset_size=56 * 56 * 3, perturb_baseline=0.0,
                abs=True, **quiet)(**kwargs)
        finally:
            np.random.choice = original


def make_metrics():
    return {
        # Its score is that of v5; the optimal scale changes a few sums, not the cost.
        "infidelity": quantus.Infidelity(
            perturb_baseline="uniform", perturb_patch_sizes=[112, 56], n_perturb_samples=5, **quiet),
        "faithfulness-correlation": PatchCorrelation(),
        "faithfulness-estimate": quantus.FaithfulnessEstimate(
            similarity_func=correlation_pearson, features_in_step=3136, perturb_baseline=0.0, abs=True, **quiet),
        "monotonicity-correlation": quantus.MonotonicityCorrelation(
            similarity_func=correlation_spearman, nr_samples=10, features_in_step=3136, perturb_baseline="uniform",
            abs=True, **quiet),
        "max-sensitivity": quantus.MaxSensitivity(nr_samples=10, lower_bound=0.02, **quiet),
        "random-logit": quantus.RandomLogit(similarity_func=correlation_pearson, num_classes=1000, **quiet),
    }


def evaluate(checkpoint, x, y, methods, names):
    """The scores of every method and metric, by image."""
    model, metrics, scores = load(checkpoint), make_metrics(), {}
    for method in methods:
        def explain(model, inputs, targets, **_):
            inputs, targets = torch.as_tensor(np.asarray(inputs)).float(), torch.as_tensor(np.asarray(targets)).long()
            with torch.enable_grad():
                return EXPLAINERS[method](model, inputs, targets).detach().numpy()
        maps = explain(model, x, y)
        for name in names:
            scores[method, name] = np.asarray(metrics[name](
                model=model, x_batch=x, y_batch=y, a_batch=maps.copy(), explain_func=explain, channel_first=True,
                softmax=name == "monotonicity-correlation"), float)
    return scores
