"""Checkpoints of one small network as training frameworks write them, and what is to be found in them.

torch 2.13.0. Writes fixtures/wrapped/: files by torch.save, each with the same network somewhere inside, and
expected.json: per file the keys that lead to it, the parts that wrappers put into its names, and its first value. What
needs Lightning, DeepSpeed or timm is put together here with the keys and the classes that they write.
"""
import argparse
import json
import pathlib
import shutil
import sys
import types
from collections import OrderedDict

import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

FOLDER = pathlib.Path(__file__).parent / "fixtures" / "wrapped"
EXPECTED = {}


def network(seed=1):
    torch.manual_seed(seed)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 1), bn=nn.BatchNorm2d(2), fc=nn.Linear(2, 2)))


def save(name, thing, container=(), parts=(), others=(), seed=1, **options):
    torch.save(thing, FOLDER / name, **options)
    EXPECTED[name] = {
        "container": list(container), "parts": list(parts), "others": [list(o) for o in others],
        "first": float(network(seed).conv.weight.detach().flatten()[0])}


def foreign(module, name, base=object):
    """A class of a library that is not needed here, under the library's own name."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    kind = type(name, (base,), {"__module__": module})
    setattr(sys.modules[module], name, kind)
    return kind


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    net = network()
    # Apart from the network, which is trained below.
    state = OrderedDict((k, v.clone()) for k, v in net.state_dict().items())

    compiled = torch.compile(net)
    save("compiled.pth", compiled.state_dict(), parts=["_orig_mod"])
    save("compiled-parallel.pth", nn.DataParallel(compiled).state_dict(), parts=["_orig_mod", "module"])
    save("parallel-twice.pth", nn.DataParallel(nn.DataParallel(net)).state_dict(), parts=["module"])
    layers = network()
    layers.conv = torch.compile(layers.conv)
    layers.fc = checkpoint_wrapper(layers.fc)
    # The checkpoint wrapper removes its name from the state dict itself; older versions did not.
    mixed = OrderedDict(
        (k.replace("fc.", "fc._checkpoint_wrapped_module."), v) for k, v in layers.state_dict().items())
    save("layer-by-layer.pth", mixed, parts=["_orig_mod", "_checkpoint_wrapped_module"])
    save("fsdp.pth", OrderedDict(
        (f"_fsdp_wrapped_module.{k}".replace("fc.", "fc._fsdp_wrapped_module."), v) for k, v in state.items()),
        parts=["_fsdp_wrapped_module"])
    save("swa.pth", torch.optim.swa_utils.AveragedModel(net).state_dict(), parts=["module"])

    options = foreign("pytorch_lightning.utilities.parsing", "AttributeDict", dict)(lr=0.1, name="run")
    optimizer = torch.optim.AdamW(net.parameters())
    sum(p.square().sum() for p in net.parameters()).backward()
    optimizer.step()
    net = network()
    lightning = {
        "epoch": 3, "global_step": 10, "pytorch-lightning_version": "2.4.0",
        "state_dict": OrderedDict((f"model.{k}", v) for k, v in state.items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5),
                                                            "best_model_path": "x.ckpt"}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [{"last_epoch": 3, "_last_lr": [0.1]}], "hparams_name": "hparams", "hyper_parameters": options}
    save("lightning.ckpt", lightning, container=["state_dict"])
    node = foreign("omegaconf.dictconfig", "DictConfig")
    hydra = node()
    hydra.__dict__.update(_content={"lr": 0.1}, _parent=None)
    save("hydra.ckpt", {"state_dict": state, "cfg": hydra, "path": pathlib.PurePosixPath("/data")},
         container=["state_dict"])

    average = network(2).state_dict()
    save("timm.pth.tar", {"epoch": 5, "arch": "small", "state_dict": state, "optimizer": optimizer.state_dict(),
                          "version": 2, "args": argparse.Namespace(model="small"), "amp_scaler": {"scale": 1.0},
                          "state_dict_ema": average, "metric": 80.0},
         container=["state_dict"], others=[["state_dict_ema"]])
    save("torchvision-references.pth", {
        "model": state, "optimizer": optimizer.state_dict(), "lr_scheduler": {"last_epoch": 1}, "epoch": 1,
        "args": argparse.Namespace(), "model_ema": OrderedDict(
            [("n_averaged", torch.tensor(7))] + [(f"module.{k}", v) for k, v in average.items()])},
        container=["model"], others=[["model_ema"]])
    save("ema-alone.pth", {"ema": {"shadow": average, "decay": 0.99}}, container=["ema", "shadow"], seed=2)
    save("deepspeed.pt", {
        "module": state, "buffer_names": ["bn.running_mean"], "optimizer": None, "param_shapes": [
            OrderedDict((k, v.shape) for k, v in state.items())], "frozen_param_shapes": None,
        "ds_config": {"train_batch_size": 8}, "ds_version": "0.15.0", "global_steps": 7}, container=["module"])
    save("deep.pth", {"experiment": {"run": {"weights_of_the_network": state}}, "epoch": 1},
         container=["experiment", "run", "weights_of_the_network"])
    save("dino.pth", {"student": {f"module.backbone.{k}": v for k, v in state.items()},
                      "teacher": {f"backbone.{k}": v for k, v in average.items()}, "epoch": 3},
         container=["student"], parts=["module"], others=[["teacher"]])
    save("linear-probe.pth", {"epoch": 1, "encoder": {k: v for k, v in state.items() if not k.startswith("fc.")},
                              "fc": {k: state["fc." + k] for k in ("weight", "bias")}})
    save("fastai.pth", {"model": state, "opt": optimizer.state_dict()}, container=["model"])
    save("legacy.pth", {"net": nn.DataParallel(net).state_dict(), "acc": 91.5, "epoch": 2}, container=["net"],
         parts=["module"], _use_new_zipfile_serialization=False)
    torch.save({"model": state, "discriminator": {"net": dict(state)}}, FOLDER / "two.pth")
    torch.save({"a": {"w": torch.ones(2)}, "b": {"w": torch.ones(2)}}, FOLDER / "undecided.pth")
    (FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1) + "\n")


if __name__ == "__main__":
    main()
