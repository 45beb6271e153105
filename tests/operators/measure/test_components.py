from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from operators.measure.components import connected_components, remove_small

masks = arrays(bool, st.tuples(*[st.integers(1, 6)] * 3), elements=st.booleans())


def test_a_shared_corner_connects() -> None:
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    mask[3, 3, 3] = True
    components = connected_components(mask)
    assert components.count == 2
    assert sorted(components.voxels) == [1, 2]
    assert components.largest == 2


def test_an_empty_mask_has_none() -> None:
    components = connected_components(np.zeros((2, 3, 4), dtype=bool))
    assert (components.count, components.largest) == (0, 0)


@given(masks)
def test_sizes_add_up_and_labels_cover_the_mask(mask: NDArray[np.bool_]) -> None:
    components = connected_components(mask)
    assert components.voxels.sum() == mask.sum()
    np.testing.assert_array_equal(components.labels > 0, mask)


@given(masks, st.integers(0, 8))
def test_only_small_components_go(mask: NDArray[np.bool_], minimum: int) -> None:
    before = mask.copy()
    kept = remove_small(mask, minimum * 2.5, 2.5)
    np.testing.assert_array_equal(mask, before)
    components = connected_components(mask)
    for label, voxels in enumerate(components.voxels, start=1):
        assert kept[components.labels == label].all() == (voxels >= minimum)
    assert not (kept & ~mask).any()


@pytest.mark.parametrize("minimum", [0.0, -1.0])
def test_nothing_goes_without_a_minimum(minimum: float) -> None:
    mask = np.eye(3, dtype=bool)[np.newaxis]
    kept = remove_small(mask, minimum, 1.0)
    np.testing.assert_array_equal(kept, mask)
    assert kept is not mask
