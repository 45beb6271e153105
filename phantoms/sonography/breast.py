"""A breast in B-mode: skin, fat, gland, muscle, and lesions whose outline is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter

from phantoms.sonography.shapes import Image, Mask, outline, smooth_field, smooth_line
from phantoms.sonography.speckle import REFERENCE, Scanner, b_mode

Edge = Literal["top", "bottom", "left", "right"]
"""Of a picture: the top is the skin."""

_GAP_MM = 2.5
"""Between two masses at least."""
_TRIES = 30
"""To find a place for one mass more."""


class Lesion(str, Enum):
    """What lies in the breast."""

    NONE = "normal"
    BENIGN = "benign"
    """A smooth ellipse, wider than tall, with enhancement behind it: a cyst or a fibroadenoma."""
    MALIGNANT = "malignant"
    """An irregular, dark mass, often taller than wide, with an echogenic rim and a shadow behind it."""


@dataclass(frozen=True, eq=False)
class SimulatedSonogram:
    """A picture and its truth: ``image`` (row, column), ``mask`` of what is sought, ``spacing`` (row, column) in mm."""

    image: NDArray[np.uint8]
    mask: Mask
    spacing: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Tissue:
    echo: Image
    loss: Image
    gland_top: NDArray[np.float64]
    gland_bottom: NDArray[np.float64]


def simulate_breast(
    lesion: Lesion,
    *,
    seed: int,
    shape: tuple[int, int] = (256, 256),
    spacing: float = 0.15,
    scanner: Scanner = REFERENCE,
    sweep: float = 0.0,
    edge: Edge | None = None,
    masses: int = 1,
) -> SimulatedSonogram:
    """Simulate one picture with square pixels of ``spacing`` mm; the same arguments give the same picture.

    ``sweep`` is how far the plane lies from the lesion's middle, of its half thickness: at 0 the section is the
    largest, from 1 on there is none. With ``edge`` the first mass lies across that edge of the picture. ``masses`` of
    the lesion's kind lie apart from each other; where there is no room for so many there are fewer.
    """
    random = np.random.default_rng([seed, 76752008])
    tissue = _tissue(shape, spacing, random)
    mask = np.zeros(shape, dtype=bool)
    if lesion is not Lesion.NONE and abs(sweep) < 1:
        section = float(np.sqrt(1 - sweep**2))
        mask = _mass(lesion, tissue, shape, spacing, section, edge, random)
        _plant(lesion, mask, tissue, spacing, random)
        for _ in range(masses - 1):
            another = _another_mass(lesion, tissue, mask, spacing, section, random)
            _plant(lesion, another, tissue, spacing, random)
            mask |= another
    return SimulatedSonogram(b_mode(tissue.echo, tissue.loss, scanner, random), mask, (spacing, spacing))


def _tissue(shape: tuple[int, int], spacing: float, random: np.random.Generator) -> _Tissue:
    rows, columns = shape
    depth = np.arange(rows, dtype=np.float64)[:, None] * np.ones((1, columns))
    per_millimetre = 1 / spacing
    skin = (1.6 + 0.15 * smooth_line(columns, 40, random)) * per_millimetre
    gland = skin + (random.uniform(5, 9) + 1.2 * smooth_line(columns, 30, random)) * per_millimetre
    muscle = gland + (random.uniform(15, 20) + 1.5 * smooth_line(columns, 45, random)) * per_millimetre
    echo = -13.0 + 2.0 * smooth_field(shape, 6, random)
    # Fat is crossed by thin bright septa.
    septa = np.abs(smooth_field(shape, 11, random)) < 0.045
    echo = np.where(septa, -2.0, echo)
    inside = (depth >= gland) & (depth < muscle)
    echo = np.where(inside, 2.5 * smooth_field(shape, 9, random) - 1.0, echo)
    striated = -9.0 + 5.0 * (
        np.sin((depth - muscle) / (0.55 * per_millimetre) + smooth_field(shape, 20, random)) > 0.75
    )
    echo = np.where(depth >= muscle, striated, echo)
    echo = np.where(depth < skin, 4.0, echo)
    echo = np.where(np.abs(depth - muscle) < 0.3 * per_millimetre, 5.0, echo)
    return _Tissue(gaussian_filter(echo, 0.7), np.ones(shape), gland, muscle)


def _mass(
    lesion: Lesion,
    tissue: _Tissue,
    shape: tuple[int, int],
    spacing: float,
    section: float,
    edge: Edge | None,
    random: np.random.Generator,
    columns: tuple[float, float] = (0.28, 0.72),
) -> Mask:
    """``columns`` are between which parts of the width the middle lies."""
    area = float(np.exp(random.uniform(np.log(25), np.log(220))))  # mm²
    benign = lesion is Lesion.BENIGN
    ratio = random.uniform(1.3, 2.2) if benign else random.uniform(0.7, 1.3)
    across = np.sqrt(area * ratio / np.pi) / spacing
    down = np.sqrt(area / ratio / np.pi) / spacing
    column = random.uniform(*columns) * shape[1]
    top, bottom = tissue.gland_top[int(column)], tissue.gland_bottom[int(column)]
    row = float(np.clip(random.uniform(top, bottom), 0.6 * down + top, max(0.6 * down + top, bottom - 0.4 * down)))
    if edge is not None:
        row, column = _across(edge, (row, column), (across, down), shape, random)
    return outline(
        shape,
        (row, column),
        (section * across, section * down),
        angle=random.uniform(-0.25, 0.25) if benign else random.uniform(-0.5, 0.5),
        roughness=random.uniform(0.01, 0.06) if benign else random.uniform(0.12, 0.24),
        spikes=0 if benign else int(random.integers(3, 9)),
        random=random,
    )


def _across(
    edge: Edge,
    centre: tuple[float, float],
    radii: tuple[float, float],
    shape: tuple[int, int],
    random: np.random.Generator,
) -> tuple[float, float]:
    """The middle (row, column) of a mass of which an edge leaves about a third to five sixths in the picture."""
    (row, column), (across, down) = centre, radii
    inside = random.uniform(-0.3, 0.6)
    if edge in ("top", "bottom"):
        return (inside * down if edge == "top" else shape[0] - 1 - inside * down), column
    return row, inside * across if edge == "left" else shape[1] - 1 - inside * across


def _another_mass(
    lesion: Lesion, tissue: _Tissue, mask: Mask, spacing: float, section: float, random: np.random.Generator
) -> Mask:
    """A mass apart from those of ``mask``; an empty one where no place was found."""
    taken = distance_transform_edt(~mask, sampling=spacing) < _GAP_MM
    for _ in range(_TRIES):
        found = _mass(lesion, tissue, mask.shape, spacing, section, None, random, (0.15, 0.85))
        if not (found & taken).any():
            return found
    return np.zeros_like(mask)


def _plant(lesion: Lesion, mask: Mask, tissue: _Tissue, spacing: float, random: np.random.Generator) -> None:
    benign = lesion is Lesion.BENIGN
    inside = random.uniform(-34, -17) if benign else random.uniform(-24, -15)
    texture = (0.8 if benign else 2.0) * smooth_field(mask.shape, 5, random)
    rim = binary_dilation(mask, iterations=max(1, round((0.2 if benign else 0.8) / spacing))) & ~mask
    tissue.echo[rim] = 2.0 if benign else 4.5
    tissue.echo[mask] = (inside + texture)[mask]
    # What passes less or more of the sound shows behind it: a shadow, or enhancement.
    tissue.loss[mask] = random.uniform(-1.6, 0.2) if benign else random.uniform(3.0, 5.5)
