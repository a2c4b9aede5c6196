"""Export of a network to ONNX, every weight an initializer under its own state-dict name."""

import inspect
from pathlib import Path

import onnx
import torch
from torch import nn

from pixels import IMAGE_SIDE

OPSET = 17


def export_graph(model: nn.Module, path: Path, sample: tuple[int, ...] = (1, IMAGE_SIDE, IMAGE_SIDE)) -> None:
    """Write `model` to `path`: input `input` float32 [batch, *sample] (pixels 0..255), output `logits` [batch, classes].

    The initializers hold the weights that `model` has now; a soup replaces them by name.
    """
    model.eval()
    # From PyTorch 2.9 on another exporter is the default, which needs packages of its own and names weights otherwise.
    exporter = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(
        model,
        (torch.zeros(2, *sample),),
        str(path),
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=OPSET,
        # Folding would replace each linear layer's weight by a transposed copy called `onnx::MatMul_<number>`, and no
        # checkpoint would have a tensor of that name and shape.
        do_constant_folding=False,
        **exporter,
    )
    check_graph(path, model)


def check_graph(path: Path, model: nn.Module) -> None:
    """Raise ValueError unless the weights in the graph are the state dict's, by name, shape and type."""
    graph = onnx.load(str(path))
    onnx.checker.check_model(graph, full_check=True)
    # The exporter also merges initializers of equal value (two fresh LayerNorms, say); the comparison finds that too.
    found = {
        weight.name: tuple(weight.dims)
        for weight in graph.graph.initializer
        if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) > 0
    }
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items() if value.is_floating_point()}
    if found != wanted:
        different = sorted(set(found.items()) ^ set(wanted.items()))
        raise ValueError(f"{path}: the graph's weights are not the state dict's: {different}")
