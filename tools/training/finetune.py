"""Training loops: the shared pretraining and the fine-tuning of one model from it."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from digits import Part


@dataclass(frozen=True)
class Recipe:
    """How one model is fine-tuned.

    `epochs` are passes over the training images, `batch` images per step; `rotation` is in degrees, `shift` in pixels
    and `zoom` a relative size change, each the largest that augmentation draws; `mixup` is the parameter of the Beta
    distribution (0: none). After its warm-up the learning rate stays constant or, with `cosine_decay`, falls to zero.
    """

    learning_rate: float
    epochs: int
    seed: int
    batch: int = 32
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    mixup: float = 0.0
    cosine_decay: bool = False


def to_pixels(images: NDArray[np.uint8]) -> Tensor:
    """Cast uint8 [count, 1, 28, 28] to float32 pixel values 0..255 of the same shape, the network's input."""
    return torch.from_numpy(images.astype(np.float32))


def count_correct(model: nn.Module, part: Part) -> int:
    """Count the images of `part` that the model classifies correctly."""
    model.eval()
    correct = 0
    with torch.no_grad():
        for start in range(0, len(part.labels), 500):
            logits = model(to_pixels(part.images[start:start + 500]))
            correct += int((logits.argmax(dim=1).numpy() == part.labels[start:start + 500]).sum())
    return correct


def _augment(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Turn, shift and zoom each image of float32 [batch, 1, 28, 28] at random."""
    if recipe.rotation == recipe.shift == recipe.zoom == 0:
        return pixels
    count = len(pixels)
    angle = (2 * torch.rand(count) - 1) * math.radians(recipe.rotation)
    scale = 1 + (2 * torch.rand(count) - 1) * recipe.zoom
    # affine_grid measures in half images.
    shift = (2 * torch.rand(count, 2) - 1) * recipe.shift / (pixels.shape[-1] / 2)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1)
    grid = functional.affine_grid(rows.reshape(-1, 2, 3), list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, align_corners=False)


def _mixed_loss(model: nn.Module, pixels: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Cross entropy of one batch, mixed with a shuffled copy of itself where the recipe says so."""
    smoothing = recipe.label_smoothing
    if recipe.mixup == 0:
        return functional.cross_entropy(model(pixels), labels, label_smoothing=smoothing)
    share = float(np.random.beta(recipe.mixup, recipe.mixup))
    other = torch.randperm(len(labels))
    logits = model(share * pixels + (1 - share) * pixels[other])
    return share * functional.cross_entropy(logits, labels, label_smoothing=smoothing) + (
        1 - share
    ) * functional.cross_entropy(logits, labels[other], label_smoothing=smoothing)


def train(model: nn.Module, pixels: Tensor, labels: Tensor, recipe: Recipe) -> None:
    """Train `model` in place on float32 pixels [count, 1, 28, 28] and int64 labels [count].

    AdamW with a short warm-up; everything random follows from `recipe.seed`.
    """
    torch.manual_seed(recipe.seed)
    np.random.seed(recipe.seed)
    steps_per_epoch = math.ceil(len(labels) / recipe.batch)
    steps = recipe.epochs * steps_per_epoch
    warmup = max(1, min(steps // 10, 100))
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if recipe.cosine_decay:
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
        return 1.0

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    model.train()
    order = torch.empty(0, dtype=torch.int64)
    for step in range(steps):
        position = step % steps_per_epoch * recipe.batch
        if position == 0:
            order = torch.randperm(len(labels))
        rows = order[position:position + recipe.batch]
        loss = _mixed_loss(model, _augment(pixels[rows], recipe), labels[rows], recipe)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def fine_tune(start: nn.Module, part: Part, recipe: Recipe) -> nn.Module:
    """Return a copy of `start` trained on `part` by `recipe`; `start` stays as it is."""
    model = copy.deepcopy(start)
    train(model, to_pixels(part.images), torch.from_numpy(part.labels.astype(np.int64)), recipe)
    return model
