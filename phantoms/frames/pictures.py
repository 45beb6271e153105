"""What the simulated cameras see: pictures in which no flip, shift or swap of colours goes unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def colours(rows: int, columns: int, frames: int = 1) -> Array:
    """RGB of 8 bits (frame, row, column, 3): red grows to the right, green downwards, blue from frame to frame.

    A white square in the upper left and a pure red, green and blue stripe at the bottom tell their own colour.
    """
    row, column = np.mgrid[:rows, :columns]
    picture = np.zeros((frames, rows, columns, 3), np.uint8)
    picture[..., 0] = 255 * column // max(1, columns - 1)
    picture[..., 1] = 255 * row // max(1, rows - 1)
    picture[..., 2] = (np.arange(frames) * 160 // max(1, frames))[:, None, None]
    picture[:, : rows // 6, : columns // 6] = 255
    third = columns // 3
    for channel in range(3):
        picture[:, -(rows // 8) :, channel * third : (channel + 1) * third] = np.eye(3, dtype=np.uint8)[channel] * 255
    return picture


def greys(rows: int, columns: int, frames: int = 1, *, bits: int = 8, signed: bool = False) -> Array:
    """Monochrome (frame, row, column): every pixel of a frame differs as far as the bits allow, frames are shifted.

    The full range of values is used, least and most included.
    """
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    values = np.linspace(low, high, rows * columns).round().astype(np.int64).reshape(rows, columns)
    stacked = np.stack([np.roll(values, 3 * frame, axis=1) for frame in range(frames)])
    return stacked.astype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")


def fan(rows: int, columns: int, frames: int = 1, seed: int = 0) -> Array:
    """Grey of 8 bits (frame, row, column): the sector of an ultrasound probe at the top, with speckle in it."""
    random = np.random.default_rng([seed, 2000])
    row, column = np.mgrid[:rows, :columns].astype(np.float64)
    x, depth = column - (columns - 1) / 2, row + 1.0
    inside = (np.hypot(x, depth) < rows) & (np.abs(np.arctan2(x, depth)) < np.pi / 5)
    speckle = random.rayleigh(45.0, (frames, rows, columns)).clip(1, 255)
    return np.where(inside, speckle, 0).astype(np.uint8)
