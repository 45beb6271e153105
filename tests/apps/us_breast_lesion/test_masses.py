from __future__ import annotations

import numpy as np
import pytest

from apps.us_breast_lesion.masses import mass_labels, measure_mass
from operators.measure.least_area import LeastArea

LEAST = LeastArea(area_mm2=10.0, part=0.01)


def probability() -> np.ndarray:
    """A mass of 20 x 10 pixels with a hole, a smaller one of 4 x 4 before it."""
    found = np.full((64, 64), 0.1, dtype=np.float32)
    found[10:30, 20:30] = 0.9
    found[15:17, 24:26] = 0.2
    found[2:6, 50:54] = 0.95
    return found


def sizes(labels: np.ndarray) -> list[int]:
    return [int(count) for count in np.bincount(labels.ravel())[1:]]


def test_the_masses_of_a_frame_are_without_holes_and_not_too_small_the_largest_first() -> None:
    assert sizes(mass_labels(probability(), (0.5, 0.5), LEAST)) == [200]
    # At larger pixels the small one is large enough.
    assert sizes(mass_labels(probability(), (1.0, 1.0), LEAST)) == [200, 16]
    assert sizes(mass_labels(probability(), None, LEAST)) == [200]
    assert sizes(mass_labels(np.zeros((64, 64), dtype=np.float32), None, LEAST)) == []


def test_a_mass_is_measured_in_mm() -> None:
    found = probability()
    mass = measure_mass(mass_labels(found, (0.5, 0.2), LEAST) == 1, found, (0.5, 0.2))
    assert mass.is_calibrated
    assert mass.figures.area == pytest.approx(20.0)
    assert mass.height_to_width == pytest.approx(20 * 0.5 / (10 * 0.2))
    assert mass.confidence == pytest.approx((196 * 0.9 + 4 * 0.2) / 200)


@pytest.mark.parametrize(("rows", "is_cut"), [(slice(0, 20), True), (slice(44, 64), True), (slice(1, 21), False)])
def test_a_mass_at_the_edge_is_known_to_be_cut(rows: slice, is_cut: bool) -> None:
    mask = np.zeros((64, 64), dtype=bool)
    mask[rows, 20:30] = True
    mass = measure_mass(mask, mask.astype(np.float32), (0.5, 0.5))
    assert mass.is_cut == is_cut


def test_without_a_scale_figures_are_in_pixels_and_say_so() -> None:
    found = probability()
    mass = measure_mass(mass_labels(found, None, LEAST) == 1, found, None)
    assert not mass.is_calibrated
    assert mass.figures.height == 20
    with pytest.raises(ValueError, match="empty"):
        measure_mass(np.zeros((8, 8), dtype=bool), np.zeros((8, 8), dtype=np.float32), None)
