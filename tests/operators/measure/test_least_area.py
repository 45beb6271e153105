"""The smallest finding in pixels, calibrated or not."""

from __future__ import annotations

import pytest

from operators.measure.least_area import LeastArea


@pytest.mark.parametrize(
    ("spacing", "pixels"),
    [((0.1, 0.1), 100), ((0.1, 0.2), 50), ((0.3, 0.3), 12), (None, 40)],
)
def test_pixels(spacing: tuple[float, float] | None, pixels: int) -> None:
    assert LeastArea(area_mm2=1.0, part=0.002).pixels((100, 200), spacing) == pixels
