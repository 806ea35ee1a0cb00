"""Whole networks with formula weights (formula.py) in PyTorch float64: logits, gradient and soft pullback.

torch 2.13.0, efficientnet-lite-pytorch 0.1.0. Writes fixtures/networks.safetensors: per network the logits of two formula
images, and of the gradient and soft pullback of logits 3 and 7 every 37th value; and the numbers of the two images.

The gradient jumps where a pre-activation crosses a kink, and among millions of them some lie within float32's rounding
error of one: there any two float32 programs disagree, PyTorch's with its own float64 too. So that the comparison measures
arithmetic and not these jumps, the two images are those of a hundred whose closest pre-activation is farthest from a kink
(relative to its layer's root mean square). Logits and soft pullbacks have no jumps.
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

import formula
import soft_torch as soft

HERE = pathlib.Path(__file__).parent / "fixtures"


class SoftReLU6(torch.nn.Module):
    softened = False
    margin = None

    def forward(self, x):
        if SoftReLU6.margin is not None:
            distance = torch.minimum(x.abs(), (x - 6).abs()).flatten(1).amin(1)
            SoftReLU6.margin = torch.minimum(SoftReLU6.margin, distance / x.pow(2).flatten(1).mean(1).sqrt())
        return soft.soft_relu6(x) if SoftReLU6.softened else torch.nn.functional.relu6(x)


def efficientnet(name, resolution):
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(name, image_size=resolution)
    model._swish = SoftReLU6()
    for block in model._blocks:
        block._swish = SoftReLU6()
    return model, lambda x: model((127.5 * x + 0.5) / 128)


def load_formula(model):
    state = {
        name: torch.tensor(formula.parameter(name, value.shape)) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    return model.double().eval()


def pullbacks(forward, x, targets):
    results = []
    for softened in [False, True]:
        SoftReLU6.softened = softened
        x = x.detach().requires_grad_()
        y = forward(x)
        selector = torch.zeros_like(y)
        selector[range(len(targets)), targets] = 1
        results.append(torch.autograd.grad(y, x, selector)[0])
    return y, *results


def clearest_images(forward, resolution, tried=100):
    """The numbers of the two formula images with the largest margins."""
    margins = []
    with torch.no_grad():
        for number in range(tried):
            SoftReLU6.margin = torch.ones(1, dtype=torch.float64)
            forward(torch.tensor(formula.image(f"image{number}", (1, 3, resolution, resolution))).double())
            margins.append(SoftReLU6.margin.item())
    SoftReLU6.margin = None
    best = np.argsort(margins)[::-1][:2]
    return best, np.array(margins)[best]


if __name__ == "__main__":
    tensors = {}
    for name, build, resolution in [
        ("efficientnet-lite0", efficientnet, 224), ("efficientnet-lite1", efficientnet, 96),
        ("efficientnet-lite2", efficientnet, 75)]:
        model, forward = build(name, resolution)
        load_formula(model)
        numbers, margins = clearest_images(forward, resolution)
        x = np.concatenate([formula.image(f"image{number}", (1, 3, resolution, resolution)) for number in numbers])
        logits, gradient, softened = pullbacks(forward, torch.tensor(x).double(), [3, 7])
        record = {"images": torch.tensor(numbers.copy()), "logits": logits, "gradient": gradient.flatten()[::37],
                  "soft": softened.flatten()[::37]}
        for key, value in record.items():
            tensors[f"{name}/{key}"] = np.ascontiguousarray(value.detach().numpy().astype(np.float32))
        print(name, "margins", margins, "norms", gradient.norm().item(), softened.norm().item())
    save_file(tensors, HERE / "networks.safetensors")
