"""Networks that `pullbacks export` writes, against onnxruntime: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. Usage:

    onnx_export.py PULLBACKS [NAME | NAME=FILE.pth | FILE.pth ...] [--csv FILE]

For each of the networks of the scenes, or those that are named, exports it, checks it by `onnx.checker`, computes the
logits of five random inputs by `pullbacks predict` and by onnxruntime, and prints the largest difference over the largest
value, for a batch of five and for each input alone. With --csv the larger of both goes into a file, for figure 14:

    onnx_export.py .build/debug/pullbacks vgg-scenes resnet-scenes pvt-scenes \\
      efficientnet-lite0=.cache/imagenet/efficientnet-lite0-57934424.pth ... --csv Experiments/fig14/onnxruntime.csv
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

arguments = sys.argv[1:]
table = None
if "--csv" in arguments:
    place = arguments.index("--csv")
    table = pathlib.Path(arguments[place + 1])
    del arguments[place : place + 2]
pullbacks, names = str(pathlib.Path(arguments[0]).resolve()), arguments[1:] or ["vgg-scenes", "resnet-scenes", "pvt-scenes"]
# What an earlier run has measured of other networks stays.
rows = dict(line.split(",") for line in table.read_text().split()[1:]) if table and table.exists() else {}
for name in names:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        name, _, file = name.partition("=")
        if not file and pathlib.Path(name).exists():
            file = name
        model = ["--checkpoint", str(pathlib.Path(file).resolve())] if file else ["--model", name]
        if file and file != name:
            model += ["--model", name]

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
        batch, alone = (float(abs(found - y).max() / abs(y).max()) for found in (whole, single))
        print(f"{name}: batch {batch:.2g}, alone {alone:.2g}")
        rows[name] = f"{max(batch, alone):.2g}"
        if table:
            table.write_text("model,onnxruntime\n" + "".join(f"{key},{value}\n" for key, value in rows.items()))
