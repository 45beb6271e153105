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
from operators.read.pixels.native import read_native
from operators.read.pixels.pixel_format import PixelFormat
from operators.read.pixels.stored_values import (
    FrameRequest,
    clear_unused_bits,
    in_parallel,
    read_stored_frames,
    read_stored_values,
)
from operators.read.values.padding import is_padding
from operators.read.values.rescale import IDENTITY, Transformation, apply

# Two threads that read and transform smaller slices wait for each other's turn longer than they gain.
_LEAST_BYTES_FOR_THREADS = 1 << 18

# Frames for each thread before they wait for each other; until then, what is not decoded in place takes memory twice.
_BATCH = 4


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
        stored, wanted = self.form.dtype, self.out.dtype
        are_alike = stored == wanted or (stored.kind in "iu" and wanted.kind in "iu")
        return are_alike and stored.itemsize == wanted.itemsize and self.item.tile is None


def read_planes(requests: Sequence[PlaneRequest], padding_value: float | None = None) -> None:
    """Read slices; voxels that mean padding get ``padding_value`` if there is one.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` or ``TRUNCATED_PIXEL_DATA``.
    """
    syntaxes = {request.form.transfer_syntax_uid for request in requests}
    workers = len(os.sched_getaffinity(0))
    if any(syntax.is_encapsulated for syntax in syntaxes):
        if len({id(request.item.instance) for request in requests}) == len(requests):
            in_parallel(lambda request: _read_batch([request], padding_value), requests)
            return
        # The items of an instance are looked through once for a batch, whose decoders work side by side.
        for start in range(0, len(requests), size := _BATCH * workers):
            _read_batch(requests[start : start + size], padding_value)
    elif DeflatedExplicitVRLittleEndian in syntaxes or any(request.item.tile is not None for request in requests):
        # A data set is inflated once for all of its frames, a mosaic is read once for all of its tiles.
        for _, frames in groupby(requests, key=lambda request: id(request.item.instance)):
            _read_batch(list(frames), padding_value)
    else:
        is_large = any(request.out.nbytes >= _LEAST_BYTES_FOR_THREADS for request in requests)
        share = max(1, -(-len(requests) // workers) if is_large else len(requests))
        shares = [requests[start : start + share] for start in range(0, len(requests), share)]
        in_parallel(lambda part: _read_native(part, padding_value), shares)


def _read_native(requests: Sequence[PlaneRequest], padding_value: float | None) -> None:
    """Read slices one after another: each is transformed while the processor's cache still holds it."""
    for request in requests:
        form, item = request.form, request.item
        pixels = _space_for(request)
        read_native(item.instance, form, item.frame, pixels)
        clear_unused_bits(form, pixels)
        _finish(request, pixels, padding_value)


def _read_batch(requests: Sequence[PlaneRequest], padding_value: float | None) -> None:
    stored: dict[tuple[int, int], NDArray[np.generic]] = {}
    frames = []
    for request in requests:
        source = (id(request.item.instance), request.item.frame)
        if source not in stored:
            stored[source] = _space_for(request)
            frames.append(FrameRequest(request.item.instance, request.form, stored[source], request.item.frame))
    read_stored_frames(frames)
    for request in requests:
        _finish(request, stored[id(request.item.instance), request.item.frame], padding_value)


def _space_for(request: PlaneRequest) -> NDArray[np.generic]:
    """Where a slice's stored values are read to: its place in the volume if they fit there."""
    form = request.form
    return request.out.view(form.dtype) if request.is_in_place else np.empty(form.shape, form.dtype)


def _finish(request: PlaneRequest, stored: NDArray[np.generic], padding_value: float | None) -> None:
    """Make the values in the modality's units of stored ones."""
    pixels = _tile(request.item, stored)
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
