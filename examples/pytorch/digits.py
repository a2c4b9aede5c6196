"""Digits as a pocket calculator shows them, somewhere in a noisy image, and a small network that reads them."""

import numpy as np
import torch
from torch import nn

# Segments of each digit: top, upper left, upper right, middle, lower left, lower right, bottom.
SEGMENTS = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]
SIZE = 12


def draw(digit, left, top, width, half):
    image = np.zeros((SIZE, SIZE), np.float32)
    right, middle, bottom = left + width, top + half, top + 2 * half
    lines = [
        (slice(top, top + 1), slice(left, right + 1)),
        (slice(top, middle + 1), slice(left, left + 1)),
        (slice(top, middle + 1), slice(right, right + 1)),
        (slice(middle, middle + 1), slice(left, right + 1)),
        (slice(middle, bottom + 1), slice(left, left + 1)),
        (slice(middle, bottom + 1), slice(right, right + 1)),
        (slice(bottom, bottom + 1), slice(left, right + 1)),
    ]
    for lit, line in zip(SEGMENTS[digit], lines):
        if lit == "1":
            image[line] = 1
    return image


def make_digits(count, noise, seed):
    """Images [count, 1, SIZE, SIZE], float32, and their digits [count], int64."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    images = np.empty((count, 1, SIZE, SIZE), np.float32)
    for image, digit in zip(images, labels):
        width, half = random.integers(3, 6), random.integers(3, 6)
        left, top = random.integers(0, SIZE - width), random.integers(0, SIZE - 2 * half)
        image[0] = draw(digit, left, top, width, half)
    images += noise * random.standard_normal(images.shape, np.float32)
    return images, labels


def make_network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 9, 10),
    )


@torch.no_grad()
def logits_of(network, images, device="cpu"):
    """Logits [count, 10], float32, in batches."""
    network = network.to(device).eval()
    batches = torch.from_numpy(images).split(256)
    return torch.cat([network(batch.to(device)).cpu() for batch in batches]).numpy()
