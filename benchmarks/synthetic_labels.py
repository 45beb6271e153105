"""Label maps to measure writing with: organs' sizes and places, no organs' shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ellipsoids(shape: tuple[int, ...], count: int) -> NDArray[np.uint8]:
    """Return a label map (slice, row, column) of ``count`` ellipsoids, smaller ones over larger ones.

    One is as large as a liver, ten are as large as organs, a hundred as structures of a whole-body segmentation: they
    take about a half, a third and a fifth of the slices each.
    """
    random = np.random.default_rng(1)
    low, high = (0.25, 0.26) if count == 1 else (0.1, 0.25) if count <= 10 else (0.06, 0.14)
    labels = np.zeros(shape, np.uint8)
    sizes = random.uniform(low, high, (count, 3))
    for number, size in enumerate(sizes[np.argsort(-sizes.prod(axis=1))], start=1):
        radii = size * shape
        centre = random.uniform(0.2, 0.8, 3) * shape if count > 1 else np.array(shape) / 2
        begin = np.maximum(0, (centre - radii).astype(int))
        end = np.minimum(shape, (centre + radii).astype(int) + 1)
        box = tuple(slice(first, last) for first, last in zip(begin, end, strict=True))
        distances = [
            ((axis - middle) / radius) ** 2 for axis, middle, radius in zip(np.ogrid[box], centre, radii, strict=True)
        ]
        labels[box][distances[0] + distances[1] + distances[2] < 1] = number
    return labels
