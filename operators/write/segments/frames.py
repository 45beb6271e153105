"""Which frames a Segmentation has, in which order."""

from __future__ import annotations

from collections.abc import Sequence

from operators.write.segments.form import SegmentationForm
from operators.write.segments.occurrences import Occurrence


def frames_of(
    occurrences: Sequence[Occurrence], form: SegmentationForm, segments: int, slices: int
) -> list[Occurrence]:
    """Return the frames as segment, slice and rows that are not empty: all slices of one segment, then of the next.

    A frame of a label map is of all segments (its segment is 0) and of all rows. Without any occurrence, the first
    segment has a frame on every slice, as an object must have frames.
    """
    if form.type == "labelmap":
        found = {item.slice_index for item in occurrences}
        kept = found if found and form.empty_frames == "omit" else range(slices)
        return [Occurrence(0, index, 0, 0) for index in sorted(kept)]
    if occurrences and form.empty_frames == "omit":
        return list(occurrences)
    present = {(item.segment, item.slice_index): item for item in occurrences}
    return [
        present.get((segment, index)) or Occurrence(segment, index, 0, 0)
        for segment in range(segments if form.empty_frames == "keep" else 1)
        for index in range(slices)
    ]
