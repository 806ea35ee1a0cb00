"""The faithfulness metrics of the case of faithfulness_case.py, in float64: Quantus 0.6.0 where Quantus has the metric,
and numpy, written from the definitions, where it has not (faithfulness_twins.py).

quantus 0.6.0, torch 2.13.0, numpy 2.4.6, scipy 1.17.1, scikit-image 0.26.0. Writes fixtures/faithfulness.json: per
metric the scores of four formula images. Quantus draws its random numbers with numpy.random; here those calls are
answered with the named streams of philox.py, the same numbers that the Swift code draws.
"""
import json
import pathlib
import warnings
from unittest import mock

import numpy as np
import quantus
import torch
from quantus.functions.similarity_func import correlation_pearson, correlation_spearman, ssim
from quantus.helpers.model.pytorch_model import PyTorchModel

import attribution
import faithfulness_twins as twins
import philox
from faithfulness_case import *

np.trapz = np.trapezoid  # Quantus 0.6.0 calls it by the name that numpy 2.4 has dropped.
FIXTURE = pathlib.Path(__file__).parent / "fixtures" / "faithfulness.json"
quiet = dict(disable_warnings=True, display_progressbar=False, return_aggregate=False)


def quantus_scores(metric, maps=a, softmax=False, **kwargs):
    scores = metric(
        model=model, x_batch=x, y_batch=TARGETS, a_batch=maps.copy(), softmax=softmax, channel_first=True,
        explain_func=explain, **kwargs)
    return np.asarray(scores, dtype=np.float64)


def infidelity_v5():
    values = twins.infidelity_values(0, [4])
    metric = quantus.Infidelity(
        perturb_baseline="uniform", perturb_patch_sizes=[4], n_perturb_samples=5, normalise=False, **quiet)
    with numbers("uniform", [value[:, cell] for value in values for cell in range(16)]):
        return quantus_scores(metric)


def patches():
    """The flat indices of the sixteen patches, row by row."""
    index = np.arange(VALUES).reshape(SHAPE)
    return [index[:, 4 * r : 4 * r + 4, 4 * c : 4 * c + 4].ravel() for r in range(4) for c in range(4)]


def faithfulness_correlation_v6():
    metric = quantus.FaithfulnessCorrelation(
        similarity_func=correlation_pearson, nr_runs=16, subset_size=VALUES // 16, perturb_baseline=0.0, abs=True,
        **quiet)
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
        similarity_func=correlation_pearson, features_in_step=VALUES // 48, perturb_baseline=baseline, abs=magnitudes,
        **quiet)
    return quantus_scores(metric)


def monotonicity(steps, lowest):
    metric = quantus.MonotonicityCorrelation(
        similarity_func=correlation_spearman, nr_samples=10, features_in_step=VALUES // steps,
        perturb_baseline="uniform", abs=True, **quiet)
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
        torch.tensor(x).double(), size=(SIZE // 2, SIZE // 2), mode="bilinear", antialias=True,
        align_corners=False).numpy()
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


def randomisation(order, similarity, variant=""):
    """Quantus's test with our random networks; the structural similarity compares planes, not flat vectors, and planes
    divided by their largest magnitude where it is scaled, as Quantus normalises attributions."""
    maps = explain(model, x, TARGETS)
    if similarity is ssim:
        def planes(values):
            means = values.mean(1)
            return means / np.abs(means).max((1, 2), keepdims=True) if variant == "scaled-" else means
        return np.mean([
            ssim(planes(maps), planes(explain(changed, x, TARGETS)), batched=True)
            for _, changed in randomised(order)], 0)
    metric = quantus.MPRT(
        similarity_func=similarity, layer_order=order, abs=variant == "absolute-", return_average_correlation=False,
        **quiet)
    with mock.patch.object(PyTorchModel, "get_random_layer_generator", lambda self, order, seed: randomised(order)):
        scores = metric(
            model=model, x_batch=x, y_batch=TARGETS, a_batch=maps, explain_func=explain, channel_first=True)
    return np.mean([scores[layer] for layer in ["fc", "conv1", "conv0"]], 0)


def localisation(metric):
    return np.asarray(metric(abs=True, **quiet)(
        model=model, x_batch=x[:, :1], y_batch=TARGETS, a_batch=a.mean(1, keepdims=True), s_batch=twins.MASKS,
        channel_first=True)).astype(np.float64)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    consistency, pooled = twins.counterfactual()
    scores = {
        "infidelity/v5": infidelity_v5(),
        "infidelity/v6": twins.infidelity_v6(),
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
        "insertion": twins.insertion_deletion("insertion"),
        "deletion": twins.insertion_deletion("deletion"),
        "pointing-game": localisation(quantus.PointingGame),
        "mass-accuracy": localisation(quantus.RelevanceMassAccuracy),
        "rank-accuracy": localisation(quantus.RelevanceRankAccuracy),
        "energy-object": twins.energy("object"),
        "energy-diagnostic": twins.energy("diagnostic"),
        "counterfactual-consistency": consistency,
    }
    for name, order in [("cascading", "top_down"), ("independent", "independent")]:
        for similarity, variant in [
            (correlation_spearman, ""), (correlation_pearson, ""), (ssim, ""), (correlation_spearman, "absolute-"),
            (ssim, "scaled-"),
        ]:
            key = f"{name}-randomisation-{variant}{similarity.__name__.split('_')[-1]}"
            scores[key] = randomisation(order, similarity, variant)
    result = {key: [float(v) for v in value] for key, value in scores.items()}
    result["counterfactual-consistency pooled"] = [float(pooled)]
    result["bootstrap"] = twins.bootstrap()
    for key, value in result.items():
        print(key, value)
    FIXTURE.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
