"""The shared library, and its functions as semantic_pullbacks.h declares them."""

from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import POINTER, Structure, c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p
from typing import Iterable, Tuple

from ._errors import UsageError, error

_NAME = "libSemanticPullbacksBridge.so"


class Option(Structure):
    """`sp_option`: a setting by name."""

    _fields_ = [("name", c_char_p), ("value", c_char_p)]


def _path() -> pathlib.Path:
    """Beside this file in an installed package; $SEMANTIC_PULLBACKS_LIBRARY says otherwise."""
    named = os.environ.get("SEMANTIC_PULLBACKS_LIBRARY")
    path = pathlib.Path(named) if named else pathlib.Path(__file__).parent / _NAME
    if not path.is_file():
        raise ImportError(
            f"{path}: the shared library is not there; install the wheel that `make wheel` builds, or name the "
            "library in $SEMANTIC_PULLBACKS_LIBRARY"
        )
    return path


# ctypes.CDLL gives the interpreter's lock free for the time of each call.
_library = ctypes.CDLL(str(_path()))
_text = POINTER(c_void_p)  # char **, kept as an address so that it can be freed
_functions = {
    "sp_version": (c_char_p, []),
    "sp_free_text": (None, [c_void_p]),
    "sp_load": (c_int32, [c_char_p, POINTER(Option), c_size_t, POINTER(c_void_p), _text]),
    "sp_free": (None, [c_void_p]),
    "sp_input_shape": (c_size_t, [c_void_p, POINTER(c_int64), c_size_t]),
    "sp_output_shape": (c_size_t, [c_void_p, POINTER(c_int64), c_size_t]),
    "sp_describe": (c_int32, [c_void_p, _text, _text]),
    "sp_list": (c_int32, [_text, _text]),
    "sp_picture": (c_int32, [c_void_p, c_char_p, POINTER(c_float), _text]),
    "sp_predict": (c_int32, [c_void_p, POINTER(c_float), c_size_t, POINTER(c_float), _text]),
    "sp_explain": (
        c_int32,
        [
            c_void_p, POINTER(c_float), c_size_t, POINTER(c_char_p), c_size_t, POINTER(Option), c_size_t,
            POINTER(c_float), _text,
        ],
    ),
}  # fmt: skip
for _name, (_result, _arguments) in _functions.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

free = _library.sp_free


def _taken(place: c_void_p) -> str:
    """The text at a place, which is freed."""
    try:
        return ctypes.string_at(place.value).decode() if place.value else ""
    finally:
        _library.sp_free_text(place)


def call(name: str, *arguments: object) -> None:
    """Calls a function that ends in an error's text; a code other than 0 is raised."""
    message = c_void_p()
    code = getattr(_library, name)(*arguments, ctypes.byref(message))
    if code:
        raise error(code, _taken(message))


def text(name: str, *arguments: object) -> str:
    """What a function of the library writes as a text."""
    place = c_void_p()
    call(name, *arguments, ctypes.byref(place))
    return _taken(place)


def shape(name: str, network: c_void_p) -> Tuple[int, ...]:
    """A shape that a function of the library writes."""
    function = getattr(_library, name)
    extents = (c_int64 * function(network, None, 0))()
    function(network, extents, len(extents))
    return tuple(extents)


def encoded(what: str, text: str) -> bytes:
    """A text as C takes it: of a character 0 the rest would be lost."""
    if "\0" in text:
        raise UsageError(f"{what}: expected a text without the character 0")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what}: expected UTF-8, found {text!r}") from None


def options(given: Iterable[Tuple[str, str]]) -> "ctypes.Array[Option]":
    """Settings as the library takes them."""
    pairs = [Option(encoded(name, name), encoded(name, value)) for name, value in given]
    return (Option * len(pairs))(*pairs)


def version() -> str:
    return _library.sp_version().decode()
