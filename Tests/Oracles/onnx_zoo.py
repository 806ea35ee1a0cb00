"""Graphs exported by both of torch's exporters, with seeded weights, and what PyTorch computes in float64.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31, transformers 5.24.0, onnx 1.23.2, onnxscript 0.7.2. Usage:

    onnx_zoo.py FOLDER [NAME...] [--exporter torchscript|dynamo]

For each network writes FOLDER/NAME-EXPORTER-OPSET.onnx, and beside it a .safetensors of the same name: `input/...` for
every input, the value, a selector on it, and the gradient of <selector, value> with respect to the first input, or to the
embedding of tokens. Pairs that are there already are kept, so that a run that was interrupted goes on where it was.

Where rounding decides a ReLU or a maximum, a gradient in float32 differs from that in float64 by more than rounding. So the
inputs are drawn from up to eight seeds, until PyTorch's own gradients in float32, of the model and of two copies whose weights
are changed by as much as rounding, are within 1e-5 of that in float64; the nearest are taken, and `float32` says how near
that of the model is.

The files are large and are not committed; `onnxcheck zoo` compares them and writes the table that is.
"""
import argparse
import copy
import pathlib
import sys
import time

import torch
from safetensors.torch import save_file

import onnx_models


def numbers(model, samples, names):
    """Inputs, the value in float64, a selector on it, and the gradient; and how far PyTorch's own gradient in float32 is
    off."""
    least, best = float("inf"), None
    for seed in range(8):
        arguments = samples(seed)
        result = pulled(model.double(), [a.double() if a.is_floating_point() else a for a in arguments])
        off = [
            (pulled(near, arguments)["gradient"] - result["gradient"]).abs().max() / result["gradient"].abs().max()
            for near in (model.float(), rounded(model, 1), rounded(model, 2))]
        if max(off) < least:
            least = max(off)
            best = result | {"float32": off[0]} | {f"input/{name}": a for name, a in zip(names, arguments)}
        if least < 1e-5:
            break
    return {name: tensor.detach().float().contiguous() for name, tensor in best.items()}


def rounded(model, seed):
    """A copy whose weights differ by up to 2^-19 of each, which moves sums by about as much as rounding in another order."""
    generator = torch.Generator().manual_seed(seed)
    near = copy.deepcopy(model)
    with torch.no_grad():
        for weight in [*near.parameters(), *near.buffers()]:
            if weight.is_floating_point():
                weight *= 1 + 2**-19 * (2 * torch.rand(weight.shape, generator=generator) - 1)
    return near


def pulled(model, arguments):
    arguments = [a.detach().clone() for a in arguments]
    first = arguments[0]
    kept = []
    if first.is_floating_point():
        first.requires_grad_()
    else:
        # The gradient arrives at the vectors that the ids are looked up as.
        embedding = next(m for m in model.modules() if isinstance(m, torch.nn.Embedding))

        def keep(module, given, value):
            value.retain_grad()
            kept.append(value)

        handle = embedding.register_forward_hook(keep)
    value = model(*arguments)
    generator = torch.Generator().manual_seed(7)
    selector = torch.zeros_like(value).flatten(1)
    selector[:, torch.randint(selector.shape[1], [3], generator=generator)] = 1
    selector = selector.reshape(value.shape)
    (value * selector).sum().backward()
    gradient = first.grad if first.is_floating_point() else kept[0].grad
    if not first.is_floating_point():
        handle.remove()
    return {"value": value, "selector": selector, "gradient": gradient}


def export(model, arguments, names, path, exporter, opset):
    axes = {name: {0: "batch"} for name in names}
    if exporter == "torchscript":
        torch.onnx.export(
            model, tuple(arguments), path, input_names=names, output_names=["output"], dynamic_axes=axes,
            opset_version=opset, dynamo=False)
    else:
        batch = torch.export.Dim("batch", min=1, max=64)
        shapes = tuple({0: batch} for _ in names)
        if isinstance(model, onnx_models.Wrapped):
            shapes = (shapes,)
        torch.onnx.export(
            model, tuple(arguments), path, input_names=names, output_names=["output"], dynamic_shapes=shapes,
            opset_version=opset, dynamo=True, external_data=False, verbose=False)


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--exporter")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for exporter, opset in (("torchscript", 17), ("dynamo", 20)):
        if options.exporter and exporter != options.exporter:
            continue
        for name in options.names or onnx_models.ALL:
            make(options.folder / f"{name}-{exporter}-{opset}", name, exporter, opset)


def make(stem, name, exporter, opset):
    graph, reference = (stem.with_name(f"{stem.name}.{kind}") for kind in ("onnx", "safetensors"))
    if reference.exists():
        return
    start = time.time()
    try:
        model, names, samples = onnx_models.build(name)
        # Two images: an exporter takes an extent of 1 for a fixed one.
        export(model, samples(0), names, str(graph), exporter, opset)
        save_file(numbers(model, samples, names), str(reference))
        print(stem.name, f"{time.time() - start:.0f} s", flush=True)
    except Exception as error:
        print(stem.name, "NOT EXPORTED:", type(error).__name__, str(error).split("\n")[0][:200], flush=True)


if __name__ == "__main__":
    sys.exit(main())
