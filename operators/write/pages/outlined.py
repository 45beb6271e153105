"""Source slices with the outlines of labels drawn into them, pixel for pixel: for viewers that show no overlay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from operators.read.values.display import Voi, shown


def outlined_slices(
    array: NDArray[np.generic],
    labels: NDArray[np.integer],
    colours: Mapping[int, tuple[int, int, int]],
    voi: Voi | None = None,
    *,
    inverted: bool = False,
) -> NDArray[np.uint8]:
    """Return slices in grey with the border pixels of each label in its colour, (slice, row, column, 3) in sRGB.

    ``array`` and ``labels`` are (slice, row, column) on one grid, ``colours`` the sRGB of each label, of which 0 is
    background. A border pixel is one of the label beside, above or below one that is not. Slices are shown by ``voi``,
    without it all from the least to the most value of the whole array; ``inverted`` shows the least white.

    Raises :class:`ValueError` for labels of another grid or without a colour.
    """
    if array.ndim != 3 or labels.shape != array.shape:
        raise ValueError(f"labels {labels.shape} do not lie on slices {array.shape}")
    found = set(np.flatnonzero(np.bincount(labels.ravel())).tolist()) if labels.size else set()
    if unknown := found - {0, *colours}:
        raise ValueError(f"labels {sorted(unknown)} have no colour")
    grey = shown(array, voi, inverted=inverted)
    pictures = np.repeat(grey[..., np.newaxis], 3, axis=3)
    padded = np.pad(labels, ((0, 0), (1, 1), (1, 1)), constant_values=0)
    inner = np.ones(labels.shape, dtype=bool)
    for rows, columns in ((slice(2, None), slice(1, -1)), (slice(0, -2), slice(1, -1))):
        inner &= padded[:, rows, columns] == labels
        inner &= padded[:, columns, rows] == labels
    for label in sorted(found - {0}):
        pictures[(labels == label) & ~inner] = colours[label]
    return pictures
