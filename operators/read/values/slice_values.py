"""The values of slices: stored pixels read into a volume's array and transformed there, without a second copy of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian

from operators.read.geometry.slices import Slice
from operators.read.pixels.pixel_format import PixelFormat
from operators.read.pixels.stored_values import FrameRequest, in_parallel, read_stored_frames, read_stored_values
from operators.read.values.padding import is_padding
from operators.read.values.rescale import IDENTITY, Transformation, apply

# Two threads that read and transform smaller slices wait for each other's turn longer than they gain.
_LEAST_BYTES_FOR_THREADS = 1 << 18


@dataclass(frozen=True, eq=False)
class PlaneRequest:
    """One slice to be read into ``out``, (row, column); ``padding`` is the range of stored values that mean padding."""

    item: Slice
    form: PixelFormat
    transformation: Transformation
    out: NDArray[Any]
    padding: tuple[float, float] | None = None

    @property
    def is_in_place(self) -> bool:
        """Whether stored values can be read into ``out`` itself."""
        same = self.form.dtype == self.out.dtype
        integers = self.form.dtype.kind in "iu" and self.out.dtype.kind in "iu"
        return self.item.tile is None and (same or (integers and self.form.dtype.itemsize == self.out.dtype.itemsize))


def read_planes(requests: Sequence[PlaneRequest], padding_value: float | None = None) -> None:
    """Read slices; voxels that mean padding get ``padding_value`` if there is one.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` or ``TRUNCATED_PIXEL_DATA``.
    """
    syntaxes = {request.form.transfer_syntax_uid for request in requests}
    workers = len(os.sched_getaffinity(0))
    if any(syntax.is_encapsulated for syntax in syntaxes):
        # The decoders of a batch work side by side.
        _read_batches(requests, padding_value, 4 * workers)
    elif DeflatedExplicitVRLittleEndian in syntaxes:
        # A data set is inflated once for all of its frames.
        for _, frames in groupby(requests, key=lambda request: id(request.item.instance)):
            _read_batch(list(frames), padding_value)
    else:
        # Native pixels are best transformed while the processor's cache still holds them: one after another.
        unchanged = all(request.is_in_place and request.transformation == IDENTITY for request in requests)
        size = len(requests) if unchanged and padding_value is None else 1
        is_large = any(request.out.nbytes >= _LEAST_BYTES_FOR_THREADS for request in requests)
        share = max(1, -(-len(requests) // workers) if is_large else len(requests))
        shares = [requests[start : start + share] for start in range(0, len(requests), share)]
        in_parallel(lambda part: _read_batches(part, padding_value, size), shares)


def _read_batches(requests: Sequence[PlaneRequest], padding_value: float | None, size: int) -> None:
    for start in range(0, len(requests), size):
        _read_batch(requests[start : start + size], padding_value)


def _read_batch(requests: Sequence[PlaneRequest], padding_value: float | None) -> None:
    stored: dict[tuple[int, int], NDArray[np.generic]] = {}
    frames = []
    for request in requests:
        source = (id(request.item.instance), request.item.frame)
        if source not in stored:
            in_place = request.is_in_place
            stored[source] = (
                request.out.view(request.form.dtype) if in_place else np.empty(request.form.shape, request.form.dtype)
            )
            frames.append(FrameRequest(request.item.instance, request.form, stored[source], request.item.frame))
    read_stored_frames(frames)
    for request in requests:
        pixels = _tile(request.item, stored[id(request.item.instance), request.item.frame])
        outside = None
        if padding_value is not None and request.padding is not None:
            outside = is_padding(pixels, *request.padding)
        if request.transformation != IDENTITY or not request.is_in_place:
            apply(request.transformation, pixels, request.out)
        if outside is not None and padding_value is not None:
            request.out[outside] = padding_value


def read_stored_plane(item: Slice, form: PixelFormat) -> NDArray[np.generic]:
    """Return one slice's stored values, (row, column); raises :class:`Refused` like :func:`read_planes`."""
    pixels = np.empty(form.shape, form.dtype)
    read_stored_values(item.instance, form, pixels, item.frame)
    return _tile(item, pixels)


def _tile(item: Slice, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    tile = item.tile
    if tile is None:
        return pixels
    return pixels[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns]
