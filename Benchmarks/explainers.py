"""What twelve explanations of one photograph cost: the whole command `pullbacks attribute` beside captum's explainers
and the definitions in PyTorch, on the same network, processor and number of threads.

Usage: python Benchmarks/explainers.py [--threads 2] [--rounds 3]
Needs what faithfulness.py needs. The time of our side is that of the process, reading and writing files included;
that of the other begins with everything imported and the model loaded, which favours it. The least of some rounds, by
turns. The maps of explainers without random numbers are compared, to show that both sides did the same, and both with
PyTorch's in float64: where both are far from it, a rounding error has led a value to the other side of a kink. Ascents
are not compared, which go on from there.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch

from faithfulness import CACHE, CHECKPOINT, FIXED, METHODS, ROOT, photographs
import quantus_side


def attribute(folder, label, threads):
    """Seconds and maps of our side."""
    output = folder / "maps"
    command = [
        ROOT / ".build" / "release" / "pullbacks", "attribute", "--model", "efficientnet-lite0", "--checkpoint",
        next(CACHE.glob(CHECKPOINT)), "--input", next(folder.glob("*.png")), "--preprocess", "release", "--target",
        str(label), "--preset", "paper-v6", "--temperature", "released", "--method", ",".join(METHODS), "--force",
        "--output", output]
    start = time.perf_counter()
    # The same processors that PyTorch may use.
    subprocess.run(["taskset", "--cpu-list", f"0-{threads - 1}", *command], check=True, capture_output=True)
    seconds = time.perf_counter() - start
    return seconds, {name: np.load(next(output.glob(f"*{name}.npy"))) for name in FIXED}


def explain(model, x, y):
    """Seconds and maps of the other side."""
    start = time.perf_counter()
    maps = {name: quantus_side.EXPLAINERS[name](model, x, y) for name in METHODS}
    return time.perf_counter() - start, {name: maps[name].detach().numpy() for name in FIXED}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        x, y = photographs(1, folder)
        model = quantus_side.load(next(CACHE.glob(CHECKPOINT)))
        ours, theirs = float("inf"), float("inf")
        for _ in range(options.rounds):
            seconds, our_maps = attribute(folder, y[0], options.threads)
            ours = min(ours, seconds)
            seconds, maps = explain(model, torch.as_tensor(x), torch.as_tensor(y))
            theirs = min(theirs, seconds)
    print(f"{len(METHODS)} explainers, one photograph, {options.threads} threads")
    print(f"pullbacks attribute {ours:6.2f} s, the whole process")
    print(f"captum, PyTorch     {theirs:6.2f} s, imported and loaded")
    print(f"ratio               {ours / theirs:6.2f}")
    exact = quantus_side.load(next(CACHE.glob(CHECKPOINT)), torch.float64)
    print("the largest difference of maps, of each other's | ours from float64 | PyTorch's from float64")
    for name in FIXED:
        truth = quantus_side.EXPLAINERS[name](exact, torch.as_tensor(x).double(), torch.as_tensor(y)).detach().numpy()
        pairs = [(our_maps[name], maps[name]), (our_maps[name], truth), (maps[name], truth)]
        print(" | ".join(f"{np.abs(a - b).max() / np.abs(truth).max():.1e}" for a, b in pairs), "|", name)


if __name__ == "__main__":
    main()
