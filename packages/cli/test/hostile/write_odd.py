"""Writes valid files of odd contents into a folder: python3 write_odd.py FOLDER. Prints what each holds, as numpy, torch and onnx have it."""
import hashlib
import json
import pathlib
import struct
import sys
from collections import OrderedDict

import numpy as np

FOLDER = pathlib.Path(sys.argv[1])
CODES = {"f2": "F16", "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL"}
NAMES = ["__proto__", "constructor", "ein Gewicht é", "重み", "😀", "a/../b", "x" * 3000, " ", "line\nbreak", "\u202e", "\x00", "\x1b[2J"]
SHAPES = [(), (0,), (1,), (3, 0, 5), (1,) * 32, (2, 1, 3)]
held = {}


def described(name, array):
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")) if array.size else array
    return {"name": name, "dtype": CODES[array.dtype.str[1:]], "shape": list(array.shape), "sha256": hashlib.sha256(little.tobytes()).hexdigest()}


def values(dtype, shape):
    return np.arange(int(np.prod(shape)), dtype="i8").astype(dtype).reshape(shape)


def hold(file, arrays):
    held[file] = [described(name, array) for name, array in arrays.items()]


arrays = [values(order + code, shape) for code in CODES for order in "<>" for shape in SHAPES]
arrays += [np.asfortranarray(values("<f4", (1, 5))), np.asfortranarray(values("<f4", (5, 1, 1))), np.array(-0.0), np.array([np.nan, np.inf])]
for at, array in enumerate(arrays):
    np.save(FOLDER / f"{at}.npy", array)
    hold(f"{at}.npy", {str(at): array})
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(FOLDER / f"version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, arrays[3], version=version)
    hold(f"version{version[0]}.npy", {f"version{version[0]}": arrays[3]})
shape = "(" + "1, " * 63 + "2, )"
text = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n" % shape).encode()
(FOLDER / "dims64.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + np.array([1, 2], "<f4").tobytes())
held["dims64.npy"] = [{**described("dims64", np.array([1, 2], "<f4")), "shape": [1] * 63 + [2]}]

named = {name: values("<f4", SHAPES[at % len(SHAPES)]) for at, name in enumerate(NAMES)}
zipped = {name: array for name, array in named.items() if name.isprintable() and "/" not in name and len(name) < 100}
np.savez(FOLDER / "stored.npz", **zipped)
np.savez_compressed(FOLDER / "deflated.npz", **zipped)
hold("stored.npz", zipped)
hold("deflated.npz", zipped)

header, data = {}, b""
for name, array in {**named, "dims64": values("<f4", (2,))}.items():
    header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
    data += array.tobytes()
header["dims64"]["shape"] = [1] * 63 + [2]
for ascii in [True, False]:
    text = json.dumps(header, ensure_ascii=ascii).encode() + b"  "
    file = f"ascii{ascii}.safetensors"
    (FOLDER / file).write_bytes(struct.pack("<Q", len(text)) + text + data)
    hold(file, {**named, "dims64": values("<f4", (2,))})
    held[file][-1]["shape"] = [1] * 63 + [2]
(FOLDER / "empty.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
held["empty.safetensors"] = []

try:
    import torch

    torch.save(OrderedDict((name, torch.tensor(array)) for name, array in named.items()), FOLDER / "named.pt")
    hold("named.pt", named)
    base = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
    views = {"t": base.transpose(0, 2), "part": base[1, 1:], "step": base[:, ::2], "all": base, "wide": torch.ones(1).expand(3, 4), "one": base[0, 0, 1]}
    views["dims64"] = torch.ones(2).reshape([1] * 63 + [2])
    torch.save(views, FOLDER / "views.pt")
    hold("views.pt", {name: np.ascontiguousarray(view.numpy()).reshape(tuple(view.shape)) if view.dim() <= 32 else np.ones(2, "<f4") for name, view in views.items()})
    held["views.pt"][-1]["shape"] = [1] * 63 + [2]
except ImportError:
    pass

try:
    from onnx import helper, numpy_helper, TensorProto

    utf8 = {name: array for name, array in named.items()}
    raw = [numpy_helper.from_array(array, name) for name, array in utf8.items()]
    typed = [helper.make_tensor("typed" + code, getattr(TensorProto, kind), [3], [0, 1, 2]) for code, kind in [("f4", "FLOAT"), ("i8", "INT64"), ("u4", "UINT32"), ("i1", "INT8"), ("u2", "UINT16"), ("f8", "DOUBLE"), ("b1", "BOOL")]]
    model = helper.make_model(helper.make_graph([], "g", [], [], raw + typed))
    (FOLDER / "odd.onnx").write_bytes(model.SerializeToString())
    hold("odd.onnx", {**utf8, **{"typed" + t.name[5:]: np.array([0, 1, 2]).astype(t.name[5:]) for t in typed}})
except ImportError:
    pass

print(json.dumps(held))
