"""Writing and reading the safetensors format without a package for it."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

# Integers keep their type: BatchNorm's step counters are int64, and a soup must not average them.
DTYPES = {
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "bool": "BOOL",
}


def save_safetensors(path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    """Write tensors of any shape and of the types in `DTYPES` to `path`, ordered by name.

    The file is the header's length in bytes (8 bytes, little-endian), the JSON header, and the tensors' little-endian
    values back to back; `data_offsets` count bytes from the end of the header.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        dtype = tensors[name].dtype
        chunk = np.ascontiguousarray(tensors[name], dtype=dtype.newbyteorder("<")).tobytes()
        shape = list(tensors[name].shape)
        header[name] = {"dtype": DTYPES[dtype.name], "shape": shape, "data_offsets": [offset, offset + len(chunk)]}
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    # Readers map the file and cast in place, so the values must start at a multiple of 8 bytes.
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))


def load_safetensors(path: Path) -> dict[str, NDArray[np.generic]]:
    """Map the tensors of a safetensors file, of the types in `DTYPES`; none is read before it is used.

    Raises ValueError where the file is none.
    """
    types = {code: np.dtype(name).newbyteorder("<") for name, code in DTYPES.items()}
    data = np.memmap(path, np.uint8, mode="r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if not 8 < start <= len(data):
        raise ValueError(f"{path}: expected the length of a header but found {start - 8}")
    tensors = {}
    for name, entry in json.loads(data[8:start].tobytes()).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in types:
            raise ValueError(f"{path}: expected one of {', '.join(types)} for {name} but found {entry['dtype']}")
        first, last = entry["data_offsets"]
        tensors[name] = data[start + first:start + last].view(types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def save_model(model: nn.Module, path: Path) -> None:
    """Write the model's state dict (float32) as safetensors."""
    save_safetensors(path, {name: value.numpy() for name, value in model.state_dict().items()})
