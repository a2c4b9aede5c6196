"""Make RADIN's inputs and labels from ImageNet or CIFAR-10: uint8 pixels after CLIP's resizing and cropping.

CLIP's preprocessing works on 8-bit images until it divides by 255 and normalises; those two steps are in the exported graph,
so nothing is lost by storing bytes.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Callable, Iterable, Sequence

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

SIDE = 224
EXTENSIONS = (".jpg", ".jpeg", ".png")
CIFAR_TRAINING_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR_SIDE = 32
CIFAR_IMAGE_BYTES = 3 * CIFAR_SIDE**2
CIFAR_SEED = 2023


def preprocessed(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `side` (bicubic), cut out the middle: uint8 [3, side, side]."""
    image = image.convert("RGB")
    width, height = image.size
    short = min(width, height)
    # The longer side is cut to whole pixels and the margin rounded, as torchvision does.
    width, height = (side if length == short else int(side * length / short) for length in (width, height))
    image = image.resize((width, height), Image.BICUBIC)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return np.array(image.crop((left, top, left + side, top + side))).transpose(2, 0, 1)


def preprocessed_file(path: Path, side: int) -> NDArray[np.uint8]:
    """The same for an image file."""
    with Image.open(path) as image:
        return preprocessed(image, side)


def preprocessed_pixels(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The same for uint8 [height, width, 3]."""
    return preprocessed(Image.fromarray(pixels), side)


def save(name: str, out: Path, make: Callable[..., NDArray[np.uint8]], images: Sequence[object],
         labels: Iterable[int], side: int) -> None:
    """Write `NAME_inputs.npy`, uint8 [count, 3, side, side], image by image, and `NAME_labels.npy`, uint16 [count]."""
    inputs = open_memmap(out / f"{name}_inputs.npy", mode="w+", dtype=np.uint8, shape=(len(images), 3, side, side))
    with ProcessPoolExecutor() as workers:
        for index, pixels in enumerate(workers.map(partial(make, side=side), images, chunksize=64)):
            inputs[index] = pixels
    inputs.flush()
    np.save(out / f"{name}_labels.npy", np.fromiter(labels, np.uint16))
    print(f"{name}: {len(images)} images", flush=True)


def image_folder(folder: Path) -> tuple[list[Path], list[int]]:
    """Images and labels of a folder with one folder per class, in the order of torchvision's ImageFolder."""
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        for root, _, names in sorted(os.walk(folder / name, followlinks=True)):
            found = [Path(root) / file for file in sorted(names) if file.lower().endswith(EXTENSIONS)]
            files += found
            labels += [label] * len(found)
    return files, labels


def imagenet(arguments: argparse.Namespace) -> None:
    """Validation: the training images that the mask holds out; test: the official validation images."""
    held_out = np.load(arguments.held_out) != 0
    files, labels = image_folder(arguments.train)
    if held_out.shape != (len(files),):
        raise SystemExit(f"error: expected one entry per image of {arguments.train}, {len(files)}, "
                         f"but found {held_out.shape} in {arguments.held_out}")
    chosen = np.flatnonzero(held_out)
    save("val", arguments.out, preprocessed_file, [files[index] for index in chosen],
         (labels[index] for index in chosen), arguments.side)
    save("test", arguments.out, preprocessed_file, *image_folder(arguments.val), arguments.side)


def read_cifar(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels uint8 [count, 32, 32, 3] and labels of one file of the binary version: per image its label, then its planes."""
    content = np.frombuffer(path.read_bytes(), np.uint8)
    if len(content) == 0 or len(content) % (1 + CIFAR_IMAGE_BYTES) != 0:
        raise ValueError(f"{path}: expected images of {1 + CIFAR_IMAGE_BYTES} bytes but found {len(content)} bytes")
    rows = content.reshape(-1, 1 + CIFAR_IMAGE_BYTES)
    return rows[:, 1:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1), rows[:, 0].astype(np.int64)


def cifar10(arguments: argparse.Namespace) -> None:
    """Validation: a fiftieth of the training images of each class, drawn from CIFAR_SEED; test: the test images."""
    parts = [read_cifar(arguments.root / name) for name in CIFAR_TRAINING_FILES]
    pixels, labels = (np.concatenate(part) for part in zip(*parts))
    random = np.random.default_rng(CIFAR_SEED)
    chosen = np.sort(np.concatenate([
        random.choice(members, max(1, len(members) // 50), replace=False)
        for members in (np.flatnonzero(labels == label) for label in np.unique(labels))
    ]))
    # Whoever fine-tunes models must leave these out.
    np.save(arguments.out / "held_out.npy", chosen)
    save("val", arguments.out, preprocessed_pixels, pixels[chosen], labels[chosen], arguments.side)
    save("test", arguments.out, preprocessed_pixels, *read_cifar(arguments.root / "test_batch.bin"), arguments.side)


def main() -> None:
    """Read the command line and make the files."""
    parser = argparse.ArgumentParser(description="Make inputs and labels from ImageNet or CIFAR-10.")
    commands = parser.add_subparsers(required=True)
    folders = commands.add_parser("imagenet", help="folders with one folder per class")
    folders.add_argument("--train", type=Path, required=True, help="ImageNet's training images")
    folders.add_argument("--val", type=Path, required=True, help="ImageNet's official validation images")
    folders.add_argument("--held-out", type=Path, required=True,
                         help="imagenet_98_idxs.npy of mlfoundations/model-soups: 1 for each image held out")
    folders.set_defaults(run=imagenet)
    batches = commands.add_parser("cifar10", help="the binary version")
    batches.add_argument("--root", type=Path, required=True, help="the folder cifar-10-batches-bin")
    batches.set_defaults(run=cifar10)
    for command in (folders, batches):
        command.add_argument("--out", type=Path, required=True, help="folder of the .npy files, made if missing")
        command.add_argument("--side", type=int, default=SIDE, help=f"pixels (default {SIDE})")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        arguments.run(arguments)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}")


if __name__ == "__main__":
    main()
