"""The paper's augmentation: mirrored, turned and enlarged pictures, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from operators.learn.loop import Batch
from operators.learn.pictures import augment_pictures

Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Variant:
    """One way to place a picture: mirrored, then turned by ``angle`` (degrees) and enlarged by ``zoom``."""

    angle: float = 0.0
    zoom: float = 1.0
    mirror_rows: bool = False
    mirror_columns: bool = False

    def apply(self, pictures: Pictures) -> Pictures:
        """Return square pictures (n, channel, row, column) so placed; what comes in from outside is black."""
        mirrored = _mirrored(torch.from_numpy(np.ascontiguousarray(pictures)), self)
        return np.asarray(_turned(mirrored, self.angle, 1 / self.zoom).numpy())

    def invert(self, pictures: Pictures) -> Pictures:
        """Return pictures so placed as they were; what had left the picture is black."""
        turned = _turned(torch.from_numpy(np.ascontiguousarray(pictures)), -self.angle, self.zoom)
        return np.asarray(_mirrored(turned, self).numpy())


# 30, 45, 75, ... 315 as printed; zooms of 0.3 and 0.5 are Keras's: enlarged by up to that much.
PAPER_VARIANTS = (
    Variant(),
    Variant(mirror_columns=True),
    Variant(mirror_rows=True),
    *(Variant(angle) for angle in (30, 45, 75, 90, 115, 135, 150, 175, 200, 225, 250, 270, 315)),
    Variant(zoom=1.3),
    Variant(zoom=1.5),
)


def augment_as_paper(images: Pictures, masks: Pictures, random: np.random.Generator) -> Batch:
    """Return each picture with its mask in one of the paper's variants, drawn anew each time."""
    chosen = [PAPER_VARIANTS[int(index)] for index in random.integers(len(PAPER_VARIANTS), size=len(images))]
    return _placed(images, masks, chosen)


def augment_joints(images: Pictures, masks: Pictures, random: np.random.Generator) -> Batch:
    """Return pictures as a probe may show them: a little turned or enlarged, mirrored, brighter, noisier.

    A probe on a finger never shows bone above skin: nothing is turned upside down.
    """
    chosen = [
        Variant(float(random.uniform(-15, 15)), float(random.uniform(0.9, 1.25)))
        if random.random() < 0.5
        else Variant()
        for _ in images
    ]
    return augment_pictures(*_placed(images, masks, chosen), random)


def _placed(images: Pictures, masks: Pictures, variants: list[Variant]) -> Batch:
    placed, outlines = images.copy(), masks.copy()
    for index, variant in enumerate(variants):
        if variant != Variant():
            one = slice(index, index + 1)
            placed[one] = variant.apply(images[one])
            outlines[one] = variant.apply(masks[one]) > 0.5
    return placed, outlines


def _mirrored(pictures: Tensor, variant: Variant) -> Tensor:
    axes = [axis for axis, wanted in ((2, variant.mirror_rows), (3, variant.mirror_columns)) if wanted]
    return pictures.flip(axes) if axes else pictures


def _turned(pictures: Tensor, angle: float, scale: float) -> Tensor:
    if angle == 0 and scale == 1:
        return pictures
    cosine, sine = (scale * function(math.radians(angle)) for function in (math.cos, math.sin))
    matrix = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]]).expand(len(pictures), 2, 3)
    grid = affine_grid(matrix, list(pictures.shape), align_corners=False)
    return grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
