"""What the package computes is what the command line writes, byte for byte."""
import pickle
import unittest

import numpy
import semantic_pullbacks

from common import ROOT, Folder, inputs, pullbacks, same

SCENES = ROOT / "Sources/Networks/Resources/scenes"


class Bytes(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.cleanup)
        self.x = inputs(3)
        self.file = self.folder.save("x.npy", self.x)

    def written(self, model, *options):
        pullbacks("attribute", *model, "--input", self.file, "--output", self.folder.path("map.npy"), *options)
        return self.folder.load("map.npy")

    def test_every_network(self):
        for name in ["vgg-scenes", "resnet-scenes", "pvt-scenes"]:
            with self.subTest(name):
                network = semantic_pullbacks.load(name)
                self.assertTrue(same(network.explain(self.x, 3), self.written(["--model", name], "--target", "3")))

    def test_methods_with_settings(self):
        network = semantic_pullbacks.load("vgg-scenes")
        cases = {
            "pullback-ascent": dict(alpha=3, steps=2, clip="every-step"),
            "smooth-pullback": dict(smooth_draws=2, seed=7),
            "integrated-gradients": dict(ig_points=5, ig_weighting="normalised", baseline=-0.5),
            "gradient-ascent": dict(ascent_normalise=False, steps=2),
            "rise": dict(rise_masks=16, rise_cells=3),
            "guided-grad-cam": {},
            "lrp-epsilon-plus": {},
            "deeplift": dict(preset="paper-v6"),
        }
        named = {"seed", "alpha", "steps", "clip", "baseline", "preset"}
        for method, settings in cases.items():
            options = []
            table = []
            for name, value in settings.items():
                text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
                if name in named:
                    options += [f"--{name}", text]
                else:
                    table.append(f"{name.replace('_', '.', 1).replace('_', '-')}={text}")
            options += ["--set", ",".join(table)] if table else []
            with self.subTest(method):
                maps = network.explain(self.x, 8, method, **settings)
                self.assertTrue(
                    same(maps, self.written(["--model", "vgg-scenes"], "--target", "8", "--method", method, *options)))
                self.assertGreater(numpy.abs(maps).max(), 0)

    def test_temperatures(self):
        network = semantic_pullbacks.load("resnet-scenes")
        for temperature in ["released", "relative=1.5", "relu=0.6,layer1.0.relu_1=1", "relative=2,layer1.0.relu_1=1"]:
            with self.subTest(temperature):
                try:
                    maps = network.explain(self.x, 0, temperature=temperature)
                except semantic_pullbacks.UsageError as error:
                    self.fail(error)
                self.assertTrue(
                    same(
                        maps,
                        self.written(
                            ["--model", "resnet-scenes"], "--target", "0", "--temperature", temperature)))
        a = network.explain(self.x, 0, temperature={"relu": 0.6, "maxpool": 0.3})
        self.assertTrue(same(a, network.explain(self.x, 0, temperature="relu=0.6,maxpool=0.3")))
        own = network.explain(self.x, 0, temperature="relative=1", spreads="image")
        self.assertTrue(
            same(own, self.written(
                ["--model", "resnet-scenes"], "--target", "0", "--temperature", "relative=1", "--spreads", "image")))

    def test_arrays_of_any_layout(self):
        network, x = semantic_pullbacks.load("vgg-scenes"), self.x
        expected = network.explain(x, 3)
        shifted = numpy.ndarray(x.shape, numpy.float32, bytearray(x.nbytes + 1), 1)
        shifted[...] = x
        fixed = x.copy()
        fixed.setflags(write=False)
        for each in [
            numpy.asfortranarray(x), numpy.repeat(x, 2, axis=3)[..., ::2], x[:, :, ::-1].copy()[:, :, ::-1], shifted,
            fixed, x.view(numpy.recarray),
        ]:
            self.assertTrue(same(network.explain(each, 3), expected))
        # Maps may lie over their inputs, and over a part of them: here each after its image, one image at a time.
        for start in [0, 1]:
            place = numpy.zeros((4, 3, 96, 96), numpy.float32)
            place[:3] = x
            maps = network.explain(place[:3], 3, out=place[start : start + 3], max_memory=1)
            self.assertTrue(same(maps, expected))

    def test_targets(self):
        network = semantic_pullbacks.load("vgg-scenes")
        model = ["--model", "vgg-scenes"]
        self.assertTrue(same(network.explain(self.x), self.written(model)))
        name = network.labels[4]
        for target in [name, "4-2", "0.5*4+0.5*2", "cross-entropy:4", "top-1", "features.0:2"]:
            with self.subTest(target):
                self.assertTrue(same(network.explain(self.x, target), self.written(model, "--target", target)))
        self.assertTrue(same(network.explain(self.x, name), network.explain(self.x, 4)))
        each = network.explain(self.x, [4, "2", numpy.int64(7)])
        apart = [network.explain(self.x[k : k + 1], target) for k, target in enumerate([4, 2, 7])]
        self.assertTrue(same(each, numpy.concatenate(apart)))
        self.assertTrue(same(each, network.explain(self.x, numpy.array([4, 2, 7]))))

    def test_predictions(self):
        for name in ["resnet-scenes", "pvt-scenes"]:
            network = semantic_pullbacks.load(name)
            pullbacks("predict", "--model", name, "--input", self.file, "--output", self.folder.path("y.npy"))
            self.assertTrue(same(network.predict(self.x), self.folder.load("y.npy")))

    def test_files(self):
        checkpoint = SCENES / "vgg-scenes.safetensors"
        network = semantic_pullbacks.load(checkpoint)
        self.assertEqual(network.name, "vgg-scenes")
        self.assertEqual(network.path, str(checkpoint))
        model = ["--checkpoint", checkpoint]
        self.assertTrue(same(network.explain(self.x, 3), self.written(model, "--target", "3")))
        raw = semantic_pullbacks.load(checkpoint, normalised=True, architecture="vgg-scenes")
        self.x *= 2
        self.file = self.folder.save("x.npy", self.x)
        self.assertTrue(
            same(raw.explain(self.x, 3), self.written(
                model, "--target", "3", "--preprocess", "signed", "--range", "any")))
        graph = self.folder.path("vgg.onnx")
        pullbacks("export", "--model", "vgg-scenes", "--output", graph)
        exported = semantic_pullbacks.load(graph)
        self.assertEqual((exported.input_shape, exported.output_shape), ((3, 96, 96), (10,)))
        self.assertEqual(exported.range, "any")
        self.assertTrue(same(exported.explain(self.x, 3), self.written(["--model", graph], "--target", "3")))

    def test_graph_of_several_inputs_and_axes(self):
        fixtures = ROOT / "Tests/Oracles/fixtures/onnx"
        network = semantic_pullbacks.load(fixtures / "mine.onnx")
        x = inputs(2, network.input_shape)
        self.file = self.folder.save("x.npy", x)
        self.assertTrue(
            same(network.explain(x, 0, "gradient"), self.written(
                ["--model", fixtures / "mine.onnx"], "--target", "0", "--method", "gradient")))

    def test_ranges(self):
        unit = semantic_pullbacks.load("vgg-scenes", range="unit")
        x = (self.x + 1) / 2
        self.file = self.folder.save("x.npy", x)
        self.assertTrue(
            same(unit.explain(x, 3), self.written(["--model", "vgg-scenes"], "--target", "3", "--range", "unit")))

    def test_pictures(self):
        pullbacks("scenes", "--export", self.folder.path("scenes"), "--count", 2)
        self.file = self.folder.path("scenes/00001.png")
        network = semantic_pullbacks.load("resnet-scenes")
        maps = network.explain(network.picture(self.file), 5)
        self.assertTrue(same(maps, self.written(["--model", "resnet-scenes"], "--target", "5")))

    def test_memory_of_the_caller(self):
        network = semantic_pullbacks.load("vgg-scenes")
        maps = network.explain(self.x, 3)
        kept = self.x.copy()
        self.assertTrue(same(self.x, kept))
        # With gaps, reversed and at an odd address.
        self.assertTrue(same(network.explain(self.x[::-1][::-1], 3), maps))
        self.assertTrue(same(network.explain(numpy.repeat(self.x, 2, axis=3)[..., ::2], 3), maps))
        bytes_ = numpy.zeros(self.x.nbytes + 8, numpy.uint8)
        odd = bytes_[4 : 4 + self.x.nbytes].view(numpy.float32).reshape(self.x.shape)
        odd[:] = self.x
        out = numpy.full_like(self.x, numpy.nan)
        self.assertIs(network.explain(odd, 3, out=out), out)
        self.assertTrue(same(out, maps))
        self.assertTrue(same(network.explain(self.x, 3, max_memory=1), maps))

    def test_pickled(self):
        network = semantic_pullbacks.load("vgg-scenes", range="any")
        copy = pickle.loads(pickle.dumps(network))
        self.assertEqual(copy.range, "any")
        self.assertTrue(same(copy.explain(self.x, 3), network.explain(self.x, 3)))

    def test_descriptions(self):
        network = semantic_pullbacks.load("resnet-scenes")
        self.assertEqual(repr(network), "<Network resnet-scenes: (3, 96, 96) to (10,)>")
        self.assertEqual(len(network.labels), 10)
        self.assertEqual(network.temperature, "released")
        self.assertEqual(network.notes, [])
        self.assertRegex(network.sha256, "^[0-9a-f]{64}$")
        names = [method.name for method in semantic_pullbacks.methods()]
        listed = pullbacks("methods")
        self.assertIn("soft-pullback", names)
        for name in names:
            self.assertIn(name, listed)
        self.assertIn("smooth_draws", [setting.name for setting in semantic_pullbacks.settings()])
        self.assertIn("vgg-scenes", semantic_pullbacks.networks())
        self.assertEqual(semantic_pullbacks.__version__, pullbacks("--version").strip())


if __name__ == "__main__":
    unittest.main()
