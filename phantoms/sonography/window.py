"""What a scanner shows of a picture when its field of view ends within a lesion."""

from __future__ import annotations

import numpy as np

from phantoms.sonography.breast import Edge, SimulatedSonogram

_LEAST_PIXELS = 96
"""Of a side that is left."""


def cut_through(picture: SimulatedSonogram, edge: Edge, *, seed: int) -> SimulatedSonogram:
    """Return the picture without what lies beyond a line through its mask: that line is the new ``edge``.

    The line leaves a third to nine tenths of the mask's extent, and the picture at least 96 pixels. Without a mask it
    lies within the outer two fifths of the picture.
    """
    random = np.random.default_rng([seed, 6011])
    axis = 0 if edge in ("top", "bottom") else 1
    occupied = np.flatnonzero(picture.mask.any(axis=1 - axis))
    size = picture.image.shape[axis]
    first, last = (int(occupied[0]), int(occupied[-1]) + 1) if len(occupied) else (0, 0)
    if edge in ("top", "left"):
        line = last - random.uniform(1 / 3, 0.9) * (last - first) if last else random.uniform(0, 0.4) * size
        kept = slice(min(int(line), max(0, size - _LEAST_PIXELS)), None)
    else:
        line = first + random.uniform(1 / 3, 0.9) * (last - first) if last else random.uniform(0.6, 1) * size
        kept = slice(0, max(int(np.ceil(line)), min(size, _LEAST_PIXELS)))
    place = (kept, slice(None)) if axis == 0 else (slice(None), kept)
    return SimulatedSonogram(picture.image[place].copy(), picture.mask[place].copy(), picture.spacing)
