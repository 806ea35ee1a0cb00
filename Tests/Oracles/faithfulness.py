"""The faithfulness metrics on a small convolutional network with formula weights, in float64: Quantus 0.6.0 where Quantus has
the metric, and numpy, written from the definitions, where it has not (Infidelity with the optimal scale, insertion and
deletion, energies, counterfactual consistency).

quantus 0.6.0, torch 2.13.0, numpy 2.4.6, scipy 1.17.1, scikit-image 0.26.0. Writes fixtures/faithfulness.json: per metric the
scores of four formula images. Quantus draws its random numbers with numpy.random; here those calls are answered with the named
streams of philox.py, the same numbers that the Swift code draws.
"""
import contextlib
import json
import pathlib
from unittest import mock

import numpy as np
import quantus
import scipy.ndimage
import scipy.stats
import torch
from quantus.functions.similarity_func import correlation_pearson, correlation_spearman, ssim
from quantus.helpers.model.pytorch_model import PyTorchModel

import attribution
import formula
import philox

np.trapz = np.trapezoid  # Quantus 0.6.0 calls it by the name that numpy 2.4 has dropped.
FIXTURE = pathlib.Path(__file__).parent / "fixtures" / "faithfulness.json"
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


def quantus_scores(metric, maps=a, softmax=False, **kwargs):
    scores = metric(
        model=model, x_batch=x, y_batch=TARGETS, a_batch=maps.copy(), softmax=softmax, channel_first=True,
        explain_func=explain, **kwargs)
    return np.asarray(scores, dtype=np.float64)


def logits(images):
    with torch.no_grad():
        return model(torch.tensor(np.asarray(images, np.float32))).numpy()


def at_target(outputs):
    return outputs[range(COUNT), TARGETS]


quiet = dict(disable_warnings=True, display_progressbar=False, return_aggregate=False)


def infidelity_values(lowest, grids):
    return [
        between(lowest, streams(cells**2, "infidelity", repeat * len(grids) + place))
        for repeat in range(5) for place, cells in enumerate(grids)]


def infidelity_v5():
    values = infidelity_values(0, [4])
    metric = quantus.Infidelity(
        perturb_baseline="uniform", perturb_patch_sizes=[4], n_perturb_samples=5, normalise=False, **quiet)
    with numbers("uniform", [value[:, cell] for value in values for cell in range(16)]):
        return quantus_scores(metric)


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


def patches():
    """The flat indices of the sixteen patches, row by row."""
    index = np.arange(VALUES).reshape(SHAPE)
    return [index[:, 4 * r : 4 * r + 4, 4 * c : 4 * c + 4].ravel() for r in range(4) for c in range(4)]


def faithfulness_correlation_v6():
    metric = quantus.FaithfulnessCorrelation(
        similarity_func=correlation_pearson, nr_runs=16, subset_size=VALUES // 16, perturb_baseline=0.0, abs=True, **quiet)
    with numbers("choice", [patch for patch in patches() for _ in range(COUNT)]):
        return quantus_scores(metric)


def subset(image, draw):
    numbers = np.arange(VALUES)
    words = philox.words(VALUES // 12, SEED, "faithfulness-correlation", image=image, draw=draw)
    for place, word in enumerate(words):
        other = place + ((VALUES - place) * int(word) >> 32)
        numbers[place], numbers[other] = numbers[other], numbers[place]
    return numbers[: VALUES // 12]


def faithfulness_correlation_v5():
    metric = quantus.FaithfulnessCorrelation(
        similarity_func=correlation_pearson, nr_runs=100, subset_size=VALUES // 12, perturb_baseline="black", abs=False,
        **quiet)
    with numbers("choice", [subset(image, draw) for draw in range(100) for image in INDICES]):
        return quantus_scores(metric)


def faithfulness_estimate(baseline, magnitudes):
    metric = quantus.FaithfulnessEstimate(
        similarity_func=correlation_pearson, features_in_step=VALUES // 48, perturb_baseline=baseline, abs=magnitudes, **quiet)
    return quantus_scores(metric)


def monotonicity(steps, lowest):
    metric = quantus.MonotonicityCorrelation(
        similarity_func=correlation_spearman, nr_samples=10, features_in_step=VALUES // steps, perturb_baseline="uniform",
        abs=True, **quiet)
    draws = [between(lowest, streams(10, "monotonicity-correlation", step)) for step in range(steps)]
    with numbers("uniform", [draw[:, sample] for draw in draws for sample in range(10)]):
        return quantus_scores(metric, softmax=True)


def sensitivity(metric):
    noise = [
        np.float32(0.04) * streams(VALUES, "sensitivity", draw) + np.float32(-0.02) for draw in range(10)]
    with numbers("uniform", noise):
        return quantus_scores(metric(nr_samples=10, lower_bound=0.02, **quiet), explain(model, x, TARGETS))


def random_logit():
    drawn = np.array([philox.integers(CLASSES - 1, 1, SEED, "random-logit", image=i)[0] for i in INDICES])
    metric = quantus.RandomLogit(similarity_func=correlation_pearson, num_classes=CLASSES, **quiet)
    with numbers("randint", [drawn]):
        return quantus_scores(metric, explain(model, x, TARGETS))


def mosaic(i, quadrants):
    tiles = torch.nn.functional.interpolate(
        torch.tensor(x).double(), size=(SIZE // 2, SIZE // 2), mode="bilinear", antialias=True, align_corners=False).numpy()
    others = iter([(i + 1) % COUNT, (i + 2) % COUNT])
    four = [tiles[i] if own else tiles[next(others)] for own in quadrants]
    return np.concatenate([np.concatenate(four[:2], 2), np.concatenate(four[2:], 2)], 1).astype(np.float32)


def focus():
    quadrants = [[i % 2 == 0, i % 2 == 1, i % 2 == 1, i % 2 == 0] for i in range(COUNT)]
    mosaics = np.stack([mosaic(i, q) for i, q in enumerate(quadrants)])
    relevance = mosaics * explain(model, mosaics, TARGETS)
    return np.asarray(quantus.Focus(**quiet)(
        model=model, x_batch=mosaics, y_batch=TARGETS, a_batch=relevance, custom_batch=np.array(quadrants),
        channel_first=True))


def sparseness(batch):
    metric = quantus.Sparseness(**quiet)
    call = lambda rows: metric(model=model, x_batch=x[rows], y_batch=TARGETS[rows], a_batch=a[rows] * scale[rows])
    # Images whose maps differ a thousandfold in scale: the batch's maximum makes the small ones look sparse or not.
    scale = np.array([1e-3, 1, 1e-4, 1]).reshape(-1, 1, 1, 1)
    if batch:
        return np.asarray(call(slice(None)))
    return np.concatenate([call(slice(i, i + 1)) for i in range(COUNT)])


def pixel_flipping():
    return quantus_scores(quantus.PixelFlipping(
        features_in_step=VALUES // 48, perturb_baseline="black", return_auc_per_sample=True, abs=False, normalise=False,
        **quiet))


def region_perturbation():
    metric = quantus.RegionPerturbation(
        patch_size=4, regions_evaluation=10, perturb_baseline="black", order="morf", normalise=False, **quiet)
    curves = quantus_scores(metric)
    return np.array([quantus.helpers.utils.calculate_auc(curve) for curve in curves])


def randomised(order):
    """The networks whose layers are made random one by one from the top, or alone."""
    state = {name: value.clone() for name, value in model.inner.state_dict().items()}
    for layer in ["fc", "conv1", "conv0"]:
        changed = attribution.ConvNet().double().eval()
        changed.load_state_dict(state)
        weight = changed.get_submodule(layer).weight
        bound = np.float32(1) / np.sqrt(np.float32(np.prod(weight.shape[1:])))
        for name in ["weight", "bias"]:
            parameter = getattr(changed.get_submodule(layer), name)
            u = philox.uniforms(parameter.numel(), SEED, f"randomisation/{layer}.{name}")
            with torch.no_grad():
                parameter.copy_(torch.tensor(bound * (2 * u - 1)).reshape(parameter.shape))
        if order == "top_down":
            state = changed.state_dict()
        yield layer, Double(changed).eval()


def randomisation(order, similarity):
    """Quantus's test with our random networks; the structural similarity compares planes, not flat vectors."""
    maps = explain(model, x, TARGETS)
    if similarity is ssim:
        means = lambda values: values.mean(1)
        return np.mean([
            ssim(means(maps), means(explain(changed, x, TARGETS)), batched=True) for _, changed in randomised(order)], 0)
    metric = quantus.MPRT(similarity_func=similarity, layer_order=order, abs=False, return_average_correlation=False, **quiet)
    with mock.patch.object(PyTorchModel, "get_random_layer_generator", lambda self, order, seed: randomised(order)):
        scores = metric(
            model=model, x_batch=x, y_batch=TARGETS, a_batch=maps, explain_func=explain, channel_first=True)
    return np.mean([scores[layer] for layer in ["fc", "conv1", "conv0"]], 0)


def mask(i):
    """A rectangle per image."""
    plane = np.zeros((1, SIZE, SIZE))
    plane[:, 3 + i : 11 + i, 2 : 9 + i] = 1
    return plane


MASKS = np.stack([mask(i) for i in range(COUNT)])


def localisation(metric):
    return np.asarray(metric(abs=True, **quiet)(
        model=model, x_batch=x[:, :1], y_batch=TARGETS, a_batch=a.mean(1, keepdims=True), s_batch=MASKS,
        channel_first=True)).astype(np.float64)


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


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    consistency, pooled = counterfactual()
    scores = {
        "infidelity/v5": infidelity_v5(),
        "infidelity/v6": infidelity_v6(),
        "faithfulness-correlation/v5": faithfulness_correlation_v5(),
        "faithfulness-correlation/v6": faithfulness_correlation_v6(),
        "faithfulness-estimate/v5": faithfulness_estimate("black", False),
        "faithfulness-estimate/v6": faithfulness_estimate(0.0, True),
        "monotonicity-correlation/v5": monotonicity(12, 0),
        "monotonicity-correlation/v6": monotonicity(48, -1),
        "max-sensitivity": sensitivity(quantus.MaxSensitivity),
        "average-sensitivity": sensitivity(quantus.AvgSensitivity),
        "random-logit": random_logit(),
        "focus": focus(),
        "sparseness": sparseness(batch=False),
        "sparseness of a batch": sparseness(batch=True),
        "pixel-flipping": pixel_flipping(),
        "region-perturbation": region_perturbation(),
        "insertion": insertion_deletion("insertion"),
        "deletion": insertion_deletion("deletion"),
        "pointing-game": localisation(quantus.PointingGame),
        "mass-accuracy": localisation(quantus.RelevanceMassAccuracy),
        "rank-accuracy": localisation(quantus.RelevanceRankAccuracy),
        "energy-object": energy("object"),
        "energy-diagnostic": energy("diagnostic"),
        "counterfactual-consistency": consistency,
    }
    for name, order in [("cascading", "top_down"), ("independent", "independent")]:
        for similarity in [correlation_spearman, correlation_pearson, ssim]:
            key = f"{name}-randomisation-{similarity.__name__.split('_')[-1]}"
            scores[key] = randomisation(order, similarity)
    result = {key: [float(v) for v in value] for key, value in scores.items()}
    result["counterfactual-consistency pooled"] = [float(pooled)]
    result["bootstrap"] = bootstrap()
    for key, value in result.items():
        print(key, value)
    FIXTURE.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
