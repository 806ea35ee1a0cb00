"""Elementwise gates on a grid: value, derivative, gate and the gate's average under Gaussian noise, in float64.

torch 2.13.0, numpy 2.4.6, mpmath 1.3.0, safetensors 0.8.0. Writes fixtures/gates.safetensors and fixtures/gates.json
(name, settings and kinks of each gate). `z` is a grid of 161 points from -8 to 8, moved by 0.013 off every kink, and
one for all gates. Per gate y(z):

value       y by torch
derivative  dy/dz by autograd
gate        g(z), the factor by which the hard pullback multiplies: y = z g(z), except where noted below
averaged.s  E g(z + s e), e ~ N(0, 1), for s = 0.25, 1, 2.5

    relu            [z > 0]
    relu6           [0 < z < 6], the derivative
    hardtanh, clip  [low < z < high], the derivative
    leakyrelu       z > 0 ? 1 : slope
    prelu           the same with a slope per channel: tensors are (channels, points); slopeDerivative is dy/dslope
    elu             z > 0 ? 1 : alpha (e^z - 1) / z
    selu            z > 0 ? lambda : lambda alpha (e^z - 1) / z
    softplus        sigmoid(z), the derivative, because y(0) is not 0
    hardswish       relu6(z + 3) / 6
    hardsigmoid     [-3 < z < 3] / 6, the derivative, because y(0) is not 0
    mish            tanh(softplus(z))
    gelu            Phi(z)
    gelu-tanh       (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2
    silu            sigmoid(z)
    celu            z > 0 ? 1 : alpha (e^(z / alpha) - 1) / z
    softsign        1 / (1 + |z|)
    thresholdedrelu [z > threshold], the derivative
    hardsigmoid-0.2 [-2.5 < z < 2.5] / 5, the derivative

The averages are quadratures of g itself, split at its kinks, and no closed form enters: Gauss-Legendre with 24 nodes on
panels of at most 0.4 standard deviations within 12 of them. The script checks them on every point against other panels
with 40 nodes (to 1e-14), and on some points against mpmath with 30 digits (to 1e-13).
"""
import json
import pathlib

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent / "fixtures"
SCALES = [0.25, 1, 2.5]
REACH = 12  # Standard deviations; beyond them lies 4e-33 of the noise.
SLOPES = [0.1, 0.25, -0.3]
SELU_ALPHA, SELU_LAMBDA = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# Each gate is written once for numpy and mpmath: `m` has exp, expm1, tanh and erf, and `where` chooses.


def step(low, high, inside=1.0, below=0.0):
    """`inside` between low and high (which may be infinite), else `below`."""
    return lambda z, m: m.where((z > low) & (z < high), inside, below)


def exponential(alpha, scale=1.0):
    def gate(z, m):
        below = m.where(z > 0, -1.0, z)
        return m.where(z > 0, scale, scale * alpha * m.expm1(below) / below)

    return gate


def sigmoid(z, m):
    return 1 / (1 + m.exp(-z))


def mish_gate(z, m):
    # tanh(log(1 + e^z)) = ((1 + e^z)^2 - 1) / ((1 + e^z)^2 + 1), with e^-z so that nothing overflows at large z.
    e = m.exp(-abs(z))
    return m.where(z > 0, (1 + 2 * e) / (1 + 2 * e + 2 * e * e), (e * e + 2 * e) / (e * e + 2 * e + 2))


def celu_gate(z, m):
    below = m.where(z > 0, -1.0, z)
    return m.where(z > 0, 1.0, 0.7 * m.expm1(below / 0.7) / below)


def gelu_tanh_gate(z, m):
    return (1 + m.tanh((2 / np.pi) ** 0.5 * (z + 0.044715 * z * z * z))) / 2


# Name, settings, value, gate, kinks of the gate, whether the gate is the derivative
GATES = [
    ("relu", {}, F.relu, step(0, np.inf), [0], True),
    ("relu6", {}, F.relu6, step(0, 6), [0, 6], True),
    ("hardtanh", {"low": -1, "high": 1}, F.hardtanh, step(-1, 1), [-1, 1], True),
    ("clip", {"low": -0.5, "high": 2}, lambda z: z.clamp(-0.5, 2), step(-0.5, 2), [-0.5, 2], True),
    ("leakyrelu", {"slope": 0.2}, lambda z: F.leaky_relu(z, 0.2), step(0, np.inf, 1, 0.2), [0], True),
    ("elu", {"alpha": 1}, F.elu, exponential(1), [0], False),
    ("elu-0.7", {"alpha": 0.7}, lambda z: F.elu(z, 0.7), exponential(0.7), [0], False),
    ("selu", {"alpha": SELU_ALPHA, "lambda": SELU_LAMBDA}, F.selu, exponential(SELU_ALPHA, SELU_LAMBDA), [0], False),
    ("softplus", {"beta": 1}, lambda z: F.softplus(z, threshold=1e9), sigmoid, [], True),
    ("hardswish", {}, F.hardswish, lambda z, m: m.where(z < -3, 0, m.where(z > 3, 1, (z + 3) / 6)), [-3, 3], False),
    # Not torch's hardsigmoid, whose derivative is 1 / 6 in float32.
    ("hardsigmoid", {}, lambda z: F.relu6(z + 3) / 6, step(-3, 3, 1 / 6), [-3, 3], True),
    ("mish", {}, F.mish, mish_gate, [], False),
    ("gelu", {}, F.gelu, lambda z, m: (1 + m.erf(z / 2**0.5)) / 2, [], False),
    ("gelu-tanh", {}, lambda z: F.gelu(z, approximate="tanh"), gelu_tanh_gate, [], False),
    ("silu", {}, F.silu, sigmoid, [], False),
    ("celu", {"alpha": 0.7}, lambda z: F.celu(z, 0.7), celu_gate, [0], False),
    ("softsign", {}, F.softsign, lambda z, m: 1 / (1 + abs(z)), [0], False),
    ("thresholdedrelu", {"threshold": 1}, lambda z: F.threshold(z, 1, 0), step(1, np.inf), [1], True),
    ("hardsigmoid-0.2", {"slope": 0.2, "offset": 0.5}, lambda z: (0.2 * z + 0.5).clamp(0, 1), step(-2.5, 2.5, 0.2),
     [-2.5, 2.5], True)]


class Arrays:
    exp, expm1, tanh, where = np.exp, np.expm1, np.tanh, np.where

    @staticmethod
    def erf(x):
        return torch.erf(torch.tensor(x)).numpy()


class Digits:
    exp, expm1, tanh, erf = mpmath.exp, mpmath.expm1, mpmath.tanh, mpmath.erf

    @staticmethod
    def where(condition, a, b):
        return a if condition else b


def averaged(gate, kinks, z, scale, nodes, width):
    """E gate(z + scale e) by Gauss-Legendre on panels no wider than `width`."""
    inner = sorted(e for e in ((kink - z) / scale for kink in kinks) if -REACH < e < REACH)
    edges = [-REACH, *inner, REACH]
    bounds = np.concatenate(
        [np.linspace(a, b, int(np.ceil((b - a) / width)) + 1)[:-1] for a, b in zip(edges, edges[1:])] + [[REACH]])
    points, weights = np.polynomial.legendre.leggauss(nodes)
    half = np.diff(bounds)[:, None] / 2
    e = bounds[:-1, None] + half * (1 + points)
    return (half * weights * gate(z + scale * e, Arrays) * np.exp(-e * e / 2)).sum() / np.sqrt(2 * np.pi)


def averaged_exactly(gate, kinks, z, scale):
    inner = {float(e) for e in ((kink - z) / scale for kink in kinks) if -REACH < e < REACH}
    density = lambda e: mpmath.exp(-e * e / 2) / mpmath.sqrt(2 * mpmath.pi)
    edges = sorted(inner | set(range(-REACH, REACH + 1, 2)))
    return mpmath.quad(lambda e: gate(z + scale * e, Digits) * density(e), edges)


def record(value, gate, kinks, is_derivative, z):
    x = torch.tensor(z, requires_grad=True)
    y = value(x)
    derivative = torch.autograd.grad(y.sum(), x)[0].numpy()
    entries = {"value": y.detach().numpy(), "derivative": derivative, "gate": gate(z, Arrays)}
    stated = derivative if is_derivative else entries["value"] / z
    assert np.allclose(entries["gate"], stated, rtol=0, atol=1e-14), np.abs(entries['gate'] - stated).max()
    for scale in SCALES:
        means = np.array([averaged(gate, kinks, point, scale, 24, 0.4) for point in z])
        again = [averaged(gate, kinks, point, scale, 40, 0.53) for point in z]
        assert np.allclose(means, again, rtol=0, atol=1e-14), np.abs(means - again).max()
        for i in [3, 62, 80, 81, 95, 140]:
            exact = averaged_exactly(gate, kinks, z[i], scale)
            assert abs(means[i] - exact) < 1e-13, (z[i], scale, means[i], exact)
        entries[f"averaged.{scale}"] = means
    return entries


if __name__ == "__main__":
    mpmath.mp.dps = 30
    z = (np.linspace(-8, 8, 161) + 0.013).astype(np.float32).astype(np.float64)
    tensors, description = {"z": z}, []
    for name, settings, value, gate, kinks, is_derivative in GATES:
        tensors |= {f"{name}/{key}": entry for key, entry in record(value, gate, kinks, is_derivative, z).items()}
        description.append({"name": name, "settings": settings, "kinks": kinks, "gateIsDerivative": is_derivative})
    channels = [
        record(lambda z: F.leaky_relu(z, slope), step(0, np.inf, 1, slope), [0], True, z) for slope in SLOPES]
    tensors |= {f"prelu/{key}": np.stack([channel[key] for channel in channels]) for key in channels[0]}
    slopes, x = torch.tensor(SLOPES, dtype=torch.float64, requires_grad=True), torch.tensor(z)
    rows = F.prelu(x.expand(1, 3, -1), slopes)[0]
    assert np.array_equal(rows.detach().numpy(), tensors["prelu/value"])
    tensors["prelu/slopeDerivative"] = np.stack(
        [torch.autograd.grad(rows[:, i].sum(), slopes, retain_graph=True)[0].numpy() for i in range(len(z))], 1)
    description.append({"name": "prelu", "settings": {"slopes": SLOPES}, "kinks": [0], "gateIsDerivative": True})
    save_file({key: t.astype(np.float32) for key, t in tensors.items()}, HERE / "gates.safetensors")
    (HERE / "gates.json").write_text(json.dumps({"scales": SCALES, "gates": description}, indent=1) + "\n")
    print(len(description), "gates,", sum(t.size for t in tensors.values()) * 4 // 1024, "KiB")
