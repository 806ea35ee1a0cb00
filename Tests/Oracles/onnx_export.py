"""Networks that `pullbacks export` writes, against onnxruntime: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. Usage:

    onnx_export.py PULLBACKS [NAME | FILE.pth ...]

For each of the networks of the scenes, or those that are named, exports it, checks it by `onnx.checker`, computes the
logits of five random inputs by `pullbacks predict` and by onnxruntime, and prints the largest difference over the largest
value, for a batch of five and for each input alone.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

pullbacks, names = sys.argv[1], sys.argv[2:] or ["vgg-scenes", "resnet-scenes", "pvt-scenes"]
for name in names:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = ["--checkpoint", str(pathlib.Path(name).resolve())] if pathlib.Path(name).exists() else ["--model", name]

        def run(*arguments):
            subprocess.run([pullbacks, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        run("export", *model, "--output", "network.onnx")
        onnx.checker.check_model(str(folder / "network.onnx"), full_check=True)
        session = onnxruntime.InferenceSession(str(folder / "network.onnx"))
        shape = session.get_inputs()[0].shape[1:]
        x = np.random.default_rng(7).uniform(-1, 1, (5, *shape)).astype(np.float32)
        np.save(folder / "x.npy", x)
        run("predict", *model, "--input", "x.npy", "--output", "y.npy")
        y = np.load(folder / "y.npy")
        key = session.get_inputs()[0].name
        whole = session.run(None, {key: x})[0]
        single = np.concatenate([session.run(None, {key: x[i : i + 1]})[0] for i in range(5)])
        print(f"{name}: batch {abs(whole - y).max() / abs(y).max():.2g}, alone {abs(single - y).max() / abs(y).max():.2g}")
