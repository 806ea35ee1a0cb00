"""With PyTorch and Quantus: an explainer scored on a model whose weights were handed over. Skipped where either is absent.

torch 2.13.0, quantus 0.6.0.
"""
import csv
import os
import unittest

import numpy
import semantic_pullbacks
from semantic_pullbacks.captum import Pullback
from semantic_pullbacks.quantus import explain, module

from common import ROOT, Folder, pullbacks, same

try:
    import torch
except ImportError:
    torch = None
try:
    numpy.trapz = getattr(numpy, "trapz", numpy.trapezoid)  # Quantus 0.6.0 calls it by the name that numpy 2.4 dropped.
    import quantus
except ImportError:
    quantus = None

COUNT = 6


def vgg():
    """The scenes' VGG in PyTorch's own layers, for inputs in [-1, 1]."""
    nn = torch.nn
    layers, width = [], 3
    for each in [32, "M", 64, "M", 96, 96, "M", 128, 128, "M", 128, 128, "M"]:
        if each == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(width, each, 3, padding=1), nn.BatchNorm2d(each), nn.ReLU()]
            width = each
    classifier = nn.Sequential(
        nn.Linear(9 * 128, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 10))

    class VGG(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.classifier = nn.Sequential(*layers), classifier

        def forward(self, x):
            # ((x + 1) / 2 - 0.5) / 0.25, the normalisation of the scenes.
            return self.classifier(torch.flatten(self.features(2 * x), 1))

    return VGG().eval()


@unittest.skipIf(torch is None, "needs torch")
class Torch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.cleanup)
        pullbacks("export", "--model", "vgg-scenes", "--output", cls.folder.path("vgg.onnx"))
        cls.network = semantic_pullbacks.load("vgg-scenes", range="any")  # perturbed inputs leave [-1, 1]
        cls.model = vgg()
        cls.model.load_state_dict(cls.state())
        pullbacks("scenes", "--export", cls.folder.path("scenes"), "--count", COUNT)
        with open(cls.folder.path("scenes/labels.csv")) as file:
            rows = list(csv.DictReader(file))
        cls.labels = numpy.array([int(row["label"]) for row in rows])
        picture = lambda name: cls.network.picture(cls.folder.path(f"scenes/{name}"))
        cls.x = numpy.concatenate([picture(row["file"]) for row in rows])
        masks = numpy.concatenate([picture(row["file"].replace(".png", "-object.png")) for row in rows])
        cls.masks = masks[:, :1] >= 0

    @classmethod
    def state(cls):
        """The weights of the package's checkpoint, which is a safetensors file."""
        import json

        path = ROOT / "Sources/Networks/Resources/scenes/vgg-scenes.safetensors"
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        state = {}
        for name, entry in json.loads(data[8 : 8 + length]).items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            values = numpy.frombuffer(
                data[8 + length + start : 8 + length + end], {"F32": numpy.float32, "F16": numpy.float16}[entry["dtype"]])
            state[name] = torch.from_numpy(values.reshape(entry["shape"]).astype(numpy.float32))
        for name, tensor in cls.model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                state.setdefault(name, tensor)
        return state

    def test_outputs_and_gradient(self):
        inputs = torch.from_numpy(self.x).requires_grad_()
        outputs = self.model(inputs)
        numpy.testing.assert_allclose(self.network.predict(self.x), outputs.detach().numpy(), rtol=0, atol=1e-4)
        outputs[range(COUNT), self.labels].sum().backward()
        gradient = self.network.explain(self.x, self.labels, "gradient")
        error = numpy.linalg.norm(gradient - inputs.grad.numpy()) / numpy.linalg.norm(gradient)
        self.assertLess(error, 1e-4)

    def test_handed_over_as_checkpoint_and_graph(self):
        path = self.folder.path("handed.pth")
        torch.save(self.model.state_dict(), path)
        expected = self.network.explain(self.x, 1, temperature="released")
        for file in [path, self.folder.path("vgg.onnx")]:
            network = semantic_pullbacks.load(file)
            self.assertTrue(same(network.explain(self.x, 1, temperature="released"), expected), file)

    def test_captum(self):
        inputs = torch.from_numpy(self.x).requires_grad_()
        pullback = Pullback(self.network)
        expected = self.network.explain(self.x, self.labels)
        for target in [torch.from_numpy(self.labels), self.labels.tolist(), [int(each) for each in self.labels]]:
            maps = pullback.attribute(inputs, target=target)
            self.assertIsInstance(maps, torch.Tensor)
            self.assertTrue(same(maps.numpy(), expected))

    def test_other_weights_are_refused(self):
        other = vgg()
        with self.assertRaisesRegex(semantic_pullbacks.UsageError, "its outputs differ from the model's by"):
            explain(other, self.x, self.labels, network=self.network)
        maps = explain(other, self.x, self.labels, network=self.network, check=False)
        self.assertTrue(same(maps, self.network.explain(self.x, self.labels)))

    @unittest.skipIf(quantus is None, "needs quantus")
    def test_quantus_agrees_with_evaluate(self):
        """Three metrics that draw no random numbers, by Quantus of maps that it asks for, and by `evaluate`."""
        quiet = dict(disable_warnings=True, display_progressbar=False, return_aggregate=False)
        metrics = {
            "sparseness": quantus.Sparseness(**quiet),
            "mass-accuracy": quantus.RelevanceMassAccuracy(abs=True, **quiet),
            "rank-accuracy": quantus.RelevanceRankAccuracy(abs=True, **quiet),
        }
        results = self.folder.path("results")
        for method in ["soft-pullback", "gradient"]:
            pullbacks(
                "evaluate", "--networks", "scenes", "--model", "vgg-scenes", "--samples", COUNT, "--methods", method,
                "--metrics", ",".join(metrics), "--output", f"{results}-{method}")
            with open(f"{results}-{method}/scores.csv") as file:
                rows = list(csv.DictReader(file))
            for name, metric in metrics.items():
                with self.subTest(f"{name} of {method}"):
                    # One at a time: Quantus divides by the largest value of a batch, `evaluate` by that of each image.
                    found = [
                        metric(
                            model=self.model, x_batch=self.x[k : k + 1], y_batch=self.labels[k : k + 1],
                            s_batch=self.masks[k : k + 1], explain_func=explain, softmax=False, channel_first=True,
                            explain_func_kwargs={
                                "network": self.network, "method": method, "mean_over_channels": name != "sparseness"})[0]
                        for k in range(COUNT)
                    ]
                    expected = [self.score(row) for row in rows if row["metric"] == name]
                    self.assertEqual(len(expected), COUNT)
                    numpy.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)

    @staticmethod
    def score(row):
        return float(row["score"])

    @unittest.skipIf(quantus is None, "needs quantus")
    def test_examples_of_the_readme(self):
        page = (ROOT / "Sources/Python/README.md").read_text()
        blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
        names = {
            "model": self.model, "network": self.network, "x": self.x[:2], "y": self.labels[:2],
            "inputs": torch.from_numpy(self.x[:2]),
        }
        run = [block for block in blocks if "import quantus" in block or "captum" in block]
        self.assertEqual(len(run), 2)
        for block in run:
            exec(block, names)
        self.assertTrue(numpy.isfinite(names["scores"]).all(), names["scores"])
        self.assertEqual(names["attributions"].shape, (2, 3, 96, 96))

    @unittest.skipIf(quantus is None, "needs quantus")
    def test_quantus_perturbs_and_asks_again(self):
        """Robustness asks for maps of perturbed inputs, faithfulness for outputs; the network itself may be the model."""
        quiet = dict(disable_warnings=True, display_progressbar=False, return_aggregate=False)
        for model, settings in [(self.model, {"network": self.network}), (module(self.network), {})]:
            numpy.random.seed(1)
            sensitivity = quantus.MaxSensitivity(nr_samples=2, lower_bound=0.02, **quiet)(
                model=model, x_batch=self.x[:2], y_batch=self.labels[:2], explain_func=explain, softmax=False,
                channel_first=True, explain_func_kwargs=settings)
            correlation = quantus.FaithfulnessCorrelation(nr_runs=10, subset_size=2000, **quiet)(
                model=model, x_batch=self.x[:2], y_batch=self.labels[:2], explain_func=explain, softmax=False,
                channel_first=True, explain_func_kwargs=settings)
            self.assertTrue(all(0 < each < 100 for each in sensitivity), sensitivity)
            self.assertTrue(all(-1 <= each <= 1 for each in correlation), correlation)


if __name__ == "__main__":
    unittest.main()
