"""The voxels of each segment, counted in a Segmentation as someone else would read it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.utils import iter_pixels


def voxels_of_segments(segmentation: FileDataset) -> dict[int, int]:
    """Return how many voxels each described segment has, by Segment Number; a label map's background is left out.

    A voxel is a segment's if it is 1 in a binary, more than 0 in a fractional Segmentation, the segment's number in a
    label map, whatever the transfer syntax. Raises :class:`ValueError` for a label that no segment describes and for
    another number of frames than of functional groups.
    """
    background = segmentation.get("PixelPaddingValue")
    counts = {int(item.SegmentNumber): 0 for item in segmentation.SegmentSequence}
    found = _in_label_map(segmentation) if segmentation.SegmentationType == "LABELMAP" else _by_frame(segmentation)
    for number, voxels in found:
        if number not in counts and number != background:
            raise ValueError(f"{voxels} voxels are of segment {number}, which is not described")
        counts[number] = counts.get(number, 0) + voxels
    return {number: voxels for number, voxels in counts.items() if number != background}


def _in_label_map(segmentation: FileDataset) -> Iterator[tuple[int, int]]:
    for plane in iter_pixels(segmentation):
        numbers, voxels = np.unique(plane, return_counts=True)
        yield from zip(numbers.tolist(), voxels.tolist(), strict=True)


def _by_frame(segmentation: FileDataset) -> Iterator[tuple[int, int]]:
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    frames = zip(segmentation.PerFrameFunctionalGroupsSequence, iter_pixels(segmentation), strict=True)
    for groups, plane in frames:
        holder = groups if "SegmentIdentificationSequence" in groups else shared
        yield _segment_number(holder), int(np.count_nonzero(plane))


def _segment_number(groups: Dataset) -> int:
    return int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
