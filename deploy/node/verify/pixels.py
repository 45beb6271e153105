"""Pixels of a result: as many as the header says, and in each segment as many as the app has measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import SegmentationStorage

from deploy.node.verify.elements import Item
from deploy.node.verify.functional_groups import PER_FRAME, SHARED
from deploy.node.verify.result_file import ResultFile
from operators.write.segments.form import LabelMapSegmentationStorage

_SAMPLES = {"MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1}


def pixel_problems(root: Item) -> Iterator[str]:
    """Yield where pixel data and Image Pixel module (PS3.3 C.7.6.3) disagree."""
    for keyword, bits in (("PixelData", None), ("FloatPixelData", 32), ("DoubleFloatPixelData", 64)):
        element = root.get(keyword)
        if element is None:
            continue
        allocated = root.integer("BitsAllocated") or 0
        if bits is not None and allocated != bits:
            yield f"{keyword} has {allocated} bits allocated, not {bits}"
        frames = root.integer("NumberOfFrames") or 1
        if element.fragments is not None:
            if len(element.fragments) - 1 < frames:
                yield f"there are {len(element.fragments) - 1} fragments of pixel data for {frames} frames"
        else:
            count = (
                (root.integer("Rows") or 0) * (root.integer("Columns") or 0) * (root.integer("SamplesPerPixel") or 0)
            )
            expected = -(-count * frames * allocated // 8)
            if len(element.value) != expected + expected % 2:
                yield f"there are {len(element.value)} bytes of pixel data, the header says {expected}"
    if root.has("PixelData"):
        yield from _format_problems(root)


def _format_problems(root: Item) -> Iterator[str]:
    allocated, stored = root.integer("BitsAllocated") or 0, root.integer("BitsStored") or 0
    if not 0 < stored <= allocated:
        yield f"{stored} of {allocated} allocated bits are stored"
    if root.integer("HighBit") != stored - 1:
        yield f"HighBit is {root.integer('HighBit')} for {stored} stored bits"
    interpretation = root.text("PhotometricInterpretation")
    if (samples := root.integer("SamplesPerPixel")) != _SAMPLES.get(interpretation, 3):
        yield f"{interpretation} has {samples} samples per pixel"


def segment_problems(result: ResultFile, expected: Mapping[int, int] | None) -> Iterator[str]:
    """Yield segments whose voxels, counted in the object, are not as many as the app has measured."""
    if result.sop_class_uid not in (SegmentationStorage, LabelMapSegmentationStorage):
        if expected is not None:
            yield "the outcome counts segments, but the object is no Segmentation"
        return
    if expected is None:
        yield "the outcome does not count this Segmentation's voxels"
        return
    counted = count_segment_voxels(result)
    for number in sorted(counted.keys() | expected.keys()):
        if number not in counted:
            yield f"segment {number} is not described, the app measured {expected[number]} voxels"
        elif counted[number] != expected.get(number, 0):
            yield f"segment {number} has {counted[number]} voxels, the app measured {expected.get(number, 0)}"


def count_segment_voxels(result: ResultFile) -> dict[int, int]:
    """Return the voxels of every described segment of a Segmentation (PS3.3 A.51), frame by frame.

    A voxel of a fractional segment counts if its fraction is not 0. The background of a label map, which is its Pixel
    Padding Value (C.8.20.2.3.3), is no segment. Raises :class:`ValueError` for voxels of a segment that is not
    described.
    """
    root = result.root
    counts = Counter({item.integer("SegmentNumber"): 0 for item in root.items("SegmentSequence")})
    described = set(counts)
    counts.update(_in_label_map(result) if root.text("SegmentationType") == "LABELMAP" else _by_frame(result))
    background = root.integer("PixelPaddingValue")
    counts.pop(background, None)
    if undescribed := sorted(str(number) for number in counts.keys() - described):
        raise ValueError(f"there are voxels of the segments {', '.join(undescribed)}, which are not described")
    return {number: count for number, count in counts.items() if number is not None}


def _in_label_map(result: ResultFile) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    for values in _frame_values(result):
        counts = np.bincount(values.ravel())
        found.update({int(number): int(counts[number]) for number in np.flatnonzero(counts)})
    return found


def _by_frame(result: ResultFile) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    shared = result.root.items(SHARED)[0]
    for frame, pixels in zip(result.root.items(PER_FRAME), _frame_counts(result), strict=True):
        holder = frame if frame.items("SegmentIdentificationSequence") else shared
        found[holder.items("SegmentIdentificationSequence")[0].integer("ReferencedSegmentNumber")] += pixels
    return found


def _frame_counts(result: ResultFile) -> Iterator[int]:
    """Yield the number of pixels of each frame that are not 0."""
    root = result.root
    element = root.get("PixelData")
    pixels = (root.integer("Rows") or 0) * (root.integer("Columns") or 0)
    if element is None or element.fragments is not None or root.integer("BitsAllocated") != 1 or pixels % 8:
        for values in _frame_values(result):
            yield int(np.count_nonzero(values))
        return
    size = pixels // 8
    for start in range(0, (root.integer("NumberOfFrames") or 0) * size, size):
        yield int(np.bitwise_count(np.frombuffer(element.value, np.uint8, size, start)).sum())


def _frame_values(result: ResultFile) -> Iterator[NDArray[np.integer]]:
    yield from iter_pixels(result.path, raw=True)
