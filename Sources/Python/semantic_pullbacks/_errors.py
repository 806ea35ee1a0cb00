"""The errors of the library, as exceptions."""

from __future__ import annotations


class PullbackError(Exception):
    """What went wrong, on one line: what is at fault, what was expected and found, and perhaps what to do."""

    #: The exit code of the command line for the same error, of sysexits.h.
    code: int = 70

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UsageError(PullbackError, ValueError):
    """An argument is wrong: an unknown method or setting, a class that there is not, another shape."""

    code = 64


class DataError(PullbackError, ValueError):
    """A file or an array is malformed: a truncated checkpoint, a NaN, values outside their range."""

    code = 65


class MissingFileError(PullbackError, FileNotFoundError):
    """A file does not exist or cannot be opened, or has not been fetched."""

    code = 66


_BY_CODE = {64: UsageError, 65: DataError, 66: MissingFileError, 69: MissingFileError}


def error(code: int, message: str) -> PullbackError:
    """The exception for a code of the library."""
    made = _BY_CODE.get(code, PullbackError)(message)
    made.code = code
    return made
