"""Stored pixel values of frames, straight from their files into the caller's arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.utils import pixel_array

from operators.read.native import read_native
from operators.read.pixel_format import PixelFormat, pixel_format, require_monochrome
from operators.read.study import Instance
from operators.refused import Reason, Refused

__all__ = [
    "FrameRequest",
    "PixelFormat",
    "pixel_format",
    "read_stored_frames",
    "read_stored_values",
    "require_monochrome",
]

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITATION_ITEM = b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True)
class FrameRequest:
    """One frame (0-based) to be read into ``out``, a contiguous array of the format's shape and dtype."""

    instance: Instance
    form: PixelFormat
    out: NDArray[np.generic]
    frame: int = 0


def read_stored_frames(requests: Sequence[FrameRequest]) -> None:
    """Read many frames, as :func:`read_stored_values` reads one: encapsulated ones in parallel.

    As many threads decode as the process may use processors. Raises what :func:`read_stored_values` raises for the
    first request that fails.
    """
    workers = min(len(requests), len(os.sched_getaffinity(0)))
    encapsulated = any(request.form.transfer_syntax_uid.is_encapsulated for request in requests)
    if not encapsulated or workers < 2:
        for request in requests:
            _read(request)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for _ in pool.map(_read, requests):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _read(request: FrameRequest) -> None:
    read_stored_values(request.instance, request.form, request.out, request.frame)


def read_stored_values(instance: Instance, form: PixelFormat, out: NDArray[np.generic], frame: int = 0) -> None:
    """Read the stored values of one frame (0-based) into ``out``, a contiguous array of the format's shape and dtype.

    Bits outside Bits Stored are cleared, or filled with the sign. Colour comes pixel by pixel whatever the Planar
    Configuration, in the colour space in which it is stored.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` or, where the pixels cannot be decoded,
    ``UNSUPPORTED_PIXEL_FORMAT``.
    """
    if form.transfer_syntax_uid.is_encapsulated:
        out[...] = _decoded(instance, form, frame)
    else:
        read_native(instance, form, frame, out)
    if form.has_unused_bits:
        above = form.bits_allocated - 1 - form.high_bit
        np.left_shift(out, above, out=out)
        np.right_shift(out, form.bits_allocated - form.bits_stored, out=out)


def _decoded(instance: Instance, form: PixelFormat, frame: int) -> NDArray[np.generic]:
    _refuse_cut_fragments(instance)
    try:
        decoded = pixel_array(instance.path, raw=True, index=frame)
    # Each decoder raises what it likes; whatever it is, these pixels cannot be had.
    except Exception as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} cannot be decoded from {form.transfer_syntax_uid.name}: {error}",
        ) from error
    if decoded.shape != form.shape or decoded.dtype.itemsize != form.dtype.itemsize:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} decodes to {decoded.shape} pixels of {decoded.dtype}, its header announces "
            f"{form.rows} x {form.columns} of {form.dtype}",
        )
    return decoded.view(form.dtype)


def _refuse_cut_fragments(instance: Instance) -> None:
    """Walk the items of encapsulated pixel data (PS3.5 section A.4): decoders fill up what is missing in silence."""
    with instance.path.open("rb") as file:
        file.seek((instance.pixel_data_offset or 0) + 12)
        while (tag := file.read(4)) == _ITEM:
            file.seek(int.from_bytes(file.read(4), "little"), os.SEEK_CUR)
        if tag != _SEQUENCE_DELIMITATION_ITEM:
            raise Refused(
                Reason.TRUNCATED_PIXEL_DATA, f"{instance.name}: the file ends within its encapsulated pixel data"
            )
