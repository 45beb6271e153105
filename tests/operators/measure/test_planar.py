from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.measure.least_area import LeastArea
from operators.measure.planar import components, largest_component, planar_figures


def ellipse(
    radii: tuple[float, float], angle: float, spacing: tuple[float, float], shape: tuple[int, int] = (240, 300)
) -> NDArray[np.bool_]:
    """An ellipse in the middle of a grid; radii in mm along its own axes, angle in rad from the rows' direction."""
    rows, columns = np.indices(shape, dtype=float)
    y, x = (rows - shape[0] / 2) * spacing[0], (columns - shape[1] / 2) * spacing[1]
    along, across = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    return np.asarray((along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1)


@pytest.mark.parametrize("spacing", [(0.1, 0.1), (0.1, 0.2), (0.25, 0.15)])
@pytest.mark.parametrize("angle", [0.0, 0.5, 1.3])
def test_an_ellipse_has_its_axes_area_and_perimeter(spacing: tuple[float, float], angle: float) -> None:
    a, b = 9.0, 5.0
    figures = planar_figures(ellipse((a, b), angle, spacing), spacing)
    # Ramanujan's second approximation, exact to 1e-6 here.
    ratio = 3 * ((a - b) / (a + b)) ** 2
    perimeter = np.pi * (a + b) * (1 + ratio / (10 + np.sqrt(4 - ratio)))
    pixel = max(spacing)
    assert figures.long_axis == pytest.approx(2 * a, abs=1.5 * pixel)
    assert figures.short_axis == pytest.approx(2 * b, abs=1.5 * pixel)
    assert figures.area == pytest.approx(np.pi * a * b, rel=0.01)
    assert figures.perimeter == pytest.approx(perimeter, rel=0.02)
    height = 2 * np.hypot(a * np.sin(angle), b * np.cos(angle))
    assert figures.height == pytest.approx(height, abs=2 * spacing[0])


def test_the_axes_end_on_the_outline_at_a_right_angle() -> None:
    spacing = (0.1, 0.2)
    figures = planar_figures(ellipse((8.0, 4.0), 0.6, spacing), spacing)
    long, short = (
        (np.array(ends[1]) - np.array(ends[0])) * spacing for ends in (figures.long_ends, figures.short_ends)
    )
    assert np.linalg.norm(long) == pytest.approx(figures.long_axis)
    assert np.linalg.norm(short) == pytest.approx(figures.short_axis)
    assert abs(long @ short) < 1e-9


def test_the_short_axis_is_a_chord_and_not_the_extent() -> None:
    # A parallelogram leans: its extent across the diagonal is larger than any chord across it.
    rows, columns = np.indices((100, 200))
    mask = (rows >= 40) & (rows < 60) & (columns - 2 * rows >= 0) & (columns - 2 * rows < 60)
    figures = planar_figures(mask)
    direction = np.subtract(*figures.long_ends) / figures.long_axis
    across = np.argwhere(mask) @ np.array([-direction[1], direction[0]])
    assert figures.short_axis < np.ptp(across) - 1


def test_a_single_pixel_has_figures() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[2, 3] = True
    figures = planar_figures(mask, (0.5, 0.5))
    assert figures.area == pytest.approx(0.25)
    assert figures.long_axis == pytest.approx(0.5 * np.sqrt(2))
    assert (figures.height, figures.width) == (0.5, 0.5)
    assert figures.perimeter > 0


def test_an_empty_mask_has_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        planar_figures(np.zeros((4, 4), dtype=bool))


def test_the_largest_component_is_kept_and_filled() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:9, 2:9] = True
    mask[4:6, 4:6] = False
    mask[15:18, 15:18] = True
    found = largest_component(mask)
    assert found.sum() == 49
    assert not found[15:].any()
    assert not largest_component(mask, smallest_pixels=50).any()
    assert not largest_component(np.zeros((3, 3), dtype=bool)).any()


def test_the_least_area_is_of_mm_or_of_the_picture() -> None:
    least = LeastArea(area_mm2=10.0, part=0.01)
    assert least.pixels((100, 200), (0.5, 0.2)) == 100
    assert least.pixels((100, 200), None) == 200


@pytest.mark.parametrize("seed", range(40))
def test_the_ends_of_a_mask_that_the_edge_cuts_are_within_the_picture(seed: int) -> None:
    random = np.random.default_rng(seed)
    spacing = (float(random.uniform(0.05, 0.3)), float(random.uniform(0.05, 0.3)))
    whole = ellipse((6.0, 4.0), random.uniform(0, 3), spacing)
    top = int(random.integers(100, 125))
    figures = planar_figures(whole[top:], spacing)
    rows, columns = whole[top:].shape
    for row, column in (*figures.long_ends, *figures.short_ends):
        assert -0.5 <= row <= rows - 0.5
        assert -0.5 <= column <= columns - 0.5


def test_components_are_numbered_by_size_and_filled() -> None:
    mask = np.zeros((30, 30), dtype=bool)
    mask[15:18, 15:18] = True
    mask[2:9, 2:9] = True
    mask[4:6, 4:6] = False
    mask[25, 25] = True
    found = components(mask, smallest_pixels=2)
    assert found.max() == 2
    assert (found == 1).sum() == 49
    assert (found == 2)[15:18, 15:18].all()
    assert components(mask).max() == 3
    # A hole counts: without it the largest part has 45 pixels.
    assert components(mask, smallest_pixels=49).max() == 1
    assert components(mask, smallest_pixels=50).max() == 0
    assert components(np.zeros((3, 3), dtype=bool)).max() == 0
