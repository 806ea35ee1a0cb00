"""A training run's arithmetic by PyTorch in float64: AdamW, a warm-up with cosine schedule, smoothed cross-entropy.

torch 2.13.0, numpy 2.4.6, safetensors 0.8.0. Parameters, gradients and logits by formula (formula.py). Writes
fixtures/optimisation.safetensors, rounded to float32 once, at the end.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

import formula

HERE = pathlib.Path(__file__).parent / "fixtures"
STEPS, WARM_UP, PEAK = 40, 8, 0.02


def tensor(name, shape):
    return torch.from_numpy(formula.image(name, shape)).double()


record = {}
# As the package has it: matrices decay, vectors do not.
matrix = torch.nn.Parameter(tensor("matrix", (5, 7)))
vector = torch.nn.Parameter(tensor("vector", (11,)))
optimiser = torch.optim.AdamW(
    [{"params": [matrix], "weight_decay": 0.3}, {"params": [vector], "weight_decay": 0.0}], lr=PEAK)
schedule = SequentialLR(
    optimiser, [LinearLR(optimiser, start_factor=1 / WARM_UP, total_iters=WARM_UP - 1),
                CosineAnnealingLR(optimiser, T_max=STEPS - WARM_UP)], milestones=[WARM_UP])
rates = []
for step in range(STEPS):
    rates.append(optimiser.param_groups[0]["lr"])
    matrix.grad = tensor(f"matrix gradient {step}", (5, 7))
    # Gradients of very different sizes, so that the division by their root mean square shows.
    vector.grad = tensor(f"vector gradient {step}", (11,)) * 10 ** torch.linspace(-6, 2, 11).double()
    optimiser.step()
    schedule.step()
    if step in (0, 1, STEPS - 1):
        record |= {f"{step}/matrix": matrix.clone(), f"{step}/vector": vector.clone()}
record["rates"] = torch.tensor(rates)

logits = (8 * tensor("logits", (6, 10))).requires_grad_()
labels = torch.tensor([3, 0, 9, 9, 4, 1])
for smoothing in [0.0, 0.1, 0.6]:
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    record |= {f"{smoothing}/loss": loss, f"{smoothing}/cotangent": torch.autograd.grad(loss, logits)[0]}

save_file(
    {k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in record.items()},
    HERE / "optimisation.safetensors")
