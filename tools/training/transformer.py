"""A small vision transformer whose every parameter is averaged by a soup."""

import torch
from torch import Tensor, nn

from pixels import IMAGE_SIDE, normalized

PATCH = 7
TOKENS = (IMAGE_SIDE // PATCH) ** 2
HEADS = 4


class Attention(nn.Module):
    """Multi-head self-attention over float32 [batch, TOKENS, width]; the output has the input's shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, TOKENS, width] to the same shape."""
        # Only -1 for the batch in each reshape: the exported graph then holds constant shapes and no Shape/Gather
        # arithmetic, and still takes any batch size.
        qkv = self.qkv(x).reshape(-1, TOKENS, 3, HEADS, self.width // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0], qkv[1], qkv[2]
        scores = query @ key.transpose(-2, -1) * (self.width // HEADS) ** -0.5
        mixed = scores.softmax(dim=-1) @ value
        return self.proj(mixed.transpose(1, 2).reshape(-1, TOKENS, self.width))


class Block(nn.Module):
    """A pre-norm transformer block over float32 [batch, TOKENS, width]; the output has the input's shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, TOKENS, width] to the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))


class PatchTransformer(nn.Module):
    """Classifier of 28x28 grey images; the head has `classes` outputs."""

    def __init__(self, classes: int, width: int = 48, depth: int = 2) -> None:
        super().__init__()
        self.width = width
        self.patch = nn.Conv2d(1, width, kernel_size=PATCH, stride=PATCH)
        self.position = nn.Parameter(0.02 * torch.randn(1, TOKENS, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map pixel values 0..255, float32 [batch, 1, 28, 28], to logits, float32 [batch, classes]."""
        x = self.patch(normalized(pixels))
        x = x.reshape(-1, self.width, TOKENS).transpose(1, 2) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(dim=1))
