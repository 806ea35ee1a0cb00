"""The case that faithfulness.py scores: a small convolutional network with formula weights in float64, four formula
images and maps, and the named random streams in the place of numpy's numbers.

quantus 0.6.0, torch 2.13.0, numpy 2.4.6.
"""
import contextlib
from unittest import mock

import numpy as np
import torch

import attribution
import formula
import philox

SEED, COUNT, SIZE, CLASSES = 314, 4, 16, 10
SHAPE = (3, SIZE, SIZE)
VALUES = int(np.prod(SHAPE))
TARGETS = np.array([3, 7, 1, 9])
INDICES = [0, 5, 6, 40]  # of the images in an imagined data set


class Double(torch.nn.Module):
    """Quantus hands over float32: the network computes in float64 all the same."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.double())


model = Double(attribution.load_formula(attribution.ConvNet())).eval()
x = np.stack([formula.image(f"image{i}", SHAPE) for i in range(COUNT)])
a = np.stack([formula.image(f"map{i}", SHAPE) for i in range(COUNT)]).astype(np.float64)


def explain(model, inputs, targets, **_):
    z = torch.tensor(np.asarray(inputs, np.float32)).double().requires_grad_()
    y = model.inner(z)
    return torch.autograd.grad(y[range(len(z)), targets].sum(), z)[0].numpy()


@contextlib.contextmanager
def numbers(name, answers):
    """Answers the calls of numpy.random.<name> with these, in their order; all must be asked for."""
    answers = iter(answers)
    with mock.patch(f"numpy.random.{name}", lambda *_, **__: next(answers)):
        yield
    assert next(answers, None) is None


def streams(count, purpose, draw):
    """(images, count) numbers of U(0, 1)."""
    return np.stack([philox.uniforms(count, SEED, purpose, image=i, draw=draw) for i in INDICES])


def between(lowest, u):
    return np.float32(lowest) + np.float32(1 - lowest) * u


def logits(images):
    with torch.no_grad():
        return model(torch.tensor(np.asarray(images, np.float32))).numpy()


def at_target(outputs):
    return outputs[range(COUNT), TARGETS]
