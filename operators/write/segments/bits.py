"""Masks → native pixel data of one bit a voxel (PS3.5 section 8.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np

from operators.write.segments.masks import Masks, shape_of
from operators.write.segments.occurrences import Occurrence

_FRAMES_AT_ONCE = 8


def packed(masks: Masks, frames: Sequence[Occurrence]) -> bytes:
    """Return frames as one bit a pixel, first pixel in the lowest bit, without a gap between frames, padded to even.

    Only rows that are not empty are looked at.
    """
    _, rows, columns = shape_of(masks)
    pixels = b"".join(
        _byte_aligned(masks, frames, rows, columns)
        if rows * columns % 8 == 0
        else _bit_aligned(masks, frames, rows, columns)
    )
    return pixels + b"\0" if len(pixels) % 2 else pixels


def _byte_aligned(masks: Masks, frames: Sequence[Occurrence], rows: int, columns: int) -> list[bytes | memoryview]:
    # So many rows end with a whole byte.
    step = 8 // gcd(columns, 8)
    empty = memoryview(bytes(rows * columns // 8))
    parts: list[bytes | memoryview] = [b""] * (3 * len(frames))
    # Slice by slice, as a slice's voxels are in the processor's cache after the first of its segments.
    for place in sorted(range(len(frames)), key=lambda place: frames[place].slice_index):
        frame = frames[place]
        first, end = frame.first_row // step * step, -(-frame.end_row // step) * step
        pixels = masks.plane(frame.segment, frame.slice_index, slice(first, end))
        parts[3 * place] = empty[: first * columns // 8]
        parts[3 * place + 1] = np.packbits(pixels, bitorder="little").tobytes()
        parts[3 * place + 2] = empty[end * columns // 8 :]
    return parts


def _bit_aligned(masks: Masks, frames: Sequence[Occurrence], rows: int, columns: int) -> list[bytes]:
    """Eight frames together end with a whole byte, whatever their size."""
    parts = []
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        several = frames[start : start + _FRAMES_AT_ONCE]
        pixels = np.zeros((len(several), rows, columns), bool)
        for out, frame in zip(pixels, several, strict=True):
            out[frame.rows] = masks.plane(frame.segment, frame.slice_index, frame.rows)
        parts.append(np.packbits(pixels, bitorder="little").tobytes())
    return parts
