from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.write.base.planes import Grid, check_grid, check_on_source, grid_groups, grid_plane, source_groups
from tests.operators.write.studies import ORIENTATIONS, make_volume


@settings(deadline=None, max_examples=60)
@given(
    orientation=st.sampled_from(sorted(ORIENTATIONS)),
    spacing=st.tuples(*[st.floats(0.05, 20)] * 3),
    origin=st.tuples(*[st.floats(-2000, 2000)] * 3),
    reversed_order=st.booleans(),
)
def test_any_grid_comes_back_from_its_functional_groups(
    orientation: str, spacing: tuple[float, float, float], origin: tuple[float, float, float], reversed_order: bool
) -> None:
    volume = make_volume(orientation, (3, 4, 5), spacing=spacing, origin=origin, reversed_order=reversed_order)
    grid = Grid(volume.affine, (3, 4, 5), "1.2.3")
    check_grid(grid)
    shared = grid_groups(grid)
    measures = shared.PixelMeasuresSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float)
    row_spacing, column_spacing = (float(value) for value in measures.PixelSpacing)
    np.testing.assert_allclose(cosines[:3] * column_spacing, volume.affine[:3, 0], atol=1e-9)
    np.testing.assert_allclose(cosines[3:] * row_spacing, volume.affine[:3, 1], atol=1e-9)
    assert float(measures.SpacingBetweenSlices) == pytest.approx(spacing[0])
    for index in range(3):
        position = np.array(grid_plane(grid, index).PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        np.testing.assert_allclose(position, (volume.affine @ [0, 0, index, 1])[:3], atol=1e-8)


def test_a_grid_on_the_source_has_its_text() -> None:
    volume = make_volume("oblique")
    check_on_source(volume, (6, 10, 12))
    measures = source_groups(volume).PixelMeasuresSequence[0]
    header = volume.slices[0].header
    assert [value.original_string for value in measures.PixelSpacing] == [
        value.original_string for value in header.PixelSpacing
    ]
    assert measures.SliceThickness == header.SliceThickness
    # An anonymiser's text in place of the thickness: the distance of the slices stands for it.
    del header.SliceThickness
    assert source_groups(volume).PixelMeasuresSequence[0].SliceThickness == 3


def test_what_does_not_lie_on_the_source_is_an_error() -> None:
    volume = make_volume()
    with pytest.raises(ValueError, match="not on 6 slices of 10 x 12"):
        check_on_source(volume, (6, 12, 10))
    with pytest.raises(ValueError, match="finite 4 x 4"):
        check_grid(Grid(np.full((4, 4), np.nan), (3, 4, 5), "1.2.3"))
