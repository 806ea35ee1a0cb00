"""Networks: loading them, what they predict, and explanations."""

from __future__ import annotations

import ctypes
import difflib
import functools
import json
import os
import weakref
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from . import _library
from ._errors import UsageError

#: What is explained in an input: a class by number or name, or any text that `--target` takes.
Target = Union[int, str]
Targets = Union[None, Target, Sequence[Target], "numpy.ndarray[Any, Any]"]
Array = "numpy.ndarray[Any, numpy.dtype[numpy.float32]]"


class Method(NamedTuple):
    """An explainer."""

    name: str
    #: What is computed.
    formula: str
    #: Where it comes from.
    source: str
    #: What to know before its maps are read or compared, if there is something.
    caveat: Optional[str]
    #: Whether it has the soft rules, and so a temperature.
    uses_temperature: bool


class Setting(NamedTuple):
    """A setting of explainers."""

    #: As `Network.explain` takes it.
    name: str
    meaning: str
    #: Its value where none is given.
    default: str


@functools.lru_cache(maxsize=None)
def _offer() -> Dict[str, Any]:
    return json.loads(_library.text("sp_list"))


def version() -> str:
    """The version of the library."""
    return _library.version()


def methods() -> List[Method]:
    """Every explainer."""
    return [
        Method(each["name"], each["formula"], each["source"], each.get("caveat"), each["usesTemperature"])
        for each in _offer()["methods"]
    ]


def settings() -> List[Setting]:
    """Every setting of explainers, beside those that `Network.explain` describes."""
    return [Setting(_keyword(each["name"]), each["meaning"], each["value"]) for each in _offer()["settings"]]


def networks() -> List[str]:
    """The networks that `load` knows by name: they come with the package, or were fetched."""
    return list(_offer()["networks"])


def load(
    source: Union[str, "os.PathLike[str]"],
    *,
    normalised: bool = False,
    architecture: Optional[str] = None,
    key: Optional[str] = None,
    allow_leftover: Sequence[str] = (),
    explain: Optional[str] = None,
    inputs: Optional[Mapping[str, str]] = None,
    output_name: Optional[str] = None,
    shapes: Optional[Mapping[str, Sequence[int]]] = None,
    labels: Optional[str] = None,
    preprocess: Optional[str] = None,
    range: Optional[str] = None,
) -> "Network":
    """Load a network.

    A checkpoint's architecture is recognised by its tensors. Its network begins with the normalisation that it was
    trained with, so that inputs are pictures in [-1, 1] and attributions are at the picture. An exported graph (.onnx)
    takes what the exported model took.

    Args:
        source: a checkpoint (.pth, .pt, .safetensors), an exported graph (.onnx), or one of `networks()`.
        normalised: whether inputs of a checkpoint are normalised already, as PyTorch's model takes them, whatever
            their range.
        architecture: of a checkpoint, where its tensors leave it open: "resnet50".
        key: of several networks in a checkpoint, this one: the key of its state dict.
        allow_leftover: tensors that the network need not use: ["criterion.*"].
        explain: of a graph of several inputs, the one that is explained.
        inputs: the .npy files of its other inputs by name, each with a batch of one.
        output_name: of a graph, the output that is explained, or any value within; else the first output.
        shapes: of a graph's inputs by name, batch axis included, where the file leaves them open.
        labels: a file of the classes' names: a text of one a line, JSON, or CSV.
        preprocess: the first layer, which normalises pictures in [-1, 1]: "imagenet", "signed", "unit", or a .json file
            of mean and std. Of a graph: it then takes pictures.
        range: of the values that inputs come in: "signed" for [-1, 1], "unit" for [0, 1], "byte" for [0, 255], or "any"
            to take them as they are. Of an exported graph "any" is the default, of pictures "signed".

    Raises:
        MissingFileError: there is no such file.
        DataError: the file is malformed, or its tensors are no architecture's.
        UsageError: an argument is wrong or does not fit the file.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source: expected a path or a name, found {type(source).__name__}")
    if normalised:
        if preprocess is not None or range is not None:
            raise UsageError("normalised: the network then has no preprocess and no range; leave them out")
        if not os.fspath(source).lower().endswith(".onnx"):
            preprocess, range = "signed", "any"
    given: List[Tuple[str, str]] = [
        (name, _value(name, value))
        for name, value in [
            ("model", architecture), ("key", key), ("explain", explain), ("output-name", output_name),
            ("labels", labels), ("preprocess", preprocess), ("range", range),
        ]
        if value is not None
    ]  # fmt: skip
    for name, table in [("inputs", inputs), ("shapes", shapes)]:
        if table is not None and not isinstance(table, Mapping):
            raise TypeError(f"{name}: expected a dictionary by the inputs' names, found {type(table).__name__}")
    if isinstance(allow_leftover, str):
        allow_leftover = [allow_leftover]
    given += [("allow-leftover", _value("allow_leftover", pattern)) for pattern in allow_leftover]
    given += [("input", f"{name}={_value(f'inputs[{name!r}]', path)}") for name, path in (inputs or {}).items()]
    given += [("shape", f"{name}={'x'.join(map(str, extents))}") for name, extents in (shapes or {}).items()]
    return Network(os.fspath(source), given)


class Network:
    """A network with its parameters; `load` makes one. It never changes, and threads may share it.

    Attributes of an instance: `name`, `title`, `path`, `sha256`, `input_shape`, `output_shape`, `labels`, `notes`,
    `temperature` and `range`. It can be pickled: then its file is read again where it arrives.
    """

    def __init__(self, source: str, options: Sequence[Tuple[str, str]] = ()) -> None:
        self._made_of = (source, list(options))
        place = ctypes.c_void_p()
        given = _library.options(options)
        _library.call("sp_load", _library.encoded("source", source), given, len(given), ctypes.byref(place))
        self._handle = place
        # Freed with the last reference: a call that runs on another thread holds one.
        self._finalizer = weakref.finalize(self, _library.free, place)
        self._finalizer.atexit = False
        #: Of one input without the batch axis, (C, H, W) for pictures.
        self.input_shape = _library.shape("sp_input_shape", place)
        #: Of one output without the batch axis, (classes,) for a classifier.
        self.output_shape = _library.shape("sp_output_shape", place)

    def __reduce__(self) -> Tuple[Any, ...]:
        return Network, self._made_of

    def __repr__(self) -> str:
        return f"<Network {self.name}: {self.input_shape} to {self.output_shape}>"

    @functools.cached_property
    def _facts(self) -> Dict[str, Any]:
        return json.loads(_library.text("sp_describe", self._handle))

    @property
    def name(self) -> str:
        """The architecture's name, or that of the file."""
        return self._facts["name"]

    @property
    def title(self) -> str:
        """The name for people."""
        return self._facts["title"]

    @property
    def path(self) -> str:
        """The file that the parameters are from."""
        return self._facts["path"]

    @property
    def sha256(self) -> str:
        """That file's SHA-256, as it was when it was read."""
        return self._facts["sha256"]

    @property
    def labels(self) -> Optional[List[str]]:
        """The names of the classes in the order of the logits; None where they are not known."""
        return self._facts.get("labels")

    @property
    def notes(self) -> List[str]:
        """What was assumed when the file was read, in sentences."""
        return self._facts["notes"]

    @property
    def temperature(self) -> str:
        """What soft rules take where no temperature is named."""
        return self._facts["temperature"]

    @property
    def range(self) -> str:
        """Of the values that inputs come in: "signed", "unit", "byte" or "any"."""
        return self._facts["range"]

    def picture(self, path: Union[str, "os.PathLike[str]"]) -> Array:
        """A picture as the network's input: decoded, framed and scaled to [-1, 1] as the command line does it.

        Args:
            path: a PNG, JPEG or WebP. Of an exported graph, pictures need a `preprocess` when it is loaded.

        Returns:
            float32 (1, *input_shape).
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path: expected a path, found {type(path).__name__}")
        out = numpy.empty((1, *self.input_shape), numpy.float32)
        _library.call("sp_picture", self._handle, _library.encoded("path", os.fspath(path)), _address(out))
        return out

    def predict(self, x: Array, *, out: Optional[Array] = None) -> Array:
        """The network's outputs: the logits of a classifier.

        Args:
            x: inputs, float32 (N, *input_shape). What is no gapless array is copied first.
            out: where the outputs go, float32 (N, *output_shape); else a new array.

        Returns:
            float32 (N, *output_shape).
        """
        x = self._inputs(x)
        out = _output(out, (len(x), *self.output_shape))
        _library.call("sp_predict", self._handle, _address(x), len(x), _address(out))
        return out

    def explain(
        self,
        x: Array,
        target: Targets = None,
        method: str = "soft-pullback",
        *,
        temperature: Union[None, str, Mapping[str, float]] = None,
        seed: int = 314,
        out: Optional[Array] = None,
        **settings: Any,
    ) -> Array:
        """The attribution of each input: which of its values speak for the target.

        Args:
            x: inputs, float32 (N, *input_shape). What is no gapless array is copied first.
            target: a class by number or name, for all inputs or one for each; None is the class of each input's
                largest logit. A text may also be a contrast ("340-354"), a linear combination ("0.5*340+0.5*354"),
                "cross-entropy:340", a rank ("top-1"), a channel or a neuron of an inner layer ("layer3:12",
                "layer3:12/7/7"), or what numpy's indices select of an output of several axes ("2,8:16,4:20").
            method: the name of an explainer, see `methods()`.
            temperature: of the soft rules: "released" (the paper's), "relative=1.5" (in units of each channel's own
                spread), "relu=0.6,maxpool=0.3", or a dictionary, {"relu": 0.6, "layer4.2.relu": 1.0}. By default
                `Network.temperature`.
            seed: of random methods.
            out: where the attributions go, float32 of the shape of x; else a new array. It may lie over x.
            **settings: `preset` ("general", "paper-v6", "paper-v5"); `alpha`, `steps` and `clip` of ascents;
                `baseline` (a number, or a file); `border`, `spreads` and `calibration` of soft rules; `max_memory`
                (bytes for activations, which changes no result); and all of `settings()`, as smooth_draws=20.

        Returns:
            float32 of the shape of x, signed, in units of the output per unit of the input unless the method says
            otherwise.

        Raises:
            UsageError: another shape, no such class, method or setting, or no value for it.
            DataError: an input is not finite or out of range, or values overflowed on the way.
            TypeError: another dtype, or an argument of another type.
        """
        x = self._inputs(x)
        out = _output(out, x.shape)
        if numpy.may_share_memory(x, out):
            # What is written must not change what is still to be read.
            x = x.copy()
        targets = [_library.encoded("target", each) for each in _targets(target, len(x))]
        if not isinstance(method, str):
            raise TypeError(f"method: expected a name, found {type(method).__name__}")
        given = [("method", method), ("seed", _value("seed", seed))]
        if temperature is not None:
            given.append(("temperature", _temperature(temperature)))
        given += [(_setting(name), _value(name, value)) for name, value in settings.items() if value is not None]
        options = _library.options(given)
        _library.call(
            "sp_explain", self._handle, _address(x), len(x), (ctypes.c_char_p * len(targets))(*targets), len(targets),
            options, len(options), _address(out),
        )  # fmt: skip
        return out

    def _inputs(self, x: Any) -> Array:
        """An array as the library reads it, without a copy where it lies without gaps."""
        if hasattr(x, "detach"):  # a tensor of PyTorch's
            x = x.detach().cpu().numpy()
        if not isinstance(x, numpy.ndarray):
            raise TypeError(f"x: expected an array of numpy, found {type(x).__name__}; numpy.asarray makes one")
        if x.dtype != numpy.float32:
            raise TypeError(f"x: expected float32, found {x.dtype}; x.astype(numpy.float32) converts it")
        if x.shape[1:] != self.input_shape or x.ndim == 0 or len(x) == 0:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            advice = "; x[None] is a batch of one" if x.shape == self.input_shape else ""
            raise UsageError(f"x: expected the shape ({expected}), found {x.shape}{advice}")
        return numpy.require(x, requirements=["C_CONTIGUOUS", "ALIGNED", "ENSUREARRAY"])


# MARK: Between Python and the library


def _address(array: Array) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def _output(out: Optional[Array], shape: Tuple[int, ...]) -> Array:
    if out is None:
        return numpy.empty(shape, numpy.float32)
    if not isinstance(out, numpy.ndarray) or out.dtype != numpy.float32:
        raise TypeError(f"out: expected an array of float32, found {getattr(out, 'dtype', type(out).__name__)}")
    if out.shape != shape or not out.flags.carray:
        raise UsageError(
            f"out: expected a writeable, aligned array of the shape {shape} without gaps, found {out.shape}"
        )
    return out


def _targets(target: Any, count: int) -> List[str]:
    """What is explained: none for the top-1 classes, one for all inputs, or one for each."""
    if target is None:
        return []
    if hasattr(target, "detach"):
        target = target.detach().cpu().numpy()
    if isinstance(target, numpy.ndarray):
        target = target.tolist()
    if not isinstance(target, (list, tuple)):
        return [_target(target)]
    if len(target) not in (1, count):
        raise UsageError(f"target: expected one, or one for each of {count} inputs, found {len(target)}")
    return [_target(each) for each in target]


def _target(target: Any) -> str:
    if isinstance(target, numpy.integer):
        target = int(target)
    if isinstance(target, (bool, numpy.bool_)) or not isinstance(target, (int, str)):
        raise TypeError(f"target: expected a class by number or name, found {target!r}")
    return str(target)


def _temperature(temperature: Any) -> str:
    if isinstance(temperature, str):
        return temperature
    if isinstance(temperature, Mapping):
        return ",".join(f"{name}={_value(name, value)}" for name, value in temperature.items())
    raise TypeError(
        f"temperature: expected a text as 'relative=1.5', or a dictionary as {{'relu': 0.6}}, found {temperature!r}"
    )


#: Settings that the library knows beside those that it lists.
_OTHERS = ["preset", "alpha", "steps", "clip", "baseline", "border", "spreads", "calibration", "max-memory"]


def _keyword(name: str) -> str:
    """`smooth.draws` as a keyword, smooth_draws."""
    return name.replace(".", "_").replace("-", "_")


@functools.lru_cache(maxsize=None)
def _keywords() -> Dict[str, str]:
    names = [each["name"] for each in _offer()["settings"]]
    return {key: name for name in names + _OTHERS for key in (name, _keyword(name))}


def _setting(keyword: str) -> str:
    """The library's name of a setting."""
    known = _keywords()
    if keyword in known:
        return known[keyword]
    keys = sorted({_keyword(name) for name in known.values()})
    near = difflib.get_close_matches(keyword, keys, 1)
    raise UsageError(
        f"setting {keyword}: there is none of this name; "
        + (f"did you mean {near[0]}?" if near else f"there are {', '.join(keys)}")
    )


def _value(name: str, value: Any) -> str:
    if isinstance(value, (bool, numpy.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (numpy.integer, numpy.floating)):
        value = value.item()
    if isinstance(value, (int, float, str, os.PathLike)):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    raise TypeError(f"{name}: expected a number or a text, found {type(value).__name__}")
