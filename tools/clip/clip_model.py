"""CLIP's vision transformer with a linear head, as the public model soups are fine-tuned; written from the architecture.

Its parameters have the names and shapes of those state dicts (`model.visual.…`, `classification_head.…`), so that a
checkpoint loads without renaming and the exported graph's initializers have the checkpoints' names.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Of the channels of the images that CLIP was trained on, in [0, 1].
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)

HEAD_WIDTH = 64


class Attention(nn.Module):
    """Multi-head self-attention over float32 [batch, tokens, width]; one projection makes queries, keys and values."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.width, self.tokens, self.heads = width, tokens, max(1, width // HEAD_WIDTH)
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, tokens, width] to the same shape."""
        size = self.width // self.heads
        joint = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        # Only -1 for the batch in each reshape, so that the graph takes any batch size with constant shapes.
        joint = joint.reshape(-1, self.tokens, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        query, key, value = joint[0], joint[1], joint[2]
        shares = (query * size**-0.5 @ key.transpose(-2, -1)).softmax(dim=-1)
        return self.out_proj((shares @ value).transpose(1, 2).reshape(-1, self.tokens, self.width))


class Perceptron(nn.Module):
    """Two linear layers with the sigmoid approximation of GELU that CLIP was trained with."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [..., width] to the same shape."""
        hidden = self.c_fc(x)
        return self.c_proj(hidden * torch.sigmoid(1.702 * hidden))


class Block(nn.Module):
    """A pre-norm transformer block over float32 [batch, tokens, width]."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.attn = Attention(width, tokens)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, tokens, width] to the same shape."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    """Blocks one after the other."""

    def __init__(self, width: int, tokens: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(Block(width, tokens) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, tokens, width] to the same shape."""
        return self.resblocks(x)


class Vision(nn.Module):
    """The image encoder: normalised pixels float32 [batch, 3, side, side] to features [batch, features]."""

    def __init__(self, side: int, patch: int, width: int, layers: int, features: int) -> None:
        super().__init__()
        self.width, self.patches = width, (side // patch) ** 2
        self.conv1 = nn.Conv2d(3, width, kernel_size=patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(self.patches + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, self.patches + 1, layers)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, features))

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, 3, side, side] to the class token's features, float32 [batch, features]."""
        patches = self.conv1(x).reshape(-1, self.width, self.patches).transpose(1, 2)
        first = self.class_embedding.expand(patches.shape[0], 1, self.width)
        tokens = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer(tokens)[:, 0]) @ self.proj


class Encoder(nn.Module):
    """Only there for the first part of the parameters' names."""

    def __init__(self, visual: Vision) -> None:
        super().__init__()
        self.visual = visual


class ClipClassifier(nn.Module):
    """Classifier of RGB images: the image encoder, features scaled to length 1, and a linear head."""

    def __init__(self, side: int, patch: int, width: int, layers: int, features: int, classes: int) -> None:
        super().__init__()
        self.side = side
        self.model = Encoder(Vision(side, patch, width, layers, features))
        self.classification_head = nn.Linear(features, classes)
        # Not saved, as the checkpoints have none.
        self.register_buffer("mean", torch.tensor(MEAN).reshape(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).reshape(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map pixel values 0..255, float32 [batch, 3, side, side], to logits, float32 [batch, classes]."""
        features = self.model.visual((pixels / 255 - self.mean) / self.deviation)
        return self.classification_head(features / features.norm(dim=-1, keepdim=True))


def classifier_of(shapes: dict[str, tuple[int, ...]]) -> ClipClassifier:
    """Make the classifier whose parameters have these shapes; its values are not set.

    Raises ValueError naming the first parameter that is missing, left over or of another shape.
    """
    wanted = ("model.visual.conv1.weight", "model.visual.positional_embedding", "model.visual.proj",
              "classification_head.weight")
    for name in wanted:
        if name not in shapes:
            raise ValueError(f"expected the tensor {name} of a fine-tuned CLIP vision transformer but found none")
    (width, _, _, patch), (tokens, _), (_, features), (classes, _) = (shapes[name] for name in wanted)
    layers = len({name.split(".")[4] for name in shapes if name.startswith("model.visual.transformer.resblocks.")})
    side = patch * math.isqrt(tokens - 1)
    found = ClipClassifier(side, patch, width, layers, features, classes)
    expected = {name: tuple(value.shape) for name, value in found.state_dict().items()}
    for name in [*expected, *shapes]:
        if expected.get(name) != shapes.get(name):
            raise ValueError(f"expected {expected.get(name, 'no tensor')} for {name} but found {shapes.get(name, 'none')}")
    return found
