"""The images that every network here reads, and the scaling that is the first step of every graph."""

from torch import Tensor

IMAGE_SIDE = 28

# Mean and standard deviation of MNIST pixels on the 0..1 scale. Python numbers and not buffers: a buffer would enter
# the state dict, and a soup would average a constant.
PIXEL_MEAN = 0.1307
PIXEL_STD = 0.3081


def normalized(pixels: Tensor) -> Tensor:
    """Scale pixel values 0..255 of any shape to about zero mean and unit deviation."""
    return (pixels / 255.0 - PIXEL_MEAN) / PIXEL_STD
