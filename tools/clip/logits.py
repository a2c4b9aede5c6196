"""Compute the logits of CLIP checkpoints or soups, on a GPU where there is one, and print their accuracies."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))

from clip_model import ClipClassifier, classifier_of
from safetensors_io import load_safetensors


def load_classifier(path: Path, device: str) -> ClipClassifier:
    """Load one checkpoint or soup. Raises ValueError where the file is none."""
    tensors = load_safetensors(path)
    model = classifier_of({name: tuple(value.shape) for name, value in tensors.items()})
    model.load_state_dict({name: torch.from_numpy(np.array(value, np.float32)) for name, value in tensors.items()})
    return model.to(device).eval()


def logits_of(model: ClipClassifier, inputs: NDArray[np.uint8], batch: int, device: str) -> NDArray[np.float32]:
    """Logits float32 [count, classes] of pixels uint8 [count, 3, side, side], which may be mapped from a file."""
    with torch.no_grad():
        batches = [
            model(torch.from_numpy(np.array(inputs[start:start + batch])).to(device).float()).cpu()
            for start in range(0, len(inputs), batch)
        ]
    return torch.cat(batches).numpy()


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Fraction of the rows whose largest logit, the first of equals, is the label's."""
    return float((logits.argmax(axis=1) == labels).mean())


def full_precision() -> None:
    """Forbid the shortened float32 products of newer GPUs, which would make soups and ensembles differ by more than they do."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def main() -> None:
    """Read the command line and compute."""
    parser = argparse.ArgumentParser(description="Compute logits of CLIP checkpoints or soups.")
    parser.add_argument("models", type=Path, nargs="+", help=".safetensors files")
    parser.add_argument("--inputs", type=Path, required=True, help="uint8 [count, 3, side, side], .npy")
    parser.add_argument("--labels", type=Path, required=True, help="integers [count], .npy")
    parser.add_argument("--out", type=Path, help="folder of the logits, float32 [count, classes], one .npy per model")
    parser.add_argument("--batch", type=int, default=512, help="images per pass (default 512)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    full_precision()
    inputs, labels = np.load(arguments.inputs, mmap_mode="r"), np.load(arguments.labels)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
    for path in arguments.models:
        began = time.monotonic()
        try:
            logits = logits_of(load_classifier(path, arguments.device), inputs, arguments.batch, arguments.device)
        except (OSError, RuntimeError, ValueError) as error:
            raise SystemExit(f"error: {path}: {str(error).splitlines()[0]}")
        if arguments.out is not None:
            np.save(arguments.out / f"{path.stem}.npy", logits)
        score = accuracy(logits, labels)
        print(f"{path.stem} {100 * score:.3f} % in {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
