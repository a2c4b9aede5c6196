"""Writes the hostile files beside it: python3 write_hostile.py. Each must be refused with a one-line error."""
import json
import pathlib
import struct

import onnx
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).parent
W = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def safetensors(name, header, data=bytes(8)):
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def npy(name, header):
    text = header.encode()
    (HERE / f"{name}.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8))


def graph(name, tensor):
    node = helper.make_node("Identity", ["w"], ["y"])
    made = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])], tensor)
    (HERE / f"{name}.onnx").write_bytes(helper.make_model(made).SerializeToString())


def external(location):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


safetensors("two-tensors-of-one-name", '{"w":%s,"w":%s}' % (json.dumps(W), json.dumps(W)))
safetensors("overlap", {"a": W, "b": W})
safetensors("hole", {"a": {**W, "data_offsets": [8, 16]}}, bytes(16))
safetensors("size-overflows-64-bits", {"a": {**W, "shape": [2 ** 31, 2 ** 31, 4], "data_offsets": [0, 0]}}, b"")
safetensors("deep", '{"a":' + "[" * 10_000)
safetensors("prototype", '{"__proto__":{"dtype":"F32"}}')
safetensors("terminal-escapes", {"\x1b[2Jradin: all is well\nw\u202e": {**W, "dtype": "X"}})
(HERE / "header-of-eight-exabytes.safetensors").write_bytes(struct.pack("<Q", 2 ** 63) + b"{}")
npy("code", "{'descr': __import__('os').abort(), 'fortran_order': False, 'shape': (2,), }\n")
npy("size-overflows-64-bits", "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n")
npy("negative-size", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }\n")
graph("two-initializers-of-one-name", [helper.make_tensor("w", TensorProto.FLOAT, [2], [1, 2])] * 2)
graph("negative-size", [TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-2])])
graph("external-other-folder", [external("../../secret")])
graph("external-memory-address", [external("*/_ORT_MEM_ADDR_/*")])
(HERE / "truncated.onnx").write_bytes((HERE / "negative-size.onnx").read_bytes()[:-3])
