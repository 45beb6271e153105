"""A finger joint in B-mode: two bones that cast shadows, a capsule, and fluid between them or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from phantoms.sonography.breast import SimulatedSonogram
from phantoms.sonography.shapes import smooth_field, smooth_line
from phantoms.sonography.speckle import REFERENCE, Scanner, b_mode

_THINNEST = 0.35
"""mm: what is thinner between capsule and bone is no pocket of fluid."""


def simulate_joint(
    *,
    effusion: bool,
    seed: int,
    shape: tuple[int, int] = (256, 256),
    spacing: float = 0.07,
    scanner: Scanner = REFERENCE,
) -> SimulatedSonogram:
    """Simulate a longitudinal section over a joint's back, with square pixels of ``spacing`` mm."""
    random = np.random.default_rng([seed, 125682004])
    rows, columns = shape
    depth = np.arange(rows, dtype=np.float64)[:, None] * np.ones((1, columns))
    across = np.linspace(-1, 1, columns)
    skin = (1.2 + 0.08 * smooth_line(columns, 40, random)) / spacing
    gap = random.uniform(-0.25, 0.25)
    bone = _bone(across, gap, rows, random)
    capsule = _capsule(across, gap, bone, spacing, effusion, random)
    echo = -7.0 + 2.5 * smooth_field(shape, 7, random)
    tendon = (depth > skin + 0.6 / spacing) & (depth < skin + 1.7 / spacing)
    fibres = np.sin(depth * spacing / 0.09 + 2 * smooth_field(shape, 15, random)) > 0.2
    echo = np.where(tendon, np.where(fibres, 3.0, -6.0), echo)
    echo = np.where(depth < skin, 4.0, echo)
    pocket = bone - capsule > _THINNEST / spacing
    mask = (depth > capsule) & (depth < bone) & pocket if effusion else np.zeros(shape, dtype=bool)
    if effusion:
        # Villi of the inflamed synovium hang into the fluid.
        villi = mask & (smooth_field(shape, 3.5, random) > 2.1)
        echo = np.where(mask, random.uniform(-34, -24) + 1.5 * smooth_field(shape, 4, random), echo)
        echo = np.where(villi, -14.0, echo)
    echo = np.where(np.abs(depth - capsule) < 0.12 / spacing, 3.0, echo)
    echo = np.where((depth >= bone) & (depth < bone + 0.28 / spacing), 15.0, echo)
    behind = depth >= bone + 0.28 / spacing
    echo = np.where(behind, -20.0, echo)
    loss = np.where((depth >= bone) & (depth < bone + 0.28 / spacing), 12.0, 1.0)
    image = b_mode(gaussian_filter(echo, 0.6), loss, scanner, random)
    return SimulatedSonogram(image, mask, (spacing, spacing))


def _bone(across: NDArray[np.float64], gap: float, rows: int, random: np.random.Generator) -> NDArray[np.float64]:
    """The surface of the metacarpal head and of the phalanx's base, rows by column: two domes and the cleft between."""
    level = random.uniform(0.52, 0.62) * rows
    left = 0.13 * rows * np.exp(-(((across - gap + 0.52) / 0.42) ** 2))
    right = 0.09 * rows * np.exp(-(((across - gap - 0.55) / 0.40) ** 2))
    cleft = 0.10 * rows * np.exp(-(((across - gap) / 0.10) ** 2))
    return np.asarray(level - left - right + cleft + 0.006 * rows * smooth_line(len(across), 12, random))


def _capsule(
    across: NDArray[np.float64],
    gap: float,
    bone: NDArray[np.float64],
    spacing: float,
    effusion: bool,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """The capsule's rows by column: close above the bone, and lifted by the fluid over the cleft."""
    height = (random.uniform(1.2, 3.4) if effusion else 0.0) / spacing
    width = random.uniform(0.30, 0.55)
    lens = height * np.maximum(0, 1 - ((across - gap - random.uniform(-0.12, 0.05)) / width) ** 2)
    smooth = np.asarray(bone - 0.16 / spacing)
    # Over the cleft the capsule does not follow the bone into it.
    level = np.minimum(smooth, np.percentile(smooth, 60))
    return np.asarray(np.where(lens > 0, np.minimum(level, smooth) - lens, smooth))
