from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from operators.measure.components import connected_components
from operators.measure.regional_load import regional_load


def test_a_case_counted_by_hand() -> None:
    regions = np.zeros((1, 2, 4), np.uint8)
    regions[0, :, 1] = 1  # two voxels
    regions[0, :, 2:] = 2  # four voxels
    lesions = np.zeros((1, 2, 4), dtype=bool)
    lesions[0, 0, 0] = lesions[0, 0, 1] = lesions[0, 0, 2] = True
    load = regional_load(lesions, regions, 3.0, [1, 2, 7])
    assert (load.total_voxels, load.total_volume) == (3, 9.0)
    assert (load.unassigned_voxels, load.unassigned_volume) == (1, 3.0)
    assert (load.regions[1].lesion_volume, load.regions[1].region_volume, load.regions[1].percent) == (3.0, 6.0, 50.0)
    assert load.regions[2].percent == 25.0
    assert load.regions[7].percent is None
    assert (load.lesion_count, load.largest_voxels, load.largest_volume) == (1, 3, 9.0)


@given(st.data(), st.tuples(*[st.integers(1, 6)] * 3), st.sets(st.integers(1, 9)))
def test_regions_and_unassigned_add_up(data: st.DataObject, shape: tuple[int, int, int], numbers: set[int]) -> None:
    lesions = data.draw(arrays(bool, shape))
    regions = data.draw(arrays(np.uint8, shape, elements=st.integers(0, 9)))
    load = regional_load(lesions, regions, 3.234, numbers)
    assert sum(region.lesion_voxels for region in load.regions.values()) + load.unassigned_voxels == load.total_voxels
    assert load.total_voxels == lesions.sum()
    for number, region in load.regions.items():
        assert region.lesion_voxels == (lesions & (regions == number)).sum()
        assert region.region_voxels == (regions == number).sum()
    components = connected_components(lesions)
    assert (load.lesion_count, load.largest_voxels) == (components.count, components.largest)


def test_what_cannot_be_right_is_an_error() -> None:
    lesions = np.zeros((2, 2, 2), dtype=bool)
    with pytest.raises(ValueError, match="different grids"):
        regional_load(lesions, np.zeros((2, 2, 3), np.uint8), 1.0, [1])
    for numbers in ([0], [256], [1, 1]):
        with pytest.raises(ValueError, match="region numbers"):
            regional_load(lesions, np.zeros((2, 2, 2), np.uint8), 1.0, numbers)
