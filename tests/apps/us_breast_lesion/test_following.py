"""One mass in several frames of a clip is one mass, and two are two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.clips import number_masses
from apps.us_breast_lesion.following import LONGEST_LOSS, follow
from apps.us_breast_lesion.masses import Mass, measure_mass

Box = tuple[int, int, int]
"""First row, first column, side."""


def frame(*boxes: Box) -> NDArray[np.int32]:
    labels = np.zeros((60, 80), dtype=np.int32)
    for label, (row, column, side) in enumerate(boxes, start=1):
        labels[row : row + side, column : column + side] = label
    return labels


def test_a_mass_that_moves_and_grows_is_one() -> None:
    assert follow([frame((10, 10 + 4 * step, 10 + step)) for step in range(6)]) == [(1,)] * 6


def test_two_masses_are_two_whatever_their_order_in_a_frame() -> None:
    left, right = (10, 5, 12), (20, 50, 10)
    assert follow([frame(left), frame(right, left), frame(left, right), frame(right)]) == [(1,), (2, 1), (1, 2), (2,)]


def test_a_mass_that_is_lost_for_some_frames_is_found_again_and_after_more_it_is_another() -> None:
    box = (10, 10, 10)
    short = [frame(box), *[frame()] * LONGEST_LOSS, frame(box)]
    assert follow(short)[-1] == (1,)
    long = [frame(box), *[frame()] * (LONGEST_LOSS + 1), frame(box)]
    assert follow(long)[-1] == (2,)


def test_outlines_that_barely_touch_are_of_two_masses() -> None:
    assert follow([frame((10, 10, 10)), frame((10, 18, 10))]) == [(1,), (2,)]


def test_an_outline_that_breaks_in_two_keeps_its_larger_part() -> None:
    assert follow([frame((10, 10, 20)), frame((10, 10, 5), (18, 14, 12))]) == [(1,), (2, 1)]


def test_no_frames_have_no_masses() -> None:
    assert follow([]) == []
    assert follow([frame()]) == [()]


def outlined(labels: NDArray[np.int32]) -> list[Mass]:
    found = np.full(labels.shape, 0.9, dtype=np.float32)
    return [measure_mass(labels == label, found, (0.5, 0.5)) for label in range(1, int(labels.max()) + 1)]


def test_masses_are_numbered_by_their_largest_section_and_measured_there() -> None:
    small, large = (5, 5, 10), (30, 40, 18)
    frames = [frame(small), frame((5, 5, 12), (30, 40, 8)), frame(large), frame()]
    # The third frame was refused.
    labels = np.stack([*frames[:2], frame(), *frames[2:]]).astype(np.uint16)
    accepted = {index: outlined(each) for index, each in zip((0, 1, 3, 4), frames, strict=True)}
    numbered, masses = number_masses(labels, accepted)
    assert [(each.number, each.index, each.frames) for each in masses] == [(1, 3, (1, 3)), (2, 1, (0, 1))]
    assert [each.mass.figures.height for each in masses] == [9.0, 6.0]
    assert set(np.unique(numbered[0])) == {0, 2}
    assert (numbered[1] == 2).sum() == 144
    assert (numbered[1] == 1).sum() == 64
    assert not numbered[2].any()
    assert set(np.unique(numbered[3])) == {0, 1}
