"""A screenshot against the picture that it should show, and its overlay against the mask that it should be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.viewers.marks import View, on_screen

Colour = tuple[int, int, int]

# Grey images have no chroma; an overlay of half opacity has half of its colour's, and that is at least 100.
_LEAST_CHROMA = 40
# Cosine between the hues of a pixel and of a segment.
_SAME_HUE = 0.9
# Pixels of the screen.
_INTERPOLATED = 1.5
_TILES = 8
# Standard deviation of brightness, of 255.
_LEAST_CONTRAST = 2.0


def coloured(screenshot: NDArray[np.uint8], colour: Colour) -> NDArray[np.bool_]:
    """Which pixels of a screenshot, (y, x, 3) of sRGB, have the hue of a colour over some grey."""
    pixels = screenshot.astype(float)
    chroma = pixels - pixels.mean(axis=-1, keepdims=True)
    hue = np.array(colour) - np.mean(colour)
    along = chroma @ (hue / np.linalg.norm(hue))
    is_coloured = np.ptp(screenshot, axis=-1) > _LEAST_CHROMA
    return np.asarray(is_coloured & (along > _SAME_HUE * np.linalg.norm(chroma, axis=-1)))


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Twice the common pixels over the sum of both; 1 where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def agreement(
    screenshot: NDArray[np.uint8],
    view: View,
    labels: NDArray[np.uint8],
    colours: Mapping[int, Colour],
    *,
    outlines: bool = False,
) -> dict[int, float]:
    """Dice of each segment between the screenshot and ``labels``, (slice, row, column), within the image's margin.

    1 for a segment that is not on the slice and not on the screen. With ``outlines`` a segment is what its closed
    lines on the screen enclose.
    """
    height, width, _ = screenshot.shape
    expected, within = on_screen(labels[view.number], view, height, width)
    found = {}
    for number, colour in colours.items():
        seen = coloured(screenshot, colour) & within
        if outlines:
            seen = ndimage.binary_fill_holes(seen)
        found[number] = dice(seen, (expected == number) & within)
    return found


def likeness(screenshot: NDArray[np.uint8], picture: NDArray[np.uint8]) -> float:
    """Correlation of brightness between a viewport and a picture in its middle, as large as it fits; 0 if blank.

    It is the median over tiles, as texts and controls cover some of them. Both are blurred a little: how a viewer
    interpolates is its own affair.
    """
    height, width, _ = screenshot.shape
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    expected = np.asarray(Image.fromarray(picture).convert("L").resize(size, Image.Resampling.BILINEAR), dtype=float)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    seen = screenshot[top : top + size[1], left : left + size[0]].mean(axis=-1)
    tiles = zip(*(_tiles(ndimage.gaussian_filter(each, _INTERPOLATED)) for each in (expected, seen)), strict=True)
    # Where nothing is expected, nothing can be recognised.
    found = [_correlation(first, second) for first, second in tiles if np.std(first) > _LEAST_CONTRAST]
    return float(np.median(found)) if found else 0.0


def _tiles(brightness: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [
        tile for rows in np.array_split(brightness, _TILES, axis=0) for tile in np.array_split(rows, _TILES, axis=1)
    ]


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1]) if np.std(second) > 0 else 0.0
