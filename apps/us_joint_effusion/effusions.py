"""From probabilities to at most one effusion a frame, with its figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.check.noise import diagonal_details
from operators.measure.least_area import LeastArea
from operators.measure.planar import PlanarFigures, components, largest_component, planar_figures
from operators.measure.thickness import Thickness, greatest_thickness

Spacing = tuple[float, float]
THRESHOLD = 0.5
_MEDIAN_OF_MAGNITUDE = 0.6745
"""Of a normal variable of standard deviation 1."""


@dataclass(frozen=True)
class Effusion:
    """The effusion of one frame.

    ``figures`` and the greatest ``thickness`` along the beam are in mm (in pixels where ``is_calibrated`` is not).
    ``echo_level`` is the mean grey of the fluid and ``confidence`` its mean probability, both from 0 to 1. ``others``
    are the outlines of the frame that are large enough, too, but are not measured as they are smaller.
    """

    figures: PlanarFigures
    thickness: Thickness
    echo_level: float
    confidence: float
    is_calibrated: bool
    others: int = 0


def effusion_mask(probability: NDArray[np.float32], spacing: Spacing | None, least: LeastArea) -> NDArray[np.bool_]:
    """Return the largest connected part of a frame (row, column) without its holes; nothing if it is too small."""
    shape = (int(probability.shape[0]), int(probability.shape[1]))
    return largest_component(probability > THRESHOLD, smallest_pixels=least.pixels(shape, spacing))


def other_outlines(probability: NDArray[np.float32], spacing: Spacing | None, least: LeastArea) -> int:
    """Return how many connected parts of a frame (row, column) are large enough beside the largest."""
    shape = (int(probability.shape[0]), int(probability.shape[1]))
    outlines = components(probability > THRESHOLD, smallest_pixels=least.pixels(shape, spacing))
    return max(0, int(outlines.max()) - 1)


def measure_effusion(
    mask: NDArray[np.bool_],
    picture: NDArray[np.float32],
    probability: NDArray[np.float32],
    spacing: Spacing | None,
    *,
    others: int = 0,
) -> Effusion | None:
    """Measure the effusion of one frame, all (row, column); None where there is none."""
    if not mask.any():
        return None
    scale = spacing or (1.0, 1.0)
    return Effusion(
        planar_figures(mask, scale),
        greatest_thickness(mask, scale[0]),
        float(picture[mask].mean()),
        float(probability[mask].mean()),
        spacing is not None,
        others,
    )


def noise_level(picture: NDArray[np.float32]) -> float:
    """Return the standard deviation of a picture's noise, of the whole range of grey.

    It is Donoho's estimate from the diagonal Haar coefficients, the band that the network's pooling leaves out. Fine
    speckle counts as noise, too: the level is to be compared with that of like pictures.
    """
    return float(np.median(np.abs(diagonal_details(picture[None])))) / _MEDIAN_OF_MAGNITUDE
