"""Which outlines in the frames of a clip are one and the same mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARED = 0.25
"""Of the smaller of two outlines: what they share at least if they are of one mass."""
LONGEST_LOSS = 5
"""Frames for which a mass may be lost and found again: a fifth of a second, as the probe moves little in that time."""

Labels = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class _Seen:
    """A mass as it was seen last: its outline and the place of that frame."""

    outline: NDArray[np.bool_]
    place: int


def follow(frames: Sequence[Labels]) -> list[tuple[int, ...]]:
    """Return for each frame the masses, from 1, that its outlines are of: the first is that of label 1, and so on.

    ``frames`` (row, column) are in the order of time; their outlines are labelled 1 to n. An outline is of the mass
    whose last outline it shares most with, if that is no more than ``LONGEST_LOSS`` frames away and they share enough;
    no two outlines of a frame are of one mass.
    """
    seen: dict[int, _Seen] = {}
    found = []
    for place, frame in enumerate(frames):
        outlines = [frame == label for label in range(1, int(frame.max(initial=0)) + 1)]
        near = {mass: last for mass, last in seen.items() if place - last.place <= LONGEST_LOSS + 1}
        masses = _matched(outlines, near)
        numbers = []
        for index, outline in enumerate(outlines):
            number = masses.get(index, len(seen) + 1)
            seen[number] = _Seen(outline, place)
            numbers.append(number)
        found.append(tuple(numbers))
    return found


def _matched(outlines: Sequence[NDArray[np.bool_]], near: dict[int, _Seen]) -> dict[int, int]:
    """The mass of each outline, by its index, that is of one seen before; those that share most come first."""
    shared = []
    for index, outline in enumerate(outlines):
        for mass, last in near.items():
            both = int((outline & last.outline).sum())
            if both >= SHARED * min(int(outline.sum()), int(last.outline.sum())):
                shared.append((both, index, mass))
    masses: dict[int, int] = {}
    for _, index, mass in sorted(shared, key=lambda each: -each[0]):
        if index not in masses and mass not in masses.values():
            masses[index] = mass
    return masses
