"""Explain what a neural network saw, by semantic pullbacks (arXiv 2507.22832).

    import numpy, semantic_pullbacks

    network = semantic_pullbacks.load("resnet50.pth")     # or a .safetensors, an .onnx, "resnet-scenes"
    x = network.picture("cat.jpg")                        # float32 (1, C, H, W) in [-1, 1], or any array like it
    logits = network.predict(x)
    maps = network.explain(x, 340)                        # the soft pullback of class 340, of the shape of x
    maps = network.explain(x, "zebra", method="smoothgrad", smooth_draws=20)

The computation is that of the command line `pullbacks attribute`, byte for byte, without PyTorch. Arrays are read where
they lie and the interpreter's lock is free during a call, so that several threads explain at once.

    semantic_pullbacks.methods()      every explainer, with its formula and source
    semantic_pullbacks.settings()     every setting that explain takes, with its meaning and default
    semantic_pullbacks.quantus        an explain_func for Quantus
    semantic_pullbacks.captum         a class with captum's attribute(inputs, target=...)

What goes wrong is a `PullbackError` that says what was expected, what was found and what to do. Its subclasses are
Python's own errors, too: `UsageError` and `DataError` are each a ValueError, `MissingFileError` is a
FileNotFoundError. What is no array, text or number where one is expected is a TypeError.
"""

from ._errors import DataError, MissingFileError, PullbackError, UsageError
from ._network import Method, Network, Setting, load, methods, networks, settings, version

__version__ = version()

# Tracebacks and help name them as their users do.
for _each in (DataError, Method, MissingFileError, Network, PullbackError, Setting, UsageError):
    _each.__module__ = __name__

__all__ = [
    "DataError",
    "Method",
    "MissingFileError",
    "Network",
    "PullbackError",
    "Setting",
    "UsageError",
    "load",
    "methods",
    "networks",
    "settings",
]
