"""From probabilities to the masses of a frame, with their figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.least_area import LeastArea
from operators.measure.planar import PlanarFigures, components, planar_figures

THRESHOLD = 0.5


@dataclass(frozen=True)
class Mass:
    """A mass in one frame: figures in mm (in pixels where ``is_calibrated`` is not), mean probability inside.

    Where it ``is_cut`` by the edge of the picture, its sizes are at least these, and its shape is not known.
    """

    figures: PlanarFigures
    confidence: float
    is_calibrated: bool
    is_cut: bool

    @property
    def height_to_width(self) -> float:
        """Extent along the beam by extent across it: above 1 the mass is taller than wide (ACR BI-RADS)."""
        return self.figures.height / self.figures.width


def mass_labels(
    probability: NDArray[np.float32], spacing: tuple[float, float] | None, smallest: LeastArea
) -> NDArray[np.int32]:
    """Return the connected parts of a frame (row, column) without their holes, numbered from 1, the largest first."""
    shape = (int(probability.shape[0]), int(probability.shape[1]))
    return components(probability > THRESHOLD, smallest_pixels=smallest.pixels(shape, spacing))


def measure_mass(
    mask: NDArray[np.bool_], probability: NDArray[np.float32], spacing: tuple[float, float] | None
) -> Mass:
    """Measure a mass of one frame (row, column). Raises :class:`ValueError` for an empty mask."""
    figures = planar_figures(mask, spacing or (1.0, 1.0))
    return Mass(figures, float(probability[mask].mean()), spacing is not None, is_cut(mask))


def is_cut(mask: NDArray[np.bool_]) -> bool:
    """Whether a mass (row, column) touches the edge of the picture."""
    return any(bool(edge.any()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
