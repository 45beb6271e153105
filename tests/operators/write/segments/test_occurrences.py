"""Where segments are, against looking at every voxel."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from operators.write.segments.bits import packed
from operators.write.segments.form import SegmentationForm
from operators.write.segments.frames import frames_of
from operators.write.segments.masks import LabelMap, SegmentMasks
from operators.write.segments.occurrences import Occurrence, do_overlap, occurrences_of

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
LABELS = SHAPES.flatmap(lambda shape: arrays.arrays(np.uint16, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 700])))
MASKS = SHAPES.flatmap(lambda shape: arrays.arrays(bool, (3, *shape), elements=st.sampled_from([False, False, True])))
NUMBERS = (1, 2, 700)


def by_voxel(masks: list[NDArray[np.bool_]]) -> list[Occurrence]:
    found = []
    for segment, mask in enumerate(masks):
        for index, plane in enumerate(mask):
            rows = [row for row in range(len(plane)) if plane[row].any()]
            if rows:
                found.append(Occurrence(segment, index, rows[0], rows[-1] + 1))
    return found


@given(LABELS, st.booleans())
@settings(deadline=None, max_examples=100)
def test_occurrences_in_a_label_map(labels: NDArray[np.uint16], is_transposed: bool) -> None:
    labels = labels.transpose(0, 2, 1) if is_transposed else labels
    expected = by_voxel([labels == number for number in NUMBERS])
    assert occurrences_of(LabelMap(labels, NUMBERS)) == expected
    assert not do_overlap(LabelMap(labels, NUMBERS), expected)


@given(MASKS)
@settings(deadline=None, max_examples=100)
def test_occurrences_and_overlap_of_masks(masks: NDArray[np.bool_]) -> None:
    expected = by_voxel(list(masks))
    assert occurrences_of(SegmentMasks(tuple(masks))) == expected
    assert do_overlap(SegmentMasks(tuple(masks)), expected) == any(
        bool((one & other).any()) for one, other in combinations(masks, 2)
    )


@given(LABELS, st.sampled_from(["omit", "keep"]))
@settings(deadline=None, max_examples=100)
def test_bits_are_packed_frame_after_frame_whatever_their_size(labels: NDArray[np.uint16], empty_frames: str) -> None:
    masks = LabelMap(labels, NUMBERS)
    form = SegmentationForm(empty_frames=empty_frames)  # type: ignore[arg-type]
    frames = frames_of(occurrences_of(masks), form, len(NUMBERS), len(labels))
    planes = [labels[frame.slice_index] == NUMBERS[frame.segment] for frame in frames]
    bits = np.packbits(np.concatenate([plane.ravel() for plane in planes]), bitorder="little").tobytes()
    assert packed(masks, frames) == bits + b"\0" * (len(bits) % 2)


def test_a_number_that_no_segment_can_have_is_an_error() -> None:
    labels = np.zeros((2, 3, 4), np.uint32)
    labels[1, 0, 0] = 65536
    with pytest.raises(ValueError, match="labels go up to 65536, segments are numbered up to 65535"):
        occurrences_of(LabelMap(labels, (1,)))
