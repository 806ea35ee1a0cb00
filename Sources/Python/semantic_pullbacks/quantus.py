"""Explainers for Quantus, the toolkit of metrics (Hedström et al. 2023).

    import quantus, semantic_pullbacks
    from semantic_pullbacks.quantus import explain

    network = semantic_pullbacks.load("model.onnx")       # exported from the torch model that is scored
    scores = quantus.Sparseness()(
        model=model, x_batch=x, y_batch=y, explain_func=explain,
        explain_func_kwargs={"network": network, "method": "soft-pullback"},
    )

Without a model of PyTorch's, `module(network)` stands in its place: metrics that ask for outputs alone take it.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy

from ._errors import UsageError
from ._network import Network


def explain(
    model: Any,
    inputs: Any,
    targets: Any,
    *,
    network: Optional[Network] = None,
    check: bool = True,
    mean_over_channels: bool = False,
    **settings: Any,
) -> numpy.ndarray:
    """The attributions of a batch, as Quantus's `explain_func` returns them.

    Args:
        model: the one that Quantus scores: a model of PyTorch's whose weights `network` has, `module(network)`, or a
            network of `semantic_pullbacks.load` itself.
        inputs: a batch, an array or a tensor (N, *input_shape); what Quantus perturbed in float64 is rounded.
        targets: a class for each input, or one for all; None is the class of each input's largest logit.
        network: the same network as `semantic_pullbacks.load` reads it, where `model` is one of PyTorch's.
        check: whether the outputs of both are compared at the first input, so that other weights, another
            normalisation, or parameters that a metric randomised, are an error and not a wrong score.
        mean_over_channels: whether the maps' channels are averaged, to (N, 1, H, W), as metrics of localisation need.
        **settings: as `Network.explain` takes them: `method`, `temperature`, `smooth_draws`, ... Quantus's own
            `device` is ignored.

    Returns:
        float32 of the shape of `inputs`, or with one channel.
    """
    settings.pop("device", None)
    own = model if isinstance(model, Network) else getattr(model, "semantic_pullbacks_network", None)
    chosen = network if network is not None else own
    if not isinstance(chosen, Network):
        raise UsageError(
            "network: the model's weights are not at hand; save or export the model, load the file by "
            "semantic_pullbacks.load, and give that as explain_func_kwargs={'network': ...}"
        )
    if hasattr(inputs, "detach"):
        inputs = inputs.detach().cpu().numpy()
    x = numpy.asarray(inputs, dtype=numpy.float32)
    if check and own is None:
        _compare(model, chosen, x[:1])
    maps = chosen.explain(x, targets, **settings)
    return maps.mean(axis=1, keepdims=True) if mean_over_channels else maps


def module(network: Network) -> Any:
    """A module of PyTorch's whose outputs are a network's: for metrics that need no gradient of the model."""
    import torch

    class NetworkModule(torch.nn.Module):
        semantic_pullbacks_network = network

        def forward(self, inputs: Any) -> Any:
            outputs = network.predict(inputs.detach().cpu().numpy().astype(numpy.float32, copy=False))
            return torch.from_numpy(outputs).to(inputs.device)

    return NetworkModule().eval()


def _compare(model: Any, network: Network, x: numpy.ndarray) -> None:
    """Raises unless a model of PyTorch's computes what a network does."""
    import torch

    parameter = next(model.parameters(), None)
    with torch.no_grad():
        inputs = torch.from_numpy(x) if parameter is None else torch.from_numpy(x).to(parameter)
        expected = model(inputs).cpu().numpy()
    found = network.predict(x)
    if expected.shape != found.shape:
        raise UsageError(
            f"network: its outputs have the shape {found.shape}, and those of the model {expected.shape}; "
            "hand over the file of this model"
        )
    difference, size = numpy.abs(found - expected).max(), numpy.abs(expected).max()
    if not difference <= 1e-3 * max(size, 1e-3):
        raise UsageError(
            f"network: its outputs differ from the model's by {difference:.3g} of {size:.3g}; hand over the weights "
            "that the model has now, in eval mode, with the same normalisation (normalised=True for a checkpoint)"
        )
