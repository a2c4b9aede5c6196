"""Export the graph that converted CLIP checkpoints share to ONNX."""

import argparse
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))

from clip_model import classifier_of
from export import export_graph
from safetensors_io import load_safetensors


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description="Export the graph of converted CLIP checkpoints.")
    parser.add_argument("checkpoint", type=Path, help="a .safetensors file of convert_checkpoints.py: the sizes are its")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file")
    arguments = parser.parse_args()
    try:
        shapes = {name: tuple(value.shape) for name, value in load_safetensors(arguments.checkpoint).items()}
        model = classifier_of(shapes)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {arguments.checkpoint}: {error}")
    torch.manual_seed(0)
    # The values are never used, as every model brings its own. They are random because the exporter merges weights that are
    # equal, such as those of two new LayerNorms.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.02)
    export_graph(model, arguments.out, (3, model.side, model.side))


if __name__ == "__main__":
    main()
