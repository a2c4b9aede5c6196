"""The data of the pools: letters to pretrain on, and digits or letters to fine-tune on and to be evaluated on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digits import Part
from letters import FONT_FILES, LETTERS, render_letters

# Upright fonts teach the features; the fonts that look like handwriting are left for fine-tuning, so that it has
# something to learn.
PRETRAINING_FONTS = FONT_FILES[:7]
FINE_TUNING_FONTS = FONT_FILES[7:]

PRETRAINING_IMAGES = 24_000
PRETRAINING_SEED = 101

ALPHABET = len(LETTERS) // 2


def pretraining_letters() -> Part:
    """Render the letters of the upright fonts, 52 classes."""
    return Part(*render_letters(PRETRAINING_IMAGES, PRETRAINING_SEED, PRETRAINING_FONTS))


def letters(count: int, seed: int, fonts: Sequence[str] = FINE_TUNING_FONTS, fold_case: bool = False) -> Part:
    """Render letters of the fonts that look like handwriting; 26 classes with `fold_case`, else 52."""
    images, labels = render_letters(count, seed, fonts)
    return Part(images, labels % ALPHABET if fold_case else labels)


def with_noise(labels: NDArray[np.integer], classes: int, share: float, seed: int) -> NDArray[np.integer]:
    """Replace each label with probability `share` by another class, all of them equally likely."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(labels)) < share
    shift = rng.integers(1, classes, size=len(labels))
    return np.where(wrong, (labels + shift) % classes, labels).astype(labels.dtype)
