"""Convert fine-tuned CLIP checkpoints (`.pt`, state dicts of mlfoundations/model-soups) to safetensors for RADIN."""

import argparse
import pickle
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))

from clip_model import classifier_of
from safetensors_io import save_safetensors

# What classifies an image. The rest of the state dicts belongs to the text encoder, which the fine-tuned models never use.
KEPT = ("model.visual.", "classification_head.")


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict, without the prefix that DataParallel gives its names."""
    # Only tensors: a pickle could run anything.
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise ValueError(f"expected a state dict but found {type(state).__name__}")
    return {name[len("module."):] if name.startswith("module.") else name: value for name, value in state.items()}


def convert(path: Path, target: Path) -> list[str]:
    """Write the parameters that classify images as float32. @returns the names of the tensors left out"""
    state = read_state(path)
    kept = {name: value for name, value in state.items() if name.startswith(KEPT)}
    classifier_of({name: tuple(value.shape) for name, value in kept.items()})
    save_safetensors(target, {name: value.float().contiguous().numpy() for name, value in kept.items()})
    return sorted(set(state) - set(kept))


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(description="Convert fine-tuned CLIP checkpoints to safetensors.")
    parser.add_argument("checkpoints", type=Path, nargs="+", help="state dicts (.pt)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the .safetensors files, made if missing")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in arguments.checkpoints:
        # model_7 comes before model_10 in the order of the names.
        stem = "_".join(part.zfill(2) if part.isdigit() else part for part in path.stem.split("_"))
        target = arguments.out / f"{stem}.safetensors"
        try:
            left_out = convert(path, target)
        except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            raise SystemExit(f"error: {path}: {str(error).splitlines()[0]}")
        print(f"{target}; left out: {', '.join(left_out) or 'nothing'}", flush=True)


if __name__ == "__main__":
    main()
