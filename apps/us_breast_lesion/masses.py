"""From probabilities to at most one mass a frame, with its figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.least_area import LeastArea
from operators.measure.planar import PlanarFigures, largest_component, planar_figures

THRESHOLD = 0.5


@dataclass(frozen=True)
class Mass:
    """The mass of one frame: figures in mm (in pixels where ``is_calibrated`` is not), mean probability inside.

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


def mass_masks(
    probabilities: NDArray[np.float32], spacing: tuple[float, float] | None, smallest: LeastArea
) -> NDArray[np.bool_]:
    """Return the largest connected part of each frame without its holes, (frame, row, column); nothing if too small."""
    shape = (int(probabilities.shape[1]), int(probabilities.shape[2]))
    pixels = smallest.pixels(shape, spacing)
    return np.stack([largest_component(frame > THRESHOLD, smallest_pixels=pixels) for frame in probabilities])


def measure_mass(
    mask: NDArray[np.bool_], probability: NDArray[np.float32], spacing: tuple[float, float] | None
) -> Mass | None:
    """Measure the mass of one frame (row, column); None where there is none."""
    if not mask.any():
        return None
    figures = planar_figures(mask, spacing or (1.0, 1.0))
    is_cut = any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return Mass(figures, float(probability[mask].mean()), spacing is not None, is_cut)
