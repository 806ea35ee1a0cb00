"""The named random streams of Sources/Pullbacks/Randomness/RandomStream.swift in numpy 2.4.6, for oracles that take the
same numbers as the Swift code."""
import numpy as np

import formula

M = np.uint64(0xFFFFFFFF)


def mixed(value):
    """The finaliser of SplitMix64."""
    z = (value + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def words(count, seed, purpose, image=0, draw=0):
    """The first `count` 32-bit words of a stream: Philox4x32-10."""
    key = mixed(mixed(seed) ^ formula.hash_of(purpose))
    low, high = key % 2**32, key >> 32
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    a, b = blocks & M, blocks >> np.uint64(32)
    c, d = np.full_like(a, draw), np.full_like(a, image)
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (
            (second >> np.uint64(32)) ^ b ^ np.uint64(low), second & M,
            (first >> np.uint64(32)) ^ d ^ np.uint64(high), first & M)
        low, high = (low + 0x9E3779B9) % 2**32, (high + 0xBB67AE85) % 2**32
    return np.stack([a, b, c, d], 1).ravel()[:count]


def uniforms(count, *stream, **place):
    """Numbers of U(0, 1), multiples of 2^-24, in float32."""
    return ((words(count, *stream, **place) >> np.uint64(8)).astype(np.float32)) * np.float32(2**-24)


def integers(bound, count, *stream, **place):
    return ((words(count, *stream, **place) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)
