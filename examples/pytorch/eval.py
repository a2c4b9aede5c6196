"""Evaluates one model: what `radin` runs for every model and soup (see radin.yaml)."""

import argparse
import json
import os
import struct

import numpy as np
import torch

from digits import logits_of, make_network

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def load_safetensors(path):
    """The tensors of a safetensors file, by name: with the package where it is installed, else by hand."""
    try:
        from safetensors.torch import load_file

        return load_file(path)
    except ImportError:
        pass
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            values = np.frombuffer(data[begin:end], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--split", required=True, choices=["validation", "test"])
    parser.add_argument("--logits", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    # One GPU for each evaluation that runs at the same time, where there are several.
    slot = int(os.environ.get("RADIN_SLOT", 0))
    gpus = torch.cuda.device_count()
    device = f"cuda:{slot % gpus}" if gpus else "cpu"
    network = make_network()
    network.load_state_dict(load_safetensors(options.weights))
    np.save(options.logits, logits_of(network, np.load(f"data/{options.split}_inputs.npy"), device))


if __name__ == "__main__":
    main()
