"""The network of the digits pool: a small vision transformer whose every parameter is averaged by a soup."""

import torch
from torch import Tensor, nn

IMAGE_SIDE = 28
PATCH = 7
TOKENS = (IMAGE_SIDE // PATCH) ** 2
WIDTH = 48
HEADS = 4
DEPTH = 2
MLP_WIDTH = 4 * WIDTH
DIGITS = 10

# Mean and standard deviation of MNIST pixels on the 0..1 scale. Python numbers and not buffers: a buffer would enter
# the state dict, and a soup would average a constant.
PIXEL_MEAN = 0.1307
PIXEL_STD = 0.3081


class Attention(nn.Module):
    """Multi-head self-attention over float32 [batch, TOKENS, WIDTH]; the output has the input's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, TOKENS, WIDTH] to the same shape."""
        # Only -1 for the batch in each reshape: the exported graph then holds constant shapes and no Shape/Gather
        # arithmetic, and still takes any batch size.
        qkv = self.qkv(x).reshape(-1, TOKENS, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0], qkv[1], qkv[2]
        scores = query @ key.transpose(-2, -1) * (WIDTH // HEADS) ** -0.5
        mixed = scores.softmax(dim=-1) @ value
        return self.proj(mixed.transpose(1, 2).reshape(-1, TOKENS, WIDTH))


class Block(nn.Module):
    """A pre-norm transformer block over float32 [batch, TOKENS, WIDTH]; the output has the input's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, MLP_WIDTH)
        self.fc2 = nn.Linear(MLP_WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, TOKENS, WIDTH] to the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))


class PatchTransformer(nn.Module):
    """Classifier of 28x28 grey images; the head has `classes` outputs."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, WIDTH, kernel_size=PATCH, stride=PATCH)
        self.position = nn.Parameter(0.02 * torch.randn(1, TOKENS, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map pixel values 0..255, float32 [batch, 1, 28, 28], to logits, float32 [batch, classes]."""
        x = self.patch((pixels / 255.0 - PIXEL_MEAN) / PIXEL_STD)
        x = x.reshape(-1, WIDTH, TOKENS).transpose(1, 2) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(dim=1))


def with_new_head(pretrained: PatchTransformer, classes: int, seed: int) -> PatchTransformer:
    """Copy `pretrained`, with a new head of `classes` outputs drawn from `seed`.

    The result is the initialisation that all models of the pool share, head included: without a common head their
    average would be meaningless.
    """
    torch.manual_seed(seed)
    model = PatchTransformer(classes)
    weights = {name: value for name, value in pretrained.state_dict().items() if not name.startswith("head.")}
    model.load_state_dict(weights, strict=False)
    nn.init.normal_(model.head.weight, std=0.02)
    nn.init.zeros_(model.head.bias)
    return model
