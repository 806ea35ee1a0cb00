"""The metrics of faithfulness.py that Quantus 0.6.0 does not have, written from their definitions in numpy.

numpy 2.4.6, scipy 1.17.1.
"""
import numpy as np
import scipy.ndimage
import scipy.stats

import formula
import philox
from faithfulness_case import *


def infidelity_values(lowest, grids):
    return [
        between(lowest, streams(cells**2, "infidelity", repeat * len(grids) + place))
        for repeat in range(5) for place, cells in enumerate(grids)]


def infidelity_v6():
    clean = at_target(logits(x))
    products, falls = [], []
    for value in infidelity_values(-1, [2, 4]):
        cells = int(np.sqrt(value.shape[1]))
        side = SIZE // cells
        perturbed = x.copy()
        for cell in range(cells**2):
            top, left = cell // cells * side, cell % cells * side
            perturbed[:, :, top : top + side, left : left + side] = value[:, cell].reshape(-1, 1, 1, 1)
            products.append((a * (x.astype(np.float64) - perturbed)).sum((1, 2, 3)))
            falls.append(clean - at_target(logits(perturbed)))
    products, falls = np.stack(products), np.stack(falls)
    assert len(products) == 100
    beta = (products * falls).sum(0) / (products**2).sum(0)
    return ((beta * products - falls) ** 2).mean(0)


def mask(i):
    """A rectangle per image."""
    plane = np.zeros((1, SIZE, SIZE))
    plane[:, 3 + i : 11 + i, 2 : 9 + i] = 1
    return plane


MASKS = np.stack([mask(i) for i in range(COUNT)])


def part_masks(i):
    """Three overlapping soft parts per image; the first two are diagnostic."""
    return np.stack([(1 + formula.image(f"part{i}/{k}", (SIZE, SIZE)).astype(np.float64)) / 6 for k in range(3)])


def energy(kind):
    scores = []
    for i in range(COUNT):
        weights = MASKS[i, 0] if kind == "object" else np.minimum(1, part_masks(i)[:2].sum(0))
        scores.append((a[i] ** 2 * weights).sum() / (a[i] ** 2).sum())
    return np.array(scores)


def counterfactual():
    shares = np.array([[(abs(a[i]) * m).sum() / abs(a[i]).sum() for m in part_masks(i)] for i in range(COUNT)])
    clean = at_target(logits(x))
    falls = np.stack([
        clean - at_target(logits(np.stack([formula.image(f"without{i}/{k}", SHAPE) for i in range(COUNT)])))
        for k in range(3)], 1)
    scores = [scipy.stats.spearmanr(shares[i], falls[i])[0] for i in range(COUNT)]
    return np.array(scores), scipy.stats.spearmanr(shares.ravel(), falls.ravel())[0]


def insertion_deletion(kind):
    plane = SIZE**2
    step = -(-plane // 48)
    deviation = 5 * SIZE / 224
    blurred = scipy.ndimage.gaussian_filter(
        x.astype(np.float64), deviation, axes=(2, 3), radius=int(np.ceil(3 * deviation)), mode="nearest").astype(np.float32)
    order = np.argsort(-a.mean(1).reshape(COUNT, -1), axis=1)
    shares, curve = [], []
    for count in list(range(0, plane, step)) + [plane]:
        chosen = np.zeros((COUNT, plane), bool)
        for i in range(COUNT):
            chosen[i, order[i, :count]] = True
        chosen = chosen.reshape(COUNT, 1, SIZE, SIZE)
        images = np.where(chosen, 0, x) if kind == "deletion" else np.where(chosen, x, blurred)
        outputs = logits(images)
        curve.append(at_target(np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)))
        shares.append(count / plane)
    return np.trapezoid(np.stack(curve), shares, axis=0)


def bootstrap():
    """Percentile intervals of the mean of fifty numbers."""
    values = formula.uniform("bootstrap values", 50)
    means = [values[philox.integers(50, 50, SEED, "bootstrap", draw=r)].mean() for r in range(10_000)]
    return [float(v) for v in np.percentile(means, [2.5, 97.5])]
