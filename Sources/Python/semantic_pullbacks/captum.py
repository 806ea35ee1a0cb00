"""An explainer with the interface of captum's attribution methods, for code that is written for them.

    from semantic_pullbacks.captum import Pullback

    pullback = Pullback(semantic_pullbacks.load("model.onnx"))
    attributions = pullback.attribute(inputs, target=340)

captum itself is not needed, and neither is PyTorch: arrays of numpy give arrays of numpy.
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy

from ._errors import UsageError
from ._network import Network


class Pullback:
    """An explainer of one network, in the place of `captum.attr.Saliency(model)` and its like.

    Args:
        network: of `semantic_pullbacks.load`; in the place of captum's model.
        method: the name of an explainer, see `semantic_pullbacks.methods()`.
        **settings: as `Network.explain` takes them.
    """

    def __init__(self, network: Network, method: str = "soft-pullback", **settings: Any) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network: expected one of semantic_pullbacks.load, found {type(network).__name__}")
        self.network, self.method, self.settings = network, method, settings

    def attribute(
        self,
        inputs: Any,
        target: Any = None,
        additional_forward_args: Optional[Tuple[Any, ...]] = None,
        **settings: Any,
    ) -> Any:
        """The attribution of each input.

        Args:
            inputs: a tensor of PyTorch's or an array, float32 (N, *input_shape); or a tuple of one.
            target: as captum takes it: a class, one for each input as a list or a tensor, or for outputs of several
                axes a tuple of places or a list of them; and every text that `Network.explain` takes.
            additional_forward_args: must be None; a graph's other inputs are given to `semantic_pullbacks.load`.
            **settings: over those of the explainer.

        Returns:
            The same kind of thing as `inputs`, of the same shape.
        """
        if additional_forward_args is not None:
            raise UsageError(
                "additional_forward_args: expected None; give a graph's other inputs to semantic_pullbacks.load"
            )
        if isinstance(inputs, tuple):
            if len(inputs) != 1:
                raise UsageError(f"inputs: expected one tensor, found a tuple of {len(inputs)}")
            return (self.attribute(inputs[0], target, **settings),)
        maps = self.network.explain(inputs, _target(target), self.method, **{**self.settings, **settings})
        if isinstance(inputs, numpy.ndarray):
            return maps
        import torch

        return torch.from_numpy(maps).to(inputs.device)

    def has_convergence_delta(self) -> bool:
        """Whether `attribute` can return what its sums are short of; it cannot."""
        return False


def _target(target: Any) -> Any:
    """Places of an output of several axes as the index that they are."""
    if isinstance(target, tuple):
        return ",".join(str(int(place)) for place in target)
    if isinstance(target, list):
        return [_target(each) if isinstance(each, tuple) else each for each in target]
    return target
