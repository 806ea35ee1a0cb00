"""PyTorch's side of the benchmark: the least time of a forward pass, a gradient or a soft pullback of one model.

Usage: torch_side.py MODEL BATCH THREADS CLOCK. Prints "ready", then for every line "PASS SECONDS" on standard input the
least time of a call in seconds, and for "memory PASS" the process's size with the model loaded and its largest after a
call, in bytes; after that it serves no other pass. torchvision's and timm's own models, with weights as they initialise
them; for the soft pullback their modules are replaced by the surrogates of Tests/Oracles/soft_modules.py. The model
minilm is a BERT of transformers of all-MiniLM-L6-v2's size on the embeddings of 128 tokens, without a soft pullback.
"""
import pathlib
import re
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Oracles"))
import soft_modules
import torch_models

name, batch, threads, clock = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
now = time.perf_counter if clock == "wall" else time.process_time
if threads:
    torch.set_num_threads(threads)


class Encoder(torch.nn.Module):
    """Embeddings of tokens to the mean of their vectors."""

    def __init__(self):
        super().__init__()
        import transformers

        self.bert = transformers.BertModel(transformers.BertConfig(
            hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536), add_pooling_layer=False)

    def forward(self, x):
        return self.bert(inputs_embeds=x).last_hidden_state.mean(1)


plain = (Encoder() if name == "minilm" else torch_models.build(name)).eval().requires_grad_(False)
x = torch.randn(batch, 128, 384) * 0.05 if name == "minilm" else torch.rand(batch, 3, 224, 224) * 2 - 1
softened = []
warm = set()


def run(which):
    if which == "forward":
        with torch.no_grad():
            plain(x)
        return
    model = plain
    if which == "soft":
        if not softened:
            softened.append(torch_models.build(name).eval().requires_grad_(False))
            soft_modules.replace_modules(softened[0])
        model = softened[0]
    soft_modules.state.softened = which == "soft"
    image = x.clone().requires_grad_()
    torch.autograd.grad(model(image)[:, 7].sum(), image)


def least(which, seconds):
    """The least time of a call among those that fit into so many seconds, one at least, after a first that is not
    counted."""
    if which not in warm:
        run(which)
        warm.add(which)
    end = time.perf_counter() + seconds
    times = []
    while not times or time.perf_counter() < end:
        start = now()
        run(which)
        times.append(now() - start)
    return min(times)


def size(key):
    """A size of this process in bytes: VmRSS now, VmHWM at most. What getrusage says includes the parent's."""
    return 1024 * int(re.search(rf"{key}:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])


print("ready", flush=True)
for line in sys.stdin:
    request, argument = line.split()
    if request == "memory":
        if argument == "soft":
            soft_modules.replace_modules(plain)
            softened.append(plain)
        loaded = size("VmRSS")
        run(argument)
        print(loaded, size("VmHWM"), flush=True)
    else:
        print(least(request, float(argument)), flush=True)
