"""Which words make sentences similar to all-MiniLM-L6-v2, which `make text` fetches: cosines, and the tokens' shares by the
gradient and the hard pullback, in float64. torch 2.13.0, transformers 5.24.0, tokenizers 0.23.3.

Writes fixtures/text-minilm.json.
"""
import json

import torch
from tokenizers import Tokenizer
from transformers import BertModel

import text_networks

FOLDER = text_networks.HERE.parents[2] / ".cache" / "text" / "all-MiniLM-L6-v2"
PAIRS = [
    ("The cat sat on the windowsill watching the rain.", "A kitten rests by the window."),
    ("The company's revenue fell because fuel prices rose.", "Higher energy costs hurt the firm's sales."),
    ("The doctor prescribed antibiotics for the infection.", "She was given medicine to fight bacteria."),
    ("We ate ice cream on the beach and listened to the waves.", "A sunny day at the seaside with frozen dessert."),
    ("The committee postponed the vote until next week.", "The decision was delayed by several days."),
]


def main():
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = BertModel.from_pretrained(FOLDER, attn_implementation="pullback").eval()
    text_networks.replace(model, "gelu")
    model = model.double()

    def vector(embedded):
        return model(inputs_embeds=embedded).last_hidden_state.mean(1)[0]

    def embedded(text):
        return model.get_input_embeddings()(torch.tensor([tokenizer.encode(text).ids])).detach()

    found = []
    for text, other in PAIRS:
        text_networks.STATE["mode"] = "gradient"
        against = vector(embedded(other)).detach()
        result = {"text": text, "against": other}
        for mode in ("gradient", "hard"):
            text_networks.STATE["mode"] = mode
            x = embedded(text).requires_grad_()
            this = vector(x)
            value = this @ (against / (against.norm() * this.detach().norm()))
            value.backward()
            result |= {"value": value.item(), mode: (x.grad * x).sum(-1)[0].tolist()}
        found.append(result)
    (text_networks.HERE / "text-minilm.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
