"""RADIN's second stage with PyTorch's passes: average the best of `radin score`, evaluate them, keep the best soup."""

import argparse
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from logits import accuracy, full_precision, load_classifier, logits_of


def main() -> None:
    """Read the command line, evaluate and print the scores; the soup's file is there at the end or not at all."""
    parser = argparse.ArgumentParser(description="Evaluate the soups of the best candidates of radin score.")
    parser.add_argument("ranking", type=Path, help="what `radin score --json` printed")
    parser.add_argument("--models", type=Path, required=True, help="folder of the .safetensors files that it names")
    parser.add_argument("--inputs", type=Path, required=True, help="validation images, uint8 [count, 3, side, side], .npy")
    parser.add_argument("--labels", type=Path, required=True, help="integers [count], .npy")
    parser.add_argument("--budget", type=int, default=25, help="soups to evaluate (default 25)")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file of the best soup")
    parser.add_argument("--radin", default="npx radin", help='the command line (default "npx radin")')
    parser.add_argument("--batch", type=int, default=512, help="images per pass (default 512)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    full_precision()
    inputs, labels = np.load(arguments.inputs, mmap_mode="r"), np.load(arguments.labels)
    candidates = json.loads(arguments.ranking.read_text())["candidates"][:arguments.budget]
    best = (-1.0, 0)
    with tempfile.TemporaryDirectory(dir=arguments.out.resolve().parent) as folder:
        soup, kept = Path(folder) / "soup.safetensors", Path(folder) / "best.safetensors"
        for number, candidate in enumerate(candidates, start=1):
            models = [str(arguments.models / f"{name}.safetensors") for name in candidate["models"]]
            weights = candidate["weights"]
            # Equal ones are the default, which divides the sum once: 1/3 is no float64.
            options = ["--weights", ",".join(map(repr, weights))] if len(set(weights)) > 1 else []
            command = [*shlex.split(arguments.radin), "average", *models, *options, "--out", str(soup), "--quiet"]
            if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
                raise SystemExit(1)  # it has said why
            logits = logits_of(load_classifier(soup, arguments.device), inputs, arguments.batch, arguments.device)
            score = accuracy(logits, labels)
            print(f"{number} {100 * score:.3f} % (estimate {100 * candidate['approxScore']:.3f} %) "
                  f"{' '.join(candidate['models'])}", flush=True)
            # Of equal soups the larger one, as radin search takes it.
            if (score, len(models)) > best:
                best = (score, len(models))
                os.replace(soup, kept)
        os.replace(kept, arguments.out)
    print(f"best {100 * best[0]:.3f} %, in {arguments.out}")


if __name__ == "__main__":
    main()
