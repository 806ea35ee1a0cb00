"""What the faithfulness benchmark costs per image: `pullbacks evaluate` beside the same evaluation in PyTorch with
captum's explainers and Quantus's metrics, on the same network, images, processor and number of threads.

Usage: python Benchmarks/faithfulness.py [--images 2] [--threads 2] [--methods a,b] [--metrics a,b]
Needs `make imagenet`, `swift build -c release --product pullbacks`, and quantus 0.6.0, captum 0.9.0, torch 2.13.0,
efficientnet-lite-pytorch 0.1.0. Both sides take the twelve explainers and six metrics of protocol v6 with the
released hyper-parameters. Quantus is given all images as one batch, and noisy images in batches of ten: what favours
it. Scores without random numbers (faithfulness correlation and estimate of the methods that take none) are compared
to show that both sides did the same; explainers.py tells where their differences are from.
"""
import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Tests" / "Oracles"), str(pathlib.Path(__file__).parent)]
CACHE = pathlib.Path(os.environ.get("PULLBACKS_CACHE", ROOT / ".cache")) / "imagenet"
CHECKPOINT = "efficientnet-lite0-*.pth"
METHODS = [
    "soft-pullback", "pullback-ascent", "smooth-pullback", "fusion-pullback", "gradient", "gradient-ascent",
    "smoothgrad", "fusiongrad", "gradient-shap", "integrated-gradients", "deeplift-released", "guided-grad-cam"]
METRICS = [
    "infidelity", "faithfulness-correlation", "faithfulness-estimate", "monotonicity-correlation", "max-sensitivity",
    "random-logit"]
# Those that take no random numbers.
FIXED = ["soft-pullback", "gradient", "integrated-gradients", "deeplift-released"]
FIXED_METRICS = ["faithfulness-correlation", "faithfulness-estimate"]


def photographs(count, folder):
    """Photographs of the tier as squares of 224 pixels in files, which both sides read without resizing."""
    with open(ROOT / "Sources" / "Subjects" / "Resources" / "photographs.csv") as file:
        rows = list(csv.DictReader(file))[:count]
    images = []
    with open(folder / "labels.csv", "w") as labels:
        labels.write("file,class\n")
        for row in sorted(rows, key=lambda row: row["name"]):
            photograph = Image.open(CACHE / "photographs" / f"{row['name']}.png").convert("RGBA")
            ground = Image.new("RGBA", photograph.size, (128, 128, 128, 255))
            square = Image.alpha_composite(ground, photograph).convert("RGB").resize((224, 224), Image.BILINEAR)
            square.save(folder / f"{row['name']}.png")
            labels.write(f"{row['name']}.png,{row['class']}\n")
            images.append((2 * (np.asarray(square, np.float32) / 255) - 1).transpose(2, 0, 1))
    return np.stack(images), np.array([int(row["class"]) for row in sorted(rows, key=lambda row: row["name"])])


def measure_ours(folder, methods, metrics, threads):
    output = folder / "scores"
    command = [
        ROOT / ".build" / "release" / "pullbacks", "evaluate", "--model", "efficientnet-lite0", "--checkpoint",
        next(CACHE.glob(CHECKPOINT)), "--images", folder, "--preprocess", "release", "--preset", "paper-v6",
        "--temperature", "released", "--methods", ",".join(methods), "--metrics", ",".join(metrics), "--output", output]
    start = time.perf_counter()
    # The same processors that PyTorch may use.
    done = subprocess.run(
        ["taskset", "--cpu-list", f"0-{threads - 1}", *command], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    print(next(line for line in done.stdout.splitlines() if line.startswith("passes")))
    with open(output / "scores.csv") as file:
        scores = {(r["explainer"], r["metric"], r["image"]): float(r["score"]) for r in csv.DictReader(file)}
    return seconds, scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--methods", type=lambda text: text.split(","), default=METHODS)
    parser.add_argument("--metrics", type=lambda text: text.split(","), default=METRICS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        x, y = photographs(options.images, folder)
        ours, our_scores = measure_ours(folder, options.methods, options.metrics, options.threads)
        images = sorted(path.name for path in folder.glob("*.png"))
    import quantus_side  # After the other side has run: its imports take seconds and memory.

    start = time.perf_counter()
    scores = quantus_side.evaluate(next(CACHE.glob(CHECKPOINT)), x, y, options.methods, options.metrics)
    theirs = time.perf_counter() - start
    size = f"{len(options.methods)} explainers x {len(options.metrics)} metrics"
    print(f"{size}, {len(x)} images, {options.threads} threads")
    print(f"pullbacks       {ours / len(x):8.1f} s per image")
    print(f"captum, Quantus {theirs / len(x):8.1f} s per image")
    print(f"ratio           {ours / theirs:8.2f}")
    for method in filter(FIXED.__contains__, options.methods):
        for metric in filter(FIXED_METRICS.__contains__, options.metrics):
            difference = max(
                abs(our_scores[method, metric, image] - score) for image, score in zip(images, scores[method, metric]))
            print(f"{metric} of {method}, without random numbers: differ by at most {difference:.1e}")
