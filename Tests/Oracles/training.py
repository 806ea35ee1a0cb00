"""A training pass of a small network by PyTorch in float64: value, parameter gradients, running statistics.

torch 2.13.0, numpy 2.4.6, safetensors 0.8.0. Weights and images by formula (formula.py). Writes
fixtures/training.safetensors, rounded to float32 once, at the end.
"""
import pathlib

import numpy as np
import torch
import torch.nn as nn
from safetensors.numpy import save_file

import formula

HERE = pathlib.Path(__file__).parent / "fixtures"


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.bn = nn.BatchNorm2d(5)
        self.fc = nn.Linear(5 * 4 * 3, 7, bias=False)
        self.norm = nn.BatchNorm1d(7, eps=1e-3, momentum=0.3)
        self.head = nn.Linear(7, 4)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.bn(self.conv(x))), 2)
        return self.head(torch.relu(self.norm(self.fc(x.flatten(1)))))


network = Network()
parameters = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
weights = {k: torch.from_numpy(formula.parameter(k, v.shape)) for k, v in parameters.items()}
network.load_state_dict(weights, strict=False)
network.double().train()

record = {}
# Two passes, the second from the statistics that the first one left.
for step in [1, 2]:
    network.zero_grad()
    y = network(torch.from_numpy(formula.image(f"batch {step}", (6, 3, 8, 6))).double())
    y.backward(torch.from_numpy(formula.image(f"cotangent {step}", y.shape)).double())
    record[f"{step}/value"] = y
    record |= {f"{step}/gradient.{k}": p.grad.clone() for k, p in network.named_parameters()}
    record |= {f"{step}/{k}": v.clone() for k, v in network.state_dict().items() if "running" in k}

save_file(
    {k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in record.items()},
    HERE / "training.safetensors")
