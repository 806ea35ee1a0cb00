"""Operators whose edges documents leave open, as onnxruntime computes them: maps resized by factors that are no fractions of
two, with the proportions kept; reductions over no axis; the larger and the smaller of a number and none; remainders
of floats.

onnx 1.23.2, onnxruntime 1.32.0. Writes fixtures/onnx-runtime.onnx and fixtures/onnx-runtime-10.onnx, of
operator sets 18 and 10, which have an output for each case, and fixtures/onnx-runtime.safetensors: the input x, and the value
of each output.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent / "fixtures"
nodes, constants, names = [], [], []


def constant(name, values, dtype=np.float32):
    constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
    return name


def case(op, name, inputs, **attributes):
    nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
    names.append(name)


NEAREST = [
    ("floor", "asymmetric"), ("ceil", "asymmetric"), ("round_prefer_floor", "half_pixel"), ("round_prefer_ceil", "half_pixel")
]
for scale in [0.6, 0.7, 1 / 3, 1.1, 1.3, 2.3, 3.3]:
    factors = constant(f"scales-{scale:.1f}", [1, 1, scale, scale])
    for rounding, coordinates in NEAREST:
        case("Resize", f"nearest-{rounding}-{scale:.1f}", ["x", "", factors], mode="nearest", nearest_mode=rounding,
             coordinate_transformation_mode=coordinates)
    case("Resize", f"linear-{scale:.1f}", ["x", "", factors], mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    case("Resize", f"cubic-{scale:.1f}", ["x", "", factors], mode="cubic", coordinate_transformation_mode="half_pixel")
for policy in ["not_larger", "not_smaller"]:
    for height, width in [(5, 5), (3, 9), (7, 19)]:
        sizes = constant(f"sizes-{policy}-{height}", [height, width], np.int64)
        case("Resize", f"{policy}-{height}-{width}", ["x", "", "", sizes], mode="linear", axes=[2, 3],
             keep_aspect_ratio_policy=policy)
for op in ["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMean", "ReduceLogSumExp"]:
    case(op, op, ["x"], noop_with_empty_axes=1)
nodes.append(helper.make_node("Log", ["x"], ["log"], name="log"))
case("ReduceLogSum", "ReduceLogSum", ["x"], noop_with_empty_axes=1)
half = constant("half", 0.5)
for op in ["Max", "Min"]:
    case(op, f"{op}-number-first", [half, "log"])
    case(op, f"{op}-number-last", ["log", half])
nodes.extend([
    helper.make_node("Mul", ["x", constant("ten", 10)], ["tens"], name="tens"),
    helper.make_node("Round", ["tens"], ["whole"], name="whole")])
case("Mod", "remainder", ["whole", constant("divisor", 1.1)], fmod=1)

graph = helper.make_graph(
    nodes, "edges", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 1, 10, 15])],
    [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names], constants)
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
onnx.save(model, HERE / "onnx-runtime.onnx")
onnxruntime.set_default_logger_severity(4)


def run(file):
    session = onnxruntime.InferenceSession(HERE / file, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, {"x": x})))


x = np.random.default_rng(0).standard_normal((1, 1, 10, 15)).astype(np.float32)
values = run("onnx-runtime.onnx")

# Before operator set 11 the rounding is not stated.
nodes, constants, names = [], [], []
for height, width in [(0.3, 0.5), (1.3, 0.7), (0.6, 2), (1.1, 2.3)]:
    for mode in ["nearest", "linear"]:
        case("Resize", f"old-{mode}-{height}-{width}", ["x", constant(f"{mode}-{height}", [1, 1, height, width])], mode=mode)
graph = helper.make_graph(
    nodes, "edges", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 1, 10, 15])],
    [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names], constants)
onnx.save(helper.make_model(graph, ir_version=5, opset_imports=[helper.make_opsetid("", 10)]), HERE / "onnx-runtime-10.onnx")
values |= run("onnx-runtime-10.onnx")
save_file({"x": x} | {name: np.ascontiguousarray(value) for name, value in values.items()}, HERE / "onnx-runtime.safetensors")
print(len(values), onnxruntime.__version__, onnx.__version__)
