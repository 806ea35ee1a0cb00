"""Tokenizers of every component that Sources/Text knows, trained on the lines of text_lines.py, and hashes of what they
make of these. tokenizers 0.23.3, numpy 2.4.6.

Writes fixtures/tokenizers/*.json, the files of the tokenizers, and fixtures/tokenizers.json: for each of them a hash of
every hundred lines. Every tenth line is encoded with the next one as a pair. The tokenizer of all-MiniLM-L6-v2, which
`make text` fetches, gets its hashes too if it is there.
"""
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import text_lines

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "fixtures" / "tokenizers"
LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel.alphabet()


def trained(model, normalizer, pre_tokenizer, lines, size, special, alphabet=()):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    kind = trainers.WordPieceTrainer if isinstance(model, models.WordPiece) else trainers.BpeTrainer
    tokenizer.train_from_iterator(
        lines, kind(vocab_size=size, special_tokens=special, initial_alphabet=list(alphabet), limit_alphabet=150,
                    show_progress=False))
    return tokenizer


def template(cls, sep, tokens):
    return processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B:1 {sep}:1", special_tokens=tokens)


def tokenizers(lines):
    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made = {}

    one = trained(models.WordPiece(unk_token="[UNK]"), normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(),
                  lines, 500, bert)
    one.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    one.post_processor = template("[CLS]", "[SEP]", [("[CLS]", 2), ("[SEP]", 3)])
    made["bert-uncased"] = one

    one = trained(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12),
                  normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False),
                  pre_tokenizers.BertPreTokenizer(), lines, 500, bert)
    one.add_tokens([AddedToken("zebra", single_word=True, rstrip=True)])
    one.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made["bert-cased"] = one

    one = trained(models.BPE(), None, pre_tokenizers.ByteLevel(add_prefix_space=False), lines, 500,
                  ["<|endoftext|>"], BYTES)
    one.post_processor = processors.ByteLevel(trim_offsets=False)
    made["gpt2"] = one

    one = trained(models.BPE(), None, pre_tokenizers.ByteLevel(add_prefix_space=True), lines, 500,
                  ["<s>", "<pad>", "</s>", "<unk>"], BYTES)
    one.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    one.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    made["roberta"] = one

    one = trained(models.BPE(ignore_merges=True), None, pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), lines, 500, ["<|endoftext|>"], BYTES)
    one.post_processor = processors.Sequence([
        processors.ByteLevel(), template("<|endoftext|>", "<|endoftext|>", [("<|endoftext|>", 0)])])
    made["llama3"] = one

    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    one = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, lines[:500], 600, ["<unk>", "<s>", *fallback])
    one.post_processor = template("<s>", "<s>", [("<s>", 1)])
    made["llama2"] = one

    one = trained(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"), normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace(Regex(r"[aeiou]{2,}"), "o")]),
        pre_tokenizers.Sequence([
            pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.Digits(individual_digits=True)]), lines, 400, ["[UNK]"])
    made["nfkc"] = one

    one = trained(models.WordPiece(unk_token="[UNK]", continuing_subword_prefix="@@"), normalizers.Sequence([
        normalizers.NFD(), normalizers.StripAccents(), normalizers.NFC()]), pre_tokenizers.Sequence([
            pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(),
            pre_tokenizers.Split("-", "merged_with_previous"), pre_tokenizers.Split(Regex(r"\p{Lu}|\p{P}"), "merged_with_next"),
            pre_tokenizers.Split(Regex(r"\w+?"), "removed", invert=True)]), lines, 400, ["[UNK]"])
    made["nfc"] = one

    one = trained(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"), normalizers.NFKD(),
                  pre_tokenizers.Metaspace(prepend_scheme="first"), lines, 400, ["<unk>"])
    made["nfkd"] = one
    return made


def hashed(values, start=0xCBF29CE484222325):
    for value in values:
        start = ((start ^ value) * 0x100000001B3) % 2**64
    return start


def numbers(encoding):
    """Everything that is compared: of each token its number, place, word, type and text, with 1 added where there may be
    none."""
    for id, (first, last), word, type, sequence in zip(
            encoding.ids, encoding.offsets, encoding.word_ids, encoding.type_ids, encoding.sequence_ids):
        yield from (id, first, last, 0 if word is None else word + 1, type, 0 if sequence is None else sequence + 1)


def hashes(tokenizer, lines):
    result = []
    for first in range(0, len(lines), 100):
        value = 0xCBF29CE484222325
        for number in range(first, first + 100):
            pair = lines[number + 1] if number % 10 == 0 else None
            value = hashed(numbers(tokenizer.encode(lines[number], pair)), value)
        result.append(f"{value:016x}")
    return result


def main():
    lines = text_lines.lines()
    FOLDER.mkdir(exist_ok=True)
    found = {}
    for name, tokenizer in tokenizers(lines).items():
        path = FOLDER / f"{name}.json"
        tokenizer.save(str(path), pretty=False)
        # As it is read back.
        found[name] = hashes(Tokenizer.from_file(str(path)), lines)
    fetched = HERE.parents[1] / ".cache" / "text" / "all-MiniLM-L6-v2" / "tokenizer.json"
    if fetched.exists():
        tokenizer = Tokenizer.from_file(str(fetched))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        found["all-MiniLM-L6-v2"] = hashes(tokenizer, lines)
    text = hashed(number for line in lines for number in map(ord, line))
    (HERE / "fixtures" / "tokenizers.json").write_text(
        json.dumps({"lines": f"{text:016x}", "hashes": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
