"""What is said when something is wrong: one line, of the right kind, and nothing is written."""
import pathlib
import unittest

import numpy
import semantic_pullbacks
from semantic_pullbacks import DataError, MissingFileError, PullbackError, UsageError
from semantic_pullbacks.captum import Pullback
from semantic_pullbacks.quantus import explain as quantus_explain

from common import ROOT, Folder, inputs

SCENES = ROOT / "Sources/Networks/Resources/scenes"


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = semantic_pullbacks.load("vgg-scenes")
        cls.x = inputs(2)

    def expect(self, kind, text, call):
        with self.assertRaises(kind) as caught:
            call()
        message = str(caught.exception)
        self.assertIn(text, message)
        self.assertNotIn("\n", message)
        self.assertNotIn(" --", message)
        return caught.exception

    def test_arrays(self):
        network, x = self.network, self.x
        for call in [network.predict, network.explain]:
            self.expect(TypeError, "x: expected float32, found float64; x.astype(numpy.float32) converts it",
                        lambda: call(x.astype(float)))
            self.expect(TypeError, "x: expected an array of numpy, found list", lambda: call(x.tolist()))
            self.expect(UsageError, "expected the shape (N, 3, 96, 96), found (2, 3, 48, 96)", lambda: call(x[:, :, ::2]))
            self.expect(UsageError, "found (3, 96, 96); x[None] is a batch of one", lambda: call(x[0]))
            self.expect(UsageError, "found (0, 3, 96, 96)", lambda: call(x[:0]))
            self.expect(UsageError, "found ()", lambda: call(numpy.zeros((), numpy.float32)))
            broken = x.copy()
            broken[1, 0, 0, 5] = numpy.nan
            self.expect(DataError, "inputs: holds nan at index 27653, expected finite numbers", lambda: call(broken))
            self.expect(DataError, "range any takes them as they are", lambda: call(3 * x))
            self.expect(TypeError, "out: expected an array of float32, found float64",
                        lambda: call(x, out=numpy.zeros(3)))
            shape = (2, 10) if call == network.predict else x.shape
            fixed, bytes = numpy.zeros(shape, numpy.float32), bytearray(x.nbytes + 1)
            fixed.setflags(write=False)
            for out in [
                numpy.zeros(3, numpy.float32), numpy.zeros((*shape[:-1], 2 * shape[-1]), numpy.float32)[..., ::2], fixed,
                numpy.ndarray(shape, numpy.float32, bytes, 1),
            ]:
                self.expect(UsageError, "out: expected a writeable, aligned array of the shape",
                            lambda: call(x, out=out))

    def test_targets(self):
        explain = lambda target: lambda: self.network.explain(self.x, target)
        self.expect(UsageError, "vgg-scenes has the classes 0 to 9", explain(10))
        self.expect(UsageError, "vgg-scenes has the classes 0 to 9", explain(-1))
        self.expect(UsageError, "target churhc: is neither a class nor a combination", explain("churhc"))
        self.expect(UsageError, "did you mean church?", explain("churhc"))
        self.expect(UsageError, "target 3-3: selects nothing", explain("3-3"))
        self.expect(UsageError, "these are 3 targets", explain("top-3"))
        self.expect(UsageError, "vgg-scenes has 10 classes", explain("top-11"))
        self.expect(UsageError, "expected one, or one for each of 2 inputs, found 3", explain([1, 2, 3]))
        self.expect(UsageError, "expected one, or one for each of 2 inputs, found 0", explain([]))
        self.expect(UsageError, "belong to several nodes", explain(["1", "features.0:2"]))
        self.expect(UsageError, "nowhere", explain("nowhere:0"))
        self.expect(TypeError, "expected a class by number or name, found 1.5", explain(1.5))
        self.expect(TypeError, "found True", explain(True))
        self.expect(UsageError, "without the character 0", explain("3\0"))
        self.expect(UsageError, "target: expected UTF-8", explain("\ud800"))

    def test_settings(self):
        explain = lambda **settings: lambda: self.network.explain(self.x, 3, **settings)
        self.expect(UsageError, "method smothgrad: there is no such method; did you mean smoothgrad?",
                    explain(method="smothgrad"))
        self.expect(TypeError, "method: expected a name, found NoneType", explain(method=None))
        self.expect(UsageError, "setting smooth_drawss: there is none of this name; did you mean smooth_draws?",
                    explain(smooth_drawss=3))
        self.expect(UsageError, "setting smooth.draws: 0 is no value for it", explain(smooth_draws=0))
        self.expect(TypeError, "smooth_draws: expected a number or a text, found list", explain(smooth_draws=[3]))
        # Of what C would cut short nothing is taken.
        self.expect(UsageError, "temperature: expected a text without the character 0", explain(temperature="relu=1\0"))
        self.expect(UsageError, "method: expected a text without the character 0", explain(method="gradient\0"))
        self.expect(UsageError, "method: expected UTF-8", explain(method="\ud800"))
        self.expect(UsageError, "seed -1: expected a whole number from 0", explain(seed=-1))
        self.expect(UsageError, "alpha 0: expected a positive number", explain(alpha=0))
        self.expect(UsageError, "steps 0: expected 1 to 1000000", explain(steps=0))
        self.expect(UsageError, "clip sometimes: expected one of never", explain(clip="sometimes"))
        self.expect(UsageError, "preset paper-v7: expected one of paper-v5", explain(preset="paper-v7"))
        self.expect(UsageError, "max-memory 0: expected a positive number of bytes", explain(max_memory=0))
        self.expect(UsageError, "temperature relu=0: expected a name and a positive number", explain(temperature="relu=0"))
        self.expect(UsageError, "vgg-scenes has no node of this name", explain(temperature={"nowhere": 1}))
        self.expect(UsageError, "spreads calibration: needs a file calibration", explain(spreads="calibration"))
        self.expect(UsageError, "spreads are for relative temperatures", explain(spreads="image"))
        self.expect(TypeError, "temperature: expected a text as 'relative=1.5'", explain(temperature=1.5))
        self.expect(MissingFileError, "nowhere.npy: cannot be opened", explain(baseline="nowhere.npy"))
        self.expect(UsageError, "attention-rollout", explain(method="attention-rollout"))

    def test_nothing_is_written(self):
        out = numpy.full_like(self.x, 7)
        self.expect(UsageError, "classes 0 to 9", lambda: self.network.explain(self.x, 10, out=out))
        self.assertTrue((out == 7).all())

    def test_files(self):
        folder = Folder()
        self.addCleanup(folder.cleanup)
        load = lambda *a, **k: lambda: semantic_pullbacks.load(*a, **k)
        error = self.expect(MissingFileError, "nowhere.pth: cannot be opened", load("nowhere.pth"))
        self.assertIsInstance(error, FileNotFoundError)
        self.assertEqual(error.code, 66)
        self.expect(MissingFileError, "nowhere.onnx: cannot be opened", load("nowhere.onnx"))
        self.expect(PullbackError, "found a folder", load(pathlib.Path(folder.path("."))))
        torn = folder.path("torn.safetensors")
        pathlib.Path(torn).write_bytes((SCENES / "vgg-scenes.safetensors").read_bytes()[:5000])
        self.assertEqual(self.expect(DataError, "torn.safetensors", load(torn)).code, 65)
        noise = folder.path("noise.onnx")
        pathlib.Path(noise).write_bytes(b"\0\1\2\3" * 100)
        self.expect(DataError, "noise.onnx", load(noise))
        checkpoint = SCENES / "vgg-scenes.safetensors"
        self.expect(UsageError, "model resnet51: there is no such architecture", load(checkpoint, architecture="resnet51"))
        self.expect(PullbackError, "resnet50", load(checkpoint, architecture="resnet50"))
        self.expect(UsageError, "option output-name: is no option of a checkpoint", load(checkpoint, output_name="y"))
        self.expect(UsageError, "option key: is about a file", load("vgg-scenes", key="ema"))
        self.expect(UsageError, "name the file of a checkpoint", load("resnet50"))
        self.expect(UsageError, "range wide: expected one of signed, unit, byte, any", load("vgg-scenes", range="wide"))
        self.expect(UsageError, "preprocess sepia: is neither a name nor a .json file", load(checkpoint, preprocess="sepia"))
        graph = ROOT / "Tests/Oracles/fixtures/onnx/mine.onnx"
        self.expect(UsageError, "option model: is no option of an exported graph", load(graph, architecture="vgg11"))
        self.expect(UsageError, "nothing", load(graph, output_name="nothing"))
        self.expect(UsageError, "shape x=1xtwo: expected an input and its extents", load(graph, shapes={"x": [1, "two"]}))
        self.expect(UsageError, "normalised: the network then has no preprocess",
                    load(checkpoint, normalised=True, range="any"))
        self.expect(TypeError, "source: expected a path or a name, found int", load(3))
        self.expect(UsageError, "source: expected UTF-8", load("\udcff.pth"))
        for name in ["inputs", "shapes"]:
            self.expect(TypeError, f"{name}: expected a dictionary by the inputs' names, found list",
                        load(graph, **{name: ["x"]}))
        self.expect(TypeError, "inputs['x']: expected a number or a text", load(graph, inputs={"x": [1]}))
        self.expect(MissingFileError, "cat.jpg: cannot be opened", lambda: self.network.picture("cat.jpg"))
        self.expect(DataError, "expected a PNG, JPEG or WebP",
                    lambda: self.network.picture(folder.save("x.npy", self.x)))

    def test_wrappers(self):
        self.expect(TypeError, "network: expected one of semantic_pullbacks.load, found str", lambda: Pullback("x"))
        pullback = Pullback(self.network)
        self.expect(UsageError, "additional_forward_args: expected None",
                    lambda: pullback.attribute(self.x, 3, additional_forward_args=(1,)))
        self.expect(UsageError, "expected one tensor, found a tuple of 2", lambda: pullback.attribute((self.x, self.x), 3))
        self.expect(UsageError, "network: the model's weights are not at hand",
                    lambda: quantus_explain(object(), self.x, [1, 2]))


if __name__ == "__main__":
    unittest.main()
