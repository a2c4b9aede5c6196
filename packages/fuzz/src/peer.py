"""What numpy, torch and onnx read of files: python3 peer.py numpy|torch|onnx. Takes a path a line, prints a JSON object a line."""
import hashlib
import importlib
import json
import os
import resource
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
# Bytes, with those of all libraries: what a file asks of another program is not the machine's to give.
MOST_MEMORY = 8 * 2**30
CODES = {"f2": "F16", "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64"}
resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def described(name, array, dtype=None):
    array = np.asarray(array)
    code = dtype or CODES[array.dtype.str[1:]]
    little = array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
    return {"name": name, "dtype": code, "shape": list(array.shape), "sha256": hashlib.sha256(little.tobytes("C")).hexdigest()}


def with_numpy(path):
    with open(path, "rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        with open(path, "rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
            if file.read(1):
                raise ValueError("trailing bytes")
        return [described("", array)]
    with np.load(path, allow_pickle=False) as archive:
        return [described(name, archive[name]) for name in archive.files]


class Unbuilt:
    """What stands for a tensor that torch refuses to make."""

    def __init__(self, why):
        self.why = why


def tolerant(build):
    """Of a checkpoint only the state dict counts: what is beside it need not be whole."""

    def built(*values):
        without = next((value for value in values if isinstance(value, Unbuilt)), None)
        if without is not None:
            return without
        try:
            return build(*values)
        except Exception as error:
            return Unbuilt(f"{type(error).__name__}: {str(error)[-300:]}")

    return built


def load_named(path):
    """What the pickle machine of Python makes of a checkpoint, with the names that docs/formats.md lists and no others."""
    import pickle
    import types

    import torch

    names = {"collections.OrderedDict", "collections.Counter", "torch.Size", "torch.device", "torch.storage.UntypedStorage"}
    builders = {f"torch._utils._rebuild_{name}" for name in ["tensor", "tensor_v2", "tensor_v3", "parameter"]}
    names |= {str(value) for value in vars(torch).values() if isinstance(value, torch.dtype)}

    # The one in C reads on where a frame is cut, and takes what it finds for places of a memo of many gigabytes.
    class Named(pickle._Unpickler):
        def find_class(self, module, name):
            known = f"{module}.{name}"
            if known not in names | builders:
                raise pickle.UnpicklingError(f"the name {known}")
            found = super().find_class(module, name)
            return tolerant(found) if known in builders else found

        def __setattr__(self, name, value):
            super().__setattr__(name, tolerant(value) if name == "persistent_load" else value)

    # torch.load has versions that read with Python's own names whatever is asked for.
    with torch.serialization._open_zipfile_reader(path) as archive:
        return torch.serialization._load(archive, "cpu", types.SimpleNamespace(Unpickler=Named), encoding="utf-8")


def with_torch(path):
    import torch

    # Which operations of pickles `weights_only` knows differs from version to version of torch, and is those of protocol 2 that a pickler
    # writes. Others mean what Python takes them for.
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        found = load_named(path)
    tensors = {}

    def collect(value):
        return isinstance(value, dict) and len(value) > 0 and all(isinstance(one, (torch.Tensor, Unbuilt)) for one in value.values())

    if not collect(found):
        inner = [one for key, one in found.items() if collect(one)] if isinstance(found, dict) else []
        if len(inner) != 1:
            raise LookupError("which state dict is meant is ours to say")
        found = inner[0]
    if all(isinstance(name, str) and name.startswith("module.") for name in found):
        found = {name[len("module."):]: tensor for name, tensor in found.items()}
    for name, tensor in found.items():
        if isinstance(tensor, Unbuilt):
            raise ValueError(tensor.why)
        tensors[name] = tensor
    names = {"torch.bfloat16": "BF16"}
    out = []
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        code = names.get(str(tensor.dtype))
        shape = list(tensor.shape)
        array = (tensor.view(torch.int16) if code and tensor.dim() else tensor.reshape(1).view(torch.int16) if code else tensor).numpy()
        out.append({**described(name, array, code), "shape": shape})
    return out


def with_onnx(path):
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    base = os.path.dirname(path)
    names = {16: "BF16"}
    out = []
    for tensor in model.graph.initializer:
        if tensor.data_type in [17, 19, 24]:
            raise LookupError("older versions of onnx have no floats of 8 bits")
        # Initializers of other types are a part of the graph, of which RADIN lists none.
        if tensor.data_type not in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16]:
            continue
        code = names.get(tensor.data_type)
        if code:
            if not tensor.raw_data:
                raise LookupError("this version of onnx gives such numbers as float32")
            size = int(np.prod(tensor.dims))
            out.append({**described(tensor.name, np.frombuffer(tensor.raw_data, "<u2", size), code), "shape": list(tensor.dims)})
        else:
            out.append(described(tensor.name, numpy_helper.to_array(tensor, base)))
    return out


read = {"numpy": with_numpy, "torch": with_torch, "onnx": with_onnx}[sys.argv[1]]
# Which takes seconds, and is no part of reading the first file.
importlib.import_module(sys.argv[1])
print("ready", file=OUT, flush=True)
for line in sys.stdin:
    try:
        answer = {"tensors": read(json.loads(line))}
    except LookupError as error:
        answer = {"skipped": str(error)} if type(error) is LookupError else {"refused": f"{type(error).__name__}: {error}"}
    except BaseException as error:
        answer = {"refused": f"{type(error).__name__}: {str(error)[-300:]}"}
    print(json.dumps(answer), file=OUT, flush=True)
