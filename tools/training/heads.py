"""The initialisation that all models of a pool share."""

from collections.abc import Callable

import torch
from torch import nn


def with_new_head(pretrained: nn.Module, build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Copy `pretrained` into what `build` makes, whose linear layer `head` is drawn anew from `seed`.

    The result is the initialisation that all models of the pool share, head included: without a common head their
    average would be meaningless.
    """
    torch.manual_seed(seed)
    model = build()
    weights = {name: value for name, value in pretrained.state_dict().items() if not name.startswith("head.")}
    model.load_state_dict(weights, strict=False)
    nn.init.normal_(model.head.weight, std=0.02)
    nn.init.zeros_(model.head.bias)
    return model
