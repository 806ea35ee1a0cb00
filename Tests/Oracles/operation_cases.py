"""Records the cases of operations.py and shapes.py: an operation's value and pullbacks by PyTorch in float64.

torch 2.13.0, numpy 2.4.6, safetensors 0.8.0. Values are rounded to float32 once, at the end; integers stay int64.
"""
import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent / "fixtures"


class OperationCases:
    """The cases of one fixture, and the random numbers that they are drawn from."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)
        self.tensors, self.cases = {}, []

    def draw(self, *shape, scale=1.0):
        # Drawn as float32, so that both sides start from the same numbers.
        return torch.tensor(self.generator.normal(0, scale, shape).astype(np.float32).astype(np.float64))

    def case(self, name, kind, config, inputs, parameters, forward, soft_forward=None, buffers=(), soft_config=None,
             mode="evaluation"):
        """Records one case. forward(inputs, parameters) is differentiated by autograd; soft_forward likewise. Integer
        inputs have no gradient."""
        inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
        parameters = {k: p.clone().requires_grad_(k not in buffers) for k, p in parameters.items()}
        y = forward(inputs, parameters)
        v = self.draw(*y.shape)
        record = {f"input{i}": x for i, x in enumerate(inputs)} | {f"parameter.{k}": p for k, p in parameters.items()}
        record |= {"value": y, "cotangent": v}
        sources = {f"gradient{i}": x for i, x in enumerate(inputs)}
        sources |= {f"parameterGradient.{k}": p for k, p in parameters.items()}
        record |= self.pulled(y, {key: source for key, source in sources.items() if source.requires_grad}, v)
        if soft_forward:
            z = soft_forward(inputs, parameters)
            assert torch.equal(z, y) or torch.allclose(z, y, rtol=1e-12, atol=1e-12), name
            record |= self.pulled(z, {f"soft{i}": x for i, x in enumerate(inputs) if x.requires_grad}, v)
        for key, value in record.items():
            array = value.detach().numpy()
            array = array.astype(np.float32) if value.is_floating_point() else array.astype(np.int64)
            assert f"{name}/{key}" not in self.tensors, name
            self.tensors[f"{name}/{key}"] = np.ascontiguousarray(array)
        self.cases.append(
            {"name": name, "kind": kind, "config": config, "inputs": len(inputs), "parameters": list(parameters),
             "soft": soft_config, "mode": mode})

    @staticmethod
    def pulled(y, sources, v):
        """What reaches each of the named sources; those that y does not depend on are left out."""
        gradients = torch.autograd.grad(y, list(sources.values()), v, allow_unused=True)
        return {key: g for key, g in zip(sources, gradients) if g is not None}

    def save(self, name):
        HERE.mkdir(exist_ok=True)
        save_file(self.tensors, HERE / f"{name}.safetensors")
        (HERE / f"{name}.json").write_text(json.dumps(self.cases, indent=1) + "\n")
        print(len(self.cases), "cases,", sum(t.nbytes for t in self.tensors.values()) // 1024, "KiB")
