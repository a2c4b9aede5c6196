"""The pretraining task: letters of freely licensed Debian fonts, distorted and rendered at 28x28 pixels."""

import string
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

LETTERS = string.ascii_uppercase + string.ascii_lowercase

FONT_ROOT = Path("/usr/share/fonts")
# In a fixed order: the random generator indexes into this list, so the pool depends on it. The package names are in
# README.md.
FONT_FILES = (
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/dejavu/DejaVuSans-Bold.ttf",
    "truetype/dejavu/DejaVuSansMono.ttf",
    "truetype/dejavu/DejaVuSerif.ttf",
    "opentype/cabin/Cabin-Regular.otf",
    "opentype/cabin/Cabin-BoldItalic.otf",
    "opentype/cabin/Cabin-Italic.otf",
    "truetype/comfortaa/Comfortaa-Light.ttf",
    "truetype/comfortaa/Comfortaa-Regular.ttf",
    "truetype/comfortaa/Comfortaa-Bold.ttf",
    "truetype/breip/Breip.ttf",
    "truetype/humor-sans/Humor-Sans.ttf",
    "opentype/dancingscript/DancingScript-Regular.otf",
    "opentype/dancingscript/DancingScript-Bold.otf",
    "opentype/kaushanscript/KaushanScript-Regular.otf",
)

_CANVAS = 112
_SIDE = 28
_FONT_PIXELS = 72
_BOX = 20.0


def load_fonts() -> list[ImageFont.FreeTypeFont]:
    """Open every font of FONT_FILES; a missing one is an error, since skipping it would silently change the pool."""
    missing = [name for name in FONT_FILES if not (FONT_ROOT / name).is_file()]
    if missing:
        raise FileNotFoundError(f"fonts missing under {FONT_ROOT}: {', '.join(missing)} (see README.md)")
    return [ImageFont.truetype(str(FONT_ROOT / name), _FONT_PIXELS) for name in FONT_FILES]


def _glyph(letter: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draw one letter, white on black, its ink centred on a _CANVAS x _CANVAS image."""
    left, top, right, bottom = font.getbbox(letter)
    image = Image.new("L", (_CANVAS, _CANVAS))
    corner = ((_CANVAS - left - right) / 2, (_CANVAS - top - bottom) / 2)
    ImageDraw.Draw(image).text(corner, letter, fill=255, font=font)
    return image


def _distort(glyph: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turn, shear, scale and shift a glyph, thicken its stroke at times, and shrink it to 28x28."""
    if rng.random() < 0.4:
        glyph = glyph.filter(ImageFilter.MaxFilter(5))
    box = glyph.getbbox() or (0, 0, _CANVAS, _CANVAS)
    # Like MNIST, the longer side of the ink fills about 20 of the 28 pixels, whatever the letter's own size.
    fit = max(box[2] - box[0], box[3] - box[1]) / (_BOX * _CANVAS / _SIDE)
    angle = np.deg2rad(rng.uniform(-15, 15))
    shear = rng.uniform(-0.35, 0.35)
    scale_x, scale_y = fit * rng.uniform(0.85, 1.4), fit * rng.uniform(0.9, 1.2)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = matrix @ np.array([[scale_x, shear * scale_x], [0.0, scale_y]])
    centre = np.full(2, _CANVAS / 2)
    shift = centre - matrix @ (centre + rng.uniform(-6, 6, size=2))
    coefficients = (*matrix[0], shift[0], *matrix[1], shift[1])
    warped = glyph.transform((_CANVAS, _CANVAS), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return warped.resize((_SIDE, _SIDE), Image.Resampling.BOX)


def render_letters(
    count: int, seed: int, font_files: Sequence[str] = FONT_FILES
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Render `count` random letters: pixels uint8 [count, 1, 28, 28] (0..255), classes int64 [count] (0..51).

    Each is in a random one of `font_files`, which are among FONT_FILES.
    """
    rng = np.random.default_rng(seed)
    fonts = [font for name, font in zip(FONT_FILES, load_fonts()) if name in font_files]
    glyphs = [[_glyph(letter, font) for letter in LETTERS] for font in fonts]
    images = np.empty((count, 1, _SIDE, _SIDE), dtype=np.uint8)
    labels = rng.integers(len(LETTERS), size=count)
    for index, label in enumerate(labels):
        image = np.asarray(_distort(glyphs[rng.integers(len(fonts))][label], rng), dtype=np.float64)
        image = image * rng.uniform(0.8, 1.3) + rng.normal(0, rng.uniform(0, 12), size=image.shape)
        images[index, 0] = np.clip(np.rint(image), 0, 255)
    return images, labels
