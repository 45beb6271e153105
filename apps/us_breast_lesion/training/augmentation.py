"""The paper's augmentation (icpr-08): three changes of a picture, drawn at random of six."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from operators.learn.loop import Batch

Picture = NDArray[np.float32]
Change = Callable[[Picture, Picture, np.random.Generator], tuple[Picture, Picture]]

DRAWN = 3
"""Changes of one picture."""

_FACTORS = (0.05, 0.95)
"""Of contrast and brightness, as printed: 1 would leave a picture as it is."""
_BLUR = (0.5, 2.0)
"""Pixels at 256 x 256: the paper does not tell how much it blurs."""
_BLUR_SIDE = 256
_LEVELS = 256


def augment_as_paper(images: Picture, masks: Picture, random: np.random.Generator) -> Batch:
    """Return pictures (n, channel, row, column) in [0, 1] with their masks, each changed in three ways of six."""
    changed, outlines = images.copy(), masks.copy()
    for index in range(len(images)):
        for change in drawn_changes(random):
            changed[index], outlines[index] = change(changed[index], outlines[index], random)
    return changed, outlines


def drawn_changes(random: np.random.Generator) -> list[Change]:
    """Return three different changes in the order in which they are to be made."""
    return [CHANGES[index] for index in random.choice(len(CHANGES), DRAWN, replace=False)]


def unchanged(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture (channel, row, column) as it is."""
    return image, mask


def blurred(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture seen through a Gaussian whose width goes with the picture's."""
    sigma = random.uniform(*_BLUR) * image.shape[-1] / _BLUR_SIDE
    return gaussian_filter(image, (0, sigma, sigma)), mask


def equalised(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture in which every level of grey is as frequent as the others, as far as 256 levels allow."""
    levels = np.rint(image * (_LEVELS - 1)).astype(np.intp)
    counts = np.bincount(levels.ravel(), minlength=_LEVELS)
    darker = np.cumsum(counts) - counts
    # The darkest level stays black and the brightest becomes white; a picture of one level has no others.
    span = darker[levels.max()]
    return (darker / span).astype(np.float32)[levels] if span else image, mask


def softened(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture of less contrast: nearer to its mean."""
    mean = float(image.mean())
    return np.asarray(mean + np.float32(random.uniform(*_FACTORS)) * (image - mean), dtype=np.float32), mask


def darkened(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture of less brightness."""
    return np.asarray(np.float32(random.uniform(*_FACTORS)) * image, dtype=np.float32), mask


def mirrored(image: Picture, mask: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return a picture and its mask with left and right exchanged, in one of two cases."""
    return (image[..., ::-1], mask[..., ::-1]) if random.random() < 0.5 else (image, mask)


CHANGES: tuple[Change, ...] = (unchanged, blurred, equalised, softened, darkened, mirrored)
