"""torchvision, with or without its compiled operations.

torchvision 0.28.0. Importing it registers meta implementations of its operations `nms` and `qnms`, which fails where the
compiled operations do not load; no classifier needs them, so declaring them is enough.
"""
import ctypes
import importlib.util
import pathlib

import torch

try:
    for _folder in importlib.util.find_spec("torchvision").submodule_search_locations:
        for _operations in pathlib.Path(_folder).glob("_C*.so"):
            ctypes.CDLL(str(_operations))
except OSError:
    _library = torch.library.Library("torchvision", "DEF")
    for _name in ["nms", "qnms"]:
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision  # noqa: E402, F401
