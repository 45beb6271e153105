"""Smooth random fields and outlines that tissue is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]


def smooth_field(shape: tuple[int, int], scale: float, random: np.random.Generator) -> Image:
    """A random field of mean 0 and standard deviation 1 whose structures are ``scale`` pixels wide."""
    field = gaussian_filter(random.normal(size=shape), scale, mode="reflect")
    return np.asarray((field - field.mean()) / field.std())


def smooth_line(length: int, scale: float, random: np.random.Generator) -> Image:
    """The same along a line."""
    line = gaussian_filter1d(random.normal(size=length), scale, mode="reflect")
    return np.asarray((line - line.mean()) / line.std())


def outline(
    shape: tuple[int, int],
    centre: tuple[float, float],
    radii: tuple[float, float],
    *,
    angle: float,
    roughness: float,
    spikes: int,
    random: np.random.Generator,
) -> Mask:
    """An ellipse, or a star-shaped mass around it.

    ``centre`` (row, column) and ``radii`` (along its own axes) are in pixels, ``angle`` in rad. The border departs from
    the ellipse by ``roughness`` (a fraction of the radius) in low harmonics, and in ``spikes`` narrow rays.
    """
    rows, columns = np.indices(shape, dtype=np.float64)
    y, x = rows - centre[0], columns - centre[1]
    along = np.cos(angle) * x + np.sin(angle) * y
    across = -np.sin(angle) * x + np.cos(angle) * y
    direction = np.arctan2(across / radii[1], along / radii[0])
    distance = np.hypot(along / radii[0], across / radii[1])
    border = np.ones(shape)
    for harmonic in range(2, 6):
        border += roughness / harmonic * random.normal() * np.cos(harmonic * direction + random.uniform(0, 2 * np.pi))
    for place in random.uniform(0, 2 * np.pi, size=spikes):
        apart = np.abs(np.angle(np.exp(1j * (direction - place))))
        border += roughness * random.uniform(1.0, 2.2) * np.exp(-((apart / 0.16) ** 2) / 2)
    return np.asarray(distance < np.maximum(border, 0.3))
