"""Two more small networks for pools: a convolutional one without batch normalisation and an MLP-mixer."""

from torch import Tensor, nn

from pixels import IMAGE_SIDE, normalized

_PATCH = 7
_TOKENS = (IMAGE_SIDE // _PATCH) ** 2


class ConvNet(nn.Module):
    """Classifier of 28x28 grey images: three convolutions with ReLU, each at half the resolution, and a linear head.

    Without batch normalisation: its running statistics would be averaged like weights, which they are not.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(64 * 4 * 4, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map pixel values 0..255, float32 [batch, 1, 28, 28], to logits, float32 [batch, classes]."""
        x = self.conv1(normalized(pixels)).relu()
        x = self.conv2(x).relu()
        x = self.conv3(x).relu()
        return self.head(x.reshape(-1, 64 * 4 * 4))


class MixerBlock(nn.Module):
    """A pre-norm mixer block over float32 [batch, _TOKENS, width]; the output has the input's shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.tokens1 = nn.Linear(_TOKENS, 2 * _TOKENS)
        self.tokens2 = nn.Linear(2 * _TOKENS, _TOKENS)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [batch, _TOKENS, width] to the same shape."""
        mixed = self.tokens2(nn.functional.gelu(self.tokens1(self.norm1(x).transpose(1, 2))))
        x = x + mixed.transpose(1, 2)
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))


class Mixer(nn.Module):
    """Classifier of 28x28 grey images by an MLP-mixer over 7x7-pixel patches; the head has `classes` outputs."""

    def __init__(self, classes: int, width: int = 40, depth: int = 2) -> None:
        super().__init__()
        self.width = width
        self.patch = nn.Conv2d(1, width, kernel_size=_PATCH, stride=_PATCH)
        self.blocks = nn.ModuleList(MixerBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map pixel values 0..255, float32 [batch, 1, 28, 28], to logits, float32 [batch, classes]."""
        x = self.patch(normalized(pixels)).reshape(-1, self.width, _TOKENS).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(dim=1))
