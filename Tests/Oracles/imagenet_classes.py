"""The 1,000 classes of ImageNet-1k in the order of the logits: index, WordNet id, name.

Names: torchvision 0.28.0 (models/_meta.py, BSD 3-Clause). WordNet ids: timm 1.0.31 (data/_info/imagenet_synsets.txt,
Apache 2.0). Writes Sources/Networks/Resources/imagenet-classes.csv; a name never holds a comma.
"""
import importlib.util
import pathlib

root = pathlib.Path(__file__).resolve().parents[2]
packages = pathlib.Path(importlib.util.find_spec("torchvision").origin).parent
scope = {}
exec((packages / "models" / "_meta.py").read_text(), scope)
names = scope["_IMAGENET_CATEGORIES"]
timm = pathlib.Path(importlib.util.find_spec("timm").origin).parent
synsets = (timm / "data" / "_info" / "imagenet_synsets.txt").read_text().split()
assert len(names) == len(synsets) == 1000 and not any("," in name for name in names)
lines = [f"{i},{synset},{name}" for i, (synset, name) in enumerate(zip(synsets, names))]
(root / "Sources/Networks/Resources/imagenet-classes.csv").write_text("index,wordnet,name\n" + "\n".join(lines) + "\n")
