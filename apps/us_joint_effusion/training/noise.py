"""The four noises that icpr-09 tries its network with, each of variance 0.01 of the range of grey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]
VARIANCE = 0.01


def gaussian(pictures: Pictures, random: np.random.Generator) -> Pictures:
    """Add normal noise of the variance."""
    return _clipped(pictures + random.normal(scale=np.sqrt(VARIANCE), size=pictures.shape))


def poisson(pictures: Pictures, random: np.random.Generator) -> Pictures:
    """Count as many photons as give the variance at white: 1 / 0.01 of them."""
    return _clipped(random.poisson(pictures.astype(np.float64) / VARIANCE) * VARIANCE)


def salt_and_pepper(pictures: Pictures, random: np.random.Generator) -> Pictures:
    """Set pixels to black or white, as many as make the part ``VARIANCE`` of all."""
    drawn = random.random(pictures.shape)
    return _clipped(np.where(drawn < VARIANCE / 2, 0.0, np.where(drawn > 1 - VARIANCE / 2, 1.0, pictures)))


def speckle(pictures: Pictures, random: np.random.Generator) -> Pictures:
    """Multiply with 1 + noise of the variance."""
    return _clipped(pictures * (1 + random.normal(scale=np.sqrt(VARIANCE), size=pictures.shape)))


NOISES: dict[str, Callable[[Pictures, np.random.Generator], Pictures]] = {
    "gaussian": gaussian,
    "poisson": poisson,
    "salt and pepper": salt_and_pepper,
    "speckle": speckle,
}


def _clipped(values: NDArray[np.floating]) -> Pictures:
    return np.asarray(np.clip(values, 0, 1), dtype=np.float32)
