"""Writes the fixtures of Tests/CheckpointTests: checkpoints by PyTorch and safetensors, and what is in them.

Made with Python 3.11, torch 2.13.0, safetensors 0.8.0, numpy 2.4.6.

Each file of fixtures/checkpoints/ that `expected.json` names was read back here, by torch.load or safetensors, and its
tensors converted to float32 by PyTorch; the JSON holds their bit patterns. All files are the same from run to run.
"""

import argparse
import io
import json
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

FOLDER = Path(__file__).parent / "fixtures" / "checkpoints"
EXPECTED = {}
MAGIC = 0x1950A86A20F9469CFC6C


def expect(name, tensors, container=(), prefix="", metadata=None):
    """Records the tensors a file must give, in order: bit patterns of float32, or none where it must refuse."""
    unread = (torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2)
    EXPECTED[name] = {
        "container": list(container),
        "removedPrefix": prefix,
        "metadata": metadata or {},
        "tensors": [
            {
                "name": key,
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
                "bits": None if tensor.dtype in unread else bits(tensor),
            }
            for key, tensor in tensors.items()
        ],
    }


def bits(tensor):
    """Bit patterns of the float32 values; one pattern for all NaNs, whose payload no format promises."""
    values = tensor.detach().to(torch.float32).contiguous().numpy().reshape(-1)
    return np.where(np.isnan(values), np.float32("nan"), values).view(np.uint32).tolist()


def save(name, thing, **options):
    torch.save(thing, FOLDER / name, **options)


def save_legacy(name, thing):
    """torch.save names legacy storages by their addresses and orders them so: both are replaced by running numbers."""
    buffer = io.BytesIO()
    torch.save(thing, buffer, _use_new_zipfile_serialization=False)
    stream = io.BytesIO(buffer.getvalue())
    head = [pickle_bytes(stream) for _ in range(3)]
    body, keys = pickle_bytes(stream), pickle.loads(pickle_bytes(stream))
    numbers, output, position = {}, b"", 0
    for opcode, argument, start in pickletools.genops(body):
        if opcode.name == "BINUNICODE" and argument in keys:
            number = numbers.setdefault(argument, str(1000 + len(numbers)))
            output += body[position:start] + b"X" + struct.pack("<I", len(number)) + number.encode()
            position = start + 5 + len(argument)
    output += body[position:]
    widths = storage_widths(body)
    storages = {}
    for key in keys:
        count = stream.read(8)
        storages[key] = count + stream.read(struct.unpack("<q", count)[0] * widths[key])
    ordered = sorted(keys, key=lambda key: numbers[key])
    tail = pickle.dumps([numbers[key] for key in ordered], protocol=2)
    (FOLDER / name).write_bytes(b"".join(head) + output + tail + b"".join(storages[key] for key in ordered))


def pickle_bytes(stream):
    start = stream.tell()
    for _ in pickletools.genops(stream):
        pass
    end = stream.tell()
    stream.seek(start)
    return stream.read(end - start)


def storage_widths(body):
    """Bytes per element of every storage a legacy pickle refers to."""
    widths = {}

    class Reader(pickle.Unpickler):
        def persistent_load(self, identifier):
            _, kind, key, _, count, _ = identifier
            dtype = torch.uint8 if kind is torch.UntypedStorage else kind.dtype
            widths[key] = torch.empty(0, dtype=dtype).element_size()
            return torch.TypedStorage(count, dtype=dtype)

    Reader(io.BytesIO(body)).load()
    return widths


def load(name):
    return torch.load(FOLDER / name, weights_only=False)


def all_types():
    floats = [0.0, -0.0, 1.0, -1.5, 1 / 3, 1e-7, 65504.0, float("inf"), float("-inf"), float("nan"), 3e-8, 2049.0]
    whole = [0, 1, 2, 100, 127]
    tensors = OrderedDict()
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        tensors[str(dtype)] = torch.tensor(floats, dtype=torch.float64).to(dtype)
    tensors["double.wide"] = torch.tensor(
        [1e300, -1e300, 1e-300, 2.0**-149, 1 + 2.0**-24, 1 + 3 * 2.0**-24], dtype=torch.float64)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8):
        low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
        tensors[str(dtype)] = torch.tensor(whole + [-1, low, high, high - 63], dtype=dtype)
    tensors["int64.odd"] = torch.tensor([2**24 + 1, 2**24 + 3, -(2**53) - 1, 2**40 + 2**16], dtype=torch.int64)
    for dtype in (torch.uint64, torch.uint32, torch.uint16, torch.uint8):
        tensors[str(dtype)] = torch.tensor(whole + [torch.iinfo(dtype).max], dtype=dtype)
    tensors["bool"] = torch.tensor([True, False, True])
    tensors["float8"] = torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn)
    tensors["float8.wide"] = torch.tensor([1.0, 2.0]).to(torch.float8_e5m2)
    tensors["complex64"] = torch.tensor([1 + 2j])
    return tensors


def views():
    base = torch.arange(60, dtype=torch.float32) * 0.5 - 7
    half = torch.arange(24, dtype=torch.float16).reshape(4, 6)
    return OrderedDict([
        ("whole", base),
        ("transposed", base.reshape(6, 10).T),
        ("strided", base.reshape(6, 10)[1::2, 3:9:2]),
        ("offset", base[13:17]),
        ("permuted", base.reshape(3, 4, 5).permute(2, 0, 1)),
        ("channels last", torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)),
        ("expanded", base[4:7].reshape(1, 3, 1).expand(2, 3, 4)),
        ("overlapping", base.as_strided((5, 4), (2, 3), 1)),
        ("half.transposed", half.T),
        ("half.column", half[:, 2]),
        ("rank zero", torch.tensor(2.5)),
        ("zero of several", torch.zeros(3, 0, 2)),
        ("one", base.reshape(60, 1)[7:8].T),
        ("long.transposed", torch.arange(6).reshape(2, 3).T),
    ])


def network():
    torch.manual_seed(1)
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Linear(4, 2))
    return net


def training_state(net):
    optimizer = torch.optim.Adam(net.parameters())
    sum(p.square().sum() for p in net.parameters()).backward()
    optimizer.step()
    return {
        "epoch": 7,
        "arch": "small",
        "state_dict": OrderedDict(("module." + k, v) for k, v in net.state_dict().items()),
        "best_acc1": torch.tensor(76.25),
        "top5": np.float64(93.5),
        "losses": [1.5, 0.25, None, float("nan")],
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "size": torch.Size([3, 224, 224]),
        "classes": {1, 2, 3},
        "args": argparse.Namespace(lr=0.1, name="run"),
        "big": 1 << 100,
        "optimizer": optimizer.state_dict(),
    }


def legacy(name, body, storages, keys=None):
    """A legacy file put together by hand: the pickled object, then `{key: bytes after the count}` with their counts."""
    with open(FOLDER / name, "wb") as file:
        for head in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}):
            pickle.dump(head, file, protocol=2)
        file.write(body)
        pickle.dump(keys or list(storages), file, protocol=2)
        for count, data in storages.values():
            file.write(struct.pack("<q", count) + data)


def storage_views():
    """PyTorch before 0.4 pickled a storage that is part of another as a view of it."""

    class View:
        def __init__(self, identifier):
            self.identifier = identifier

        def __reduce__(self):
            return torch._utils._rebuild_tensor, (self.identifier, 1, (2, 2), (2, 1))

    class Identifier:
        pass

    class Writer(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, Identifier):
                return "storage", torch.FloatStorage, "root", "cpu", 12, ("part", 3, 6)
            return None

    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump(OrderedDict([("w", View(Identifier()))]))
    data = np.arange(12, dtype=np.float32) * 1.25
    legacy("storage-views.pth", buffer.getvalue(), {"root": (12, data.tobytes())})


def python_2():
    """The pickles of 2017: byte strings, OrderedDict from a list of pairs, parameters with their flags."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    def parameter(key, count, shape):
        sizes = b"(" + b"".join(b"K" + bytes([n]) for n in shape) + b"t"
        strides = b"(" + b"".join(b"K" + bytes([n]) for n in np.cumprod([1, *shape[:0:-1]])[::-1]) + b"t"
        storage = b"(" + text(b"storage") + b"ctorch.cuda\nFloatStorage\n" + text(key) + text(b"cpu")
        storage += b"K" + bytes([count]) + b"NtQ"
        tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\0" + sizes + strides + b"tR"
        return b"ctorch.nn.parameter\nParameter\n(" + tensor + b"\x88tR"

    body = b"\x80\x02ccollections\nOrderedDict\n](](" + text(b"a.weight") + parameter(b"77", 6, (2, 3)) + b"e"
    body += b"](" + text(b"a.bias") + parameter(b"78", 2, (2,)) + b"ee\x85R."
    values = np.linspace(-1, 1, 8, dtype=np.float32)
    legacy("python-2.pth", body, {"77": (6, values[:6].tobytes()), "78": (2, values[6:].tobytes())})


def repack(source, name, **options):
    with zipfile.ZipFile(FOLDER / source) as archive, zipfile.ZipFile(FOLDER / name, "w", **options) as copy:
        for entry in archive.infolist():
            copy.writestr(zipfile.ZipInfo(entry.filename), archive.read(entry), compress_type=copy.compression)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        if path.is_file():
            path.unlink()
    net = network()
    state = net.state_dict()

    for name, make in (("types", all_types), ("views", views)):
        tensors = make()
        save(f"{name}.pt", tensors)
        # PyTorch writes the newest types to legacy files, but cannot read them back.
        newest = (torch.uint64, torch.uint32, torch.uint16, torch.float8_e4m3fn, torch.float8_e5m2)
        save_legacy(f"{name}.pth", OrderedDict(item for item in tensors.items() if item[1].dtype not in newest))
        for file in (f"{name}.pt", f"{name}.pth"):
            expect(file, load(file))

    stored = {key: value for key, value in all_types().items() if not key.startswith("double")}
    safetensors.torch.save_file(stored, FOLDER / "types.safetensors", metadata={"format": "pt"})
    with safetensors.safe_open(FOLDER / "types.safetensors", "pt") as file:
        header = json.loads((FOLDER / "types.safetensors").read_bytes()[8:].split(b"}}")[0].decode() + "}}")
        order = [key for key in header if key != "__metadata__"]
        expect("types.safetensors", {key: file.get_tensor(key) for key in order}, metadata={"format": "pt"})

    # The writer's twins: the same tensors are written by Swift and must give the same bytes.
    plain = {"b": np.float32([1.5, -2.25, 1 / 3]), "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5,
             "naïve \"name\"\\\n\x01": np.zeros((0, 2), np.float32), "scalar": np.array(7, np.float32)}
    safetensors.numpy.save_file(plain, FOLDER / "written-float32.safetensors", metadata={"made \"by\"": "an\toracle"})
    halves = {key: value.astype(np.float16) for key, value in plain.items()}
    safetensors.numpy.save_file(halves, FOLDER / "written-float16.safetensors")

    save("network.pt", state)
    save("protocol-4.pt", state, pickle_protocol=4)
    save("protocol-5.pt", {"net": dict(state)}, pickle_protocol=5)
    expect("network.pt", state)
    expect("protocol-4.pt", state)
    expect("protocol-5.pt", state, container=["net"])
    training = training_state(net)
    save("training.pt", training)
    save_legacy("training.pth", training)
    for name in ("training.pt", "training.pth"):
        expect(name, {key.removeprefix("module."): value for key, value in load(name)["state_dict"].items()},
               container=["state_dict"], prefix="module.")
    save("nested-twice.pt", {"model": {"state_dict": state, "step": 1}, "lr": 0.5})
    expect("nested-twice.pt", state, container=["model", "state_dict"])
    save("same-twice.pt", (lambda inner: {"model": inner, "net": inner})(dict(state)))
    expect("same-twice.pt", state, container=["model"])
    save("scalars.pt", {"model": {"temperature": torch.tensor(2.0)}, "epoch": 1})
    expect("scalars.pt", {"temperature": torch.tensor(2.0)}, container=["model"])

    tagged = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    tagged.role = "scale"
    labelled = torch.tensor([5.0])
    labelled.origin = "test"
    parameters = {"p": torch.nn.Parameter(torch.tensor([[1.0, 2.0]]).T, requires_grad=False), "tagged": tagged,
                  "labelled": labelled}
    save("parameters.pt", parameters)
    save_legacy("parameters.pth", parameters)
    expect("parameters.pt", load("parameters.pt"))
    expect("parameters.pth", load("parameters.pth"))

    storage_views()
    expect("storage-views.pth", load("storage-views.pth"))
    python_2()
    expect("python-2.pth", load("python-2.pth"))

    # A zip64 archive: every 32-bit field that can is all ones, and the numbers stand in the extra fields.
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, -1
    repack("network.pt", "zip64.pt")
    zipfile.ZIP64_LIMIT = limit
    expect("zip64.pt", load("zip64.pt"))

    # What must be refused.
    repack("network.pt", "deflated.pt", compression=zipfile.ZIP_DEFLATED)
    save("ambiguous.pt", {"model": {"a": torch.ones(1)}, "net": {"state_dict": {"a": torch.zeros(1)}}})
    save("ambiguous-top.pt", {"a": torch.ones(1), "model": {"a": torch.zeros(1)}})
    save("unusual.pt", {"generator": {"a": torch.ones(1)}, "discriminator": {"a": torch.full((2,), 2.0)}, "step": 3})
    save("tensor.pt", torch.ones(2))
    save("list.pt", [torch.ones(2)])
    save("no-tensors.pt", {"state_dict": {}, "epoch": 1})
    save("negated.pt", {"a": torch.tensor([1 + 2j]).conj().imag})
    save("module.pt", net)
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(FOLDER / "torchscript.pt"))
    np.savez(FOLDER / "arrays.npz", a=np.ones(2, np.float32))
    np.save(FOLDER / "array.npy", np.ones(2, np.float32))
    (FOLDER / "arrays.pkl").write_bytes(pickle.dumps({"a": np.ones(2, np.float32)}, protocol=2))
    repack("arrays.npz", "arrays.npz.tmp")
    (FOLDER / "arrays.npz.tmp").rename(FOLDER / "arrays.npz")

    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in EXPECTED.items())
    # safetensors makes its files private.
    for path in FOLDER.glob("*.safetensors"):
        path.chmod(0o644)
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
