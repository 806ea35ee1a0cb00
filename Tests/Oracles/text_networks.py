"""Language models of transformers with formula weights: value, gradient, hard and soft pullback to the embeddings of
the tokens, in float64. torch 2.13.0, transformers 5.24.0, safetensors 0.8.0, numpy 2.4.6.

Every activation, norm and attention is replaced by a module whose backward pass is the one that is asked for. Writes
fixtures/text-networks.json (configurations, and names and shapes of the parameters, which both sides fill by formula.py),
fixtures/text-networks.safetensors, and fixtures/text-bin, the folder of a small model that torch.save wrote.
"""
import json
import pathlib

from compiled_operations import torchvision  # noqa: F401  Before transformers, which imports torchvision too.

import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from transformers import AttentionInterface, activations
from transformers.models.llama.modeling_llama import LlamaRMSNorm

import formula
from soft_torch import Gate, normal_cdf

HERE = pathlib.Path(__file__).parent / "fixtures"
# mode: gradient, hard or soft.
STATE = {"mode": "gradient", "causal": False}

SMALL = dict(vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
             max_position_embeddings=20)
LLAMA = dict(SMALL, num_key_value_heads=2, rope_theta=500.0)
CASES = {
    # name: configuration, class, tokens, types
    "bert-mean": (transformers.BertConfig(**SMALL), "BertModel", [[2, 7, 9, 7, 33, 3], [2, 50, 51, 3, 0, 59]], None),
    "bert-classes": (transformers.BertConfig(**SMALL, num_labels=3), "BertForSequenceClassification",
                     [[2, 7, 9, 3, 33, 3]], [0, 0, 0, 0, 1, 1]),
    "bert-relu": (transformers.BertConfig(**SMALL, hidden_act="relu", layer_norm_eps=1e-5), "BertModel", [[5, 4]], None),
    "distilbert-classes": (transformers.DistilBertConfig(
        vocab_size=60, dim=24, n_layers=2, n_heads=4, hidden_dim=40, max_position_embeddings=20),
        "DistilBertForSequenceClassification", [[2, 7, 9, 3, 33]], None),
    "roberta-classes": (transformers.RobertaConfig(**SMALL, type_vocab_size=1, num_labels=2),
                        "RobertaForSequenceClassification", [[0, 7, 9, 44, 33, 2]], None),
    "gpt2-next": (transformers.GPT2Config(vocab_size=60, n_embd=24, n_layer=2, n_head=4, n_positions=20,
                                          bos_token_id=0, eos_token_id=0),
                  "GPT2LMHeadModel", [[5, 7, 9, 44, 33, 2, 2]], None),
    "gpt2-scaled": (transformers.GPT2Config(vocab_size=60, n_embd=24, n_layer=2, n_head=4, n_positions=20, n_inner=30,
                                            activation_function="gelu", scale_attn_by_inverse_layer_idx=True,
                                            bos_token_id=0, eos_token_id=0),
                    "GPT2LMHeadModel", [[5, 7, 9]], None),
    "llama-next": (transformers.LlamaConfig(**LLAMA), "LlamaForCausalLM", [[5, 7, 9, 44, 33, 2, 2]], None),
    "llama3-next": (transformers.LlamaConfig(**dict(LLAMA, head_dim=8), attention_bias=True, mlp_bias=True,
                                             tie_word_embeddings=True, rope_scaling=dict(
        rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64)), "LlamaForCausalLM", [[5, 7, 9, 44, 33]], None),
}


def tanh_gate(z):
    return 0.5 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3)))


# value over z is the gate; the soft gate is that of the released temperatures, and the gate itself where there is none.
GATES = {
    "gelu": (normal_cdf, normal_cdf),
    "gelu_new": (tanh_gate, tanh_gate),
    "relu": (lambda z: (z > 0).to(z.dtype), lambda z: normal_cdf(z / 0.6)),
    "silu": (torch.sigmoid, lambda z: torch.sigmoid(z / 1.6)),
}


class Activation(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.hard, self.soft = GATES[name]

    def forward(self, z):
        y = z * self.hard(z)
        if STATE["mode"] == "gradient":
            return y
        gate = self.hard if STATE["mode"] == "hard" else self.soft
        return Gate.apply(z, y.detach(), gate(z.detach()))


class Norm(nn.Module):
    """Layer norm, or without a bias root-mean-square norm; the statistics are constants of the pullbacks."""

    def __init__(self, weight, bias, eps):
        super().__init__()
        self.weight, self.bias, self.eps = weight, bias, eps

    def forward(self, x):
        held = x if STATE["mode"] == "gradient" else x.detach()
        if self.bias is None:
            return self.weight * x * (held.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt()
        mean = held.mean(-1, keepdim=True)
        variance = (held - mean).pow(2).mean(-1, keepdim=True)
        return self.weight * (x - mean) * (variance + self.eps).rsqrt() + self.bias


def attention(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **others):
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = query @ key.transpose(2, 3) * scaling
    if STATE["causal"]:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), float("-inf"))
    matrix = scores.softmax(-1)
    if STATE["mode"] != "gradient":
        matrix = matrix.detach()
    return (matrix @ value).transpose(1, 2).contiguous(), matrix


AttentionInterface.register("pullback", attention)


def replace(model, activation):
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.LayerNorm):
                setattr(module, name, Norm(child.weight, child.bias, child.eps))
            elif isinstance(child, LlamaRMSNorm):
                setattr(module, name, Norm(child.weight, None, child.variance_epsilon))
            elif isinstance(
                    child, (activations.GELUActivation, activations.NewGELUActivation, activations.SiLUActivation, nn.GELU,
                            nn.ReLU)):
                setattr(module, name, Activation(activation))


# DistilBERT's classifier makes a ReLU of torch's whenever it runs.
nn.ReLU.forward = lambda self, x: Activation("relu")(x)


def run(name):
    config, kind, ids, types = CASES[name]
    config._attn_implementation = "pullback"
    model = getattr(transformers, kind)(config).eval()
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    tied = kind.endswith(("LMHeadModel", "CausalLM")) and config.tie_word_embeddings
    if tied:
        shapes.pop("lm_head.weight")
    with torch.no_grad():
        state = model.state_dict()
        for key, shape in shapes.items():
            state[key].copy_(torch.from_numpy(formula.parameter(key, shape)))
    activation = getattr(config, "hidden_act", None) or getattr(config, "activation", None) or config.activation_function
    replace(model, activation)
    model = model.double()
    STATE["causal"] = kind.endswith(("LMHeadModel", "CausalLM"))
    ids = torch.tensor(ids)
    result = {"ids": ids}
    for mode in ("gradient", "hard", "soft"):
        STATE["mode"] = mode
        embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
        arguments = {"inputs_embeds": embedded}
        if types is not None:
            arguments["token_type_ids"] = torch.tensor([types])
        output = model(**arguments)
        value = output.logits if hasattr(output, "logits") else output.last_hidden_state.mean(1)
        if STATE["causal"]:
            value = value[:, -1]
        selector = torch.from_numpy(formula.image(name + " selector", list(value.shape))).double()
        (value * selector).sum().backward()
        result |= {"value": value.detach(), "selector": selector, mode: embedded.grad}
    configuration = json.loads(config.to_json_string(use_diff=False))
    configuration["architectures"] = [kind]
    return configuration, shapes, result


def main():
    described, tensors = {}, {}
    for name in CASES:
        configuration, shapes, result = run(name)
        keep = {key: value for key, value in configuration.items()
                if isinstance(value, (int, float, str, bool, dict, list)) or value is None}
        keep = {key: value for key, value in keep.items() if not key.startswith(("task_", "problem", "_name", "_attn"))}
        described[name] = {"config": keep, "types": CASES[name][3], "shapes": shapes}
        for key, value in result.items():
            tensors[f"{name}/{key}"] = value.contiguous() if key == "ids" else value.float().contiguous()
    (HERE / "text-networks.json").write_text(json.dumps(described, indent=1, sort_keys=True) + "\n")
    save_file(tensors, HERE / "text-networks.safetensors")

    folder = HERE / "text-bin"
    folder.mkdir(exist_ok=True)
    config = transformers.DistilBertConfig(vocab_size=30, dim=8, n_layers=1, n_heads=2, hidden_dim=8,
                                           max_position_embeddings=8, architectures=["DistilBertModel"])
    torch.manual_seed(0)
    model = transformers.DistilBertModel(config).eval()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(config.to_json_string(use_diff=False))
    vocabulary = {f"t{number}": number for number in range(30)}
    (folder / "tokenizer.json").write_text(json.dumps({
        "model": {"type": "WordPiece", "unk_token": "t0", "vocab": vocabulary},
        "pre_tokenizer": {"type": "WhitespaceSplit"}}))
    ids = torch.tensor([[1, 5, 7]])
    save_file({"ids": ids, "value": model(ids).last_hidden_state.mean(1).detach().contiguous()},
              folder / "expected.safetensors")


if __name__ == "__main__":
    main()
