"""Weights and inputs by formula, the same in Python and in Swift (Tests/TestKit/FormulaWeights.swift), so that fixtures
of whole networks need not store them. numpy 2.4.6.

uniform(name)[i] = top 24 bits of splitmix64(fnv1a64(name) + i), scaled to [-1, 1).
"""
import numpy as np


def hash_of(text):
    """The 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def uniform(name, count):
    z = np.uint64(hash_of(name)) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def parameter(name, shape):
    """A tensor for a parameter of this name and shape, in float32.

    Running variances lie in (0.5, 1.5), running means in (-0.1, 0.1), shifts and learned tokens in (-0.5, 0.5), scales
    in (0.75, 1.25); matrices and kernels are scaled by sqrt(3 / fan-in). With larger weights a deep network is chaotic:
    PyTorch's float32 then differs from its float64 by 1e-5 in the logits and 1e-2 in the gradient, and no comparison
    could be tight.
    """
    shape = tuple(shape)
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("running_mean"):
        u = 0.1 * u
    elif name.endswith(("bias", "class_token", "pos_embedding")):
        u = 0.5 * u
    elif len(shape) == 1 or name.endswith("layer_scale"):
        u = 1 + 0.25 * u
    else:
        u = u * np.sqrt(3 / np.prod(shape[1:]))
    return u.astype(np.float32)


def image(name, shape):
    return uniform(name, int(np.prod(shape))).reshape(shape).astype(np.float32)
