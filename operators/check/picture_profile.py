"""What a grey picture is like as a picture, whatever it shows: brightness, contrast and texture by depth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_BANDS = 4
_PERCENTILES = (2, 10, 25, 50, 75, 90, 98)
_SCALES = 4
_SMALLEST = 1e-4


def picture_profile(pictures: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the profiles (n, d) of pictures (n, row, column) in [0, 1], of at least 32 pixels a side.

    For each quarter of the rows, which in ultrasound are depth: percentiles, and the logarithm of what each octave of
    structure holds, along rows and along columns. Gain, dynamic range, blur, noise, speckle's size, dark bands and
    drawings change it; what lies where in a row does not. Few samples suffice to fit a reference of it.
    """
    return np.stack([_profile(np.asarray(picture, dtype=np.float64)) for picture in pictures])


def _profile(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    octaves = [picture, *(gaussian_filter(picture, 2.0**scale) for scale in range(_SCALES))]
    details = [finer - coarser for finer, coarser in pairwise(octaves)]
    parts: list[NDArray[np.float64]] = []
    for rows in np.array_split(np.arange(len(picture)), _BANDS):
        parts.append(np.percentile(picture[rows], _PERCENTILES))
        for detail in details:
            across = np.diff(detail[rows], axis=1).std()
            along = np.diff(detail[rows], axis=0).std()
            parts.append(np.log([detail[rows].std() + _SMALLEST, (across + _SMALLEST) / (along + _SMALLEST)]))
    return np.concatenate(parts)
