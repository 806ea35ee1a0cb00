"""Soft pullbacks with noise relative to each channel's spread, of small networks in float64.

torch 2.13.0, numpy 2.4.6, scipy 1.17.1, safetensors 0.8.0. Writes fixtures/relative.safetensors. Weights, images
(2, 3, 12, 10) and cotangents (2, 4) are formula.py's. Every network has the same graph with another activation:

a    = act(bn_a(conv_a(x)))                             8 channels, 3x3, padding 1
pool = maxpool(a)                                       3x3, stride 2, padding 1: padded places at the border
sum  = act(bn_b(conv_b(pool)) + pool)                   a residual sum of a batch norm and a pool
cat  = maxpool(act(bn_c(conv_c(sum))) | act(bn_d(conv_d(sum))))   6 and 5 channels concatenated; 2x2
e    = act(bn_e(conv_e(cat)))                           7 channels, 3x3
y    = fc(mean(e))                                      4 outputs

The backward pass multiplies by E g(z + s n), n ~ N(0, 1), s = c sigma, at activations, and shares out by
softmax(window / tau), tau = c sigma sqrt(6) / pi, at pools. sigma has a number for each channel:

batchnorm  gamma after a batch norm; through an activation, the deviation of its value at a normal variable, by
           quadrature; of a sum, the root of the sum of squares; through a pool and a concatenation, unchanged
image      the deviation (over n) of this image's own values in the channel

relu, relu6, clip (-1 to 2), leakyrelu (0.2), prelu (a slope for each channel), gelu: normal distribution functions.
hardswish: E relu6(u + 3) / 6 is the mean over t in 0..6 of P(u + 3 > t), by quadrature.
silu: by the probit approximation, sigmoid(z / sqrt(1 + pi s^2 / 8)), which the rule is defined by.

Tensors: per activation `value`, `spread.{node}` for the batch norms' deviations, and maps `{source}.{border}` with
c = 1.5 for batchnorm and 0.5 for image.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from scipy.special import ndtr

import formula
from soft_torch import Gate, _SoftMaxPool

HERE = pathlib.Path(__file__).parent / "fixtures"
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
MULTIPLES = {"batchnorm": 1.5, "image": 0.5}
torch.set_default_dtype(torch.float64)


def phi(z):
    return torch.from_numpy(ndtr(z.numpy()))


def hard_swish_average(z, s):
    t, w = 3 + 3 * torch.from_numpy(NODES), torch.from_numpy(WEIGHTS) / 2
    return (phi((z[..., None] + 3 - t) / s[..., None]) * w).sum(-1)


class Activation:
    """value(z, slope), averaged gate(z, s, slope); a slope where the activation has one, (C, 1, 1)."""

    def __init__(self, value, average):
        self.value, self.average = value, average


ACTIVATIONS = {
    "relu": Activation(lambda z, a: F.relu(z), lambda z, s, a: phi(z / s)),
    "relu6": Activation(lambda z, a: F.relu6(z), lambda z, s, a: phi(z / s) - phi((z - 6) / s)),
    "clip": Activation(lambda z, a: z.clamp(-1, 2), lambda z, s, a: phi((z + 1) / s) - phi((z - 2) / s)),
    "leakyrelu": Activation(lambda z, a: F.leaky_relu(z, 0.2), lambda z, s, a: 0.2 + 0.8 * phi(z / s)),
    "prelu": Activation(lambda z, a: torch.where(z < 0, a * z, z), lambda z, s, a: a + (1 - a) * phi(z / s)),
    "gelu": Activation(lambda z, a: F.gelu(z), lambda z, s, a: phi(z / (1 + s**2).sqrt())),
    "silu": Activation(lambda z, a: F.silu(z), lambda z, s, a: torch.sigmoid(z / (1 + torch.pi * s**2 / 8).sqrt())),
    "hardswish": Activation(lambda z, a: F.hardswish(z), lambda z, s, a: hard_swish_average(z, s)),
}


def moments(value, mean, deviation, slope):
    """Mean and deviation of value(N(mean, deviation^2)) for each channel, by panels of Gauss and Legendre's rule."""
    edges = np.linspace(-10, 10, 81)
    e = np.concatenate([(a + b) / 2 + (b - a) / 2 * NODES for a, b in zip(edges, edges[1:])])
    w = np.concatenate([(b - a) / 2 * WEIGHTS for a, b in zip(edges, edges[1:])])
    w *= np.exp(-e**2 / 2) / np.sqrt(2 * np.pi)
    e, w = torch.from_numpy(e), torch.from_numpy(w)
    y = value(mean[:, None] + deviation[:, None] * e, None if slope is None else slope.reshape(-1, 1))
    first = (y * w).sum(1)
    return first, ((y - first[:, None]) ** 2 * w).sum(1).sqrt()


class Net:
    """A value travels with its channels' mean and deviation as batch norms tell them."""

    def __init__(self, name, source, border):
        self.activation, self.name, self.source, self.border = ACTIVATIONS[name], name, source, border
        self.c, self.spreads = MULTIPLES[source], {}

    def parameter(self, name, *shape):
        return torch.from_numpy(formula.parameter(name, shape).astype(np.float64))

    def layer(self, name, x, outputs, kernel, padding):
        weight = self.parameter(f"conv_{name}.weight", outputs, x.shape[1], kernel, kernel)
        y = F.conv2d(x, weight, self.parameter(f"conv_{name}.bias", outputs), padding=padding)
        mean, variance, gamma, beta = (
            self.parameter(f"bn_{name}.{part}", outputs) for part in ["running_mean", "running_var", "weight", "bias"])
        return F.batch_norm(y, mean, variance, gamma, beta, eps=1e-5), (beta, gamma.abs())

    def noise(self, name, z, told):
        """c sigma, broadcast over z."""
        self.spreads[name] = told[1]
        if self.source == "image":
            return self.c * z.std((2, 3), correction=0, keepdim=True)
        return self.c * told[1].reshape(1, -1, 1, 1)

    def act(self, name, z, told):
        slope = self.parameter(f"{name}.weight", z.shape[1]) if self.name == "prelu" else None
        held = z.detach()
        s = self.noise(name, held, told).expand_as(held)
        slopes = None if slope is None else slope.reshape(-1, 1, 1)
        y, gate = self.activation.value(held, slopes), self.activation.average(held, s, slopes)
        return Gate.apply(z, y, gate), moments(self.activation.value, *told, slope)

    def pool(self, name, x, told, kernel, stride, padding):
        # A plane of zeros has no spread. In the limit of small noise its places take equal shares.
        tau = self.noise(name, x.detach(), told).clamp_min(1e-18) * 6**0.5 / torch.pi
        pair = lambda number: (number, number)
        y = _SoftMaxPool.apply(x, pair(kernel), pair(stride), pair(padding), False, tau, self.border)
        return y, told

    def __call__(self, x):
        a = self.act("act_a", *self.layer("a", x, 8, 3, 1))
        pool, pool_told = self.pool("pool", *a, 3, 2, 1)
        b, b_told = self.layer("b", pool, 8, 3, 1)
        told = (b_told[0] + pool_told[0], (b_told[1] ** 2 + pool_told[1] ** 2).sqrt())
        total, _ = self.act("act_sum", b + pool, told)
        branches = [self.act(f"act_{k}", *self.layer(k, total, n, 3, 1)) for k, n in [("c", 6), ("d", 5)]]
        told = tuple(torch.cat([branch[1][k] for branch in branches]) for k in range(2))
        cat, _ = self.pool("cat_pool", torch.cat([branch[0] for branch in branches], 1), told, 2, 2, 0)
        e, _ = self.act("act_e", *self.layer("e", cat, 7, 3, 1))
        return F.linear(e.mean((2, 3)), self.parameter("fc.weight", 4, 7), self.parameter("fc.bias", 4))


tensors = {}
for name in ACTIVATIONS:
    for source in MULTIPLES:
        for border in ["zeros", "excluded"]:
            net = Net(name, source, border)
            x = torch.from_numpy(formula.image("images", (2, 3, 12, 10)).astype(np.float64)).requires_grad_()
            y = net(x)
            y.backward(torch.from_numpy(formula.image("cotangent", (2, 4)).astype(np.float64)))
            tensors[f"{name}/{source}.{border}"] = x.grad.numpy()
    tensors[f"{name}/value"] = y.detach().numpy()
    for node, deviations in net.spreads.items():
        tensors[f"{name}/spread.{node}"] = deviations.numpy()
save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items()}, HERE / "relative.safetensors")
