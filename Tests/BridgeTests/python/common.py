"""What the tests of the Python package share. BridgeTests.swift runs them; by hand:

SEMANTIC_PULLBACKS_LIBRARY=.build/debug/libSemanticPullbacksBridge.so PULLBACKS=.build/debug/pullbacks \
  PYTHONPATH=Sources/Python python3 -m unittest discover -v Tests/BridgeTests/python
"""
import os
import pathlib
import subprocess
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
# The same kernels in both processes: they decide the last bits of a transformer's maps.
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


def inputs(count, shape=(3, 96, 96)):
    """Smooth pictures in [-1, 1], none like another."""
    axes = numpy.meshgrid(*[numpy.linspace(0, 1, extent, dtype=numpy.float64) for extent in shape], indexing="ij")
    pictures = [
        numpy.sin(2 * numpy.pi * ((2 + k) * axes[-1] + (1 + 2 * k) * axes[-2] * axes[-1] + axes[0] + 0.1 * k))
        for k in range(count)
    ]
    return numpy.stack(pictures).astype(numpy.float32)


def pullbacks(*arguments, folder=None):
    """Runs the command line; what it printed."""
    done = subprocess.run(
        [os.environ["PULLBACKS"], *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"pullbacks {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


class Folder:
    """A temporary folder with arrays in it."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def save(self, name, array):
        numpy.save(self.path(name), array)
        return self.path(name)

    def load(self, name):
        return numpy.load(self.path(name))

    def cleanup(self):
        self._folder.cleanup()


def same(a, b):
    """Whether two arrays have the same shape and the same bytes."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
