"""Language models of transformers with the formula weights of text_networks.py, exported by torch's exporters from the
numbers of the tokens on. torch 2.13.0, transformers 5.24.0, onnx 1.23.2, onnxscript 0.7.2. Writes
fixtures/text-onnx/NAME-EXPORTER.onnx; what they compute is in fixtures/text-networks.safetensors.
"""
import pathlib

from compiled_operations import torchvision  # noqa: F401  Before transformers, which imports torchvision too.

import onnx
import torch
import transformers
from torch import nn

import formula
from text_networks import CASES

# text_networks.py gives torch's ReLU another forward pass; exports have the operator.
nn.ReLU.forward = lambda self, x: nn.functional.relu(x)

HERE = pathlib.Path(__file__).parent / "fixtures" / "text-onnx"
# By torch's older exporter, which cannot write the mask of GPT-2, and by the newer one.
EXPORTERS = {"bert-classes": ["torchscript", "dynamo"], "distilbert-classes": ["torchscript", "dynamo"],
             "roberta-classes": ["torchscript", "dynamo"], "gpt2-next": ["dynamo"], "llama-next": ["dynamo"]}


class Whole(nn.Module):
    """Numbers of tokens in, logits out: those of the last token where a model has them for each."""

    def __init__(self, model, types):
        super().__init__()
        self.model = model
        self.types = types

    def forward(self, ids):
        others = {} if self.types is None else {"token_type_ids": torch.tensor([self.types])}
        logits = self.model(input_ids=ids, **others).logits
        return logits[:, -1] if logits.dim() == 3 else logits


def main():
    HERE.mkdir(exist_ok=True)
    for name, exporters in EXPORTERS.items():
        config, kind, ids, types = CASES[name]
        config._attn_implementation = "eager"
        config.use_cache = False
        model = getattr(transformers, kind)(config).eval()
        with torch.no_grad():
            for key, value in model.state_dict().items():
                # Where the output's embedding is the input's, that one is filled under the input's name.
                if key != "lm_head.weight" or not config.tie_word_embeddings:
                    value.copy_(torch.from_numpy(formula.parameter(key, list(value.shape))))
        whole, x = Whole(model, types).eval(), torch.tensor(ids)
        for exporter in exporters:
            path = HERE / f"{name}-{exporter}.onnx"
            options = dict(input_names=["ids"], output_names=["y"])
            if exporter == "torchscript":
                torch.onnx.export(whole, (x,), str(path), opset_version=17, dynamo=False, **options)
            else:
                torch.onnx.export(whole, (x,), str(path), opset_version=20, dynamo=True, external_data=False,
                                  verbose=False, **options)
            graph = onnx.load(str(path))
            for node in graph.graph.node:
                node.doc_string = ""
                del node.metadata_props[:]
            del graph.graph.value_info[:]
            del graph.metadata_props[:]
            onnx.save(graph, str(path))
            print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
