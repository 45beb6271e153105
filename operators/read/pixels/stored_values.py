"""Stored pixel values of frames, straight from their files into the caller's arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian

from operators.read.instance import Instance
from operators.read.pixels.decode import CutError, DamagedError, decode, is_decodable
from operators.read.pixels.deflated_pixels import inflated_pixel_data
from operators.read.pixels.encapsulated import FrameFragments, frames_of, read_fragments
from operators.read.pixels.native import bytes_of_frames, read_native
from operators.read.pixels.pixel_format import PixelFormat, pixel_format, require_monochrome
from operators.refused import Reason, Refused

__all__ = [
    "FrameRequest",
    "PixelFormat",
    "pixel_format",
    "read_stored_frames",
    "read_stored_values",
    "require_monochrome",
]

_Item = TypeVar("_Item")

# zlib makes at most so many bytes of one (RFC 1951: a match of 258 bytes takes two bits at least).
_LARGEST_INFLATION = 1032


@dataclass(frozen=True, eq=False)
class FrameRequest:
    """One frame (0-based) to be read into ``out``, a contiguous array of the format's shape and dtype."""

    instance: Instance
    form: PixelFormat
    out: NDArray[np.generic]
    frame: int = 0


def read_stored_values(instance: Instance, form: PixelFormat, out: NDArray[np.generic], frame: int = 0) -> None:
    """Read the stored values of one frame (0-based) into ``out``, a contiguous array of the format's shape and dtype.

    Bits outside Bits Stored are cleared, or filled with the sign. Colour comes pixel by pixel whatever the Planar
    Configuration, in the components in which it is stored.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` where data are missing, or with ``UNSUPPORTED_PIXEL_FORMAT``
    where they cannot be decoded.
    """
    read_stored_frames([FrameRequest(instance, form, out, frame)])


def read_stored_frames(requests: Sequence[FrameRequest]) -> None:
    """Read many frames, as :func:`read_stored_values` reads one; encapsulated ones in parallel.

    The items of an instance are looked through once, and a deflated data set is inflated once, however many of its
    frames are asked for. Raises what
    :func:`read_stored_values` raises, for the first request that fails.
    """
    encapsulated: list[tuple[FrameRequest, FrameFragments]] = []
    frames: dict[int, tuple[FrameFragments, ...]] = {}
    inflated: dict[int, bytes] = {}
    for request in requests:
        instance, form = request.instance, request.form
        if form.transfer_syntax_uid.is_encapsulated:
            if id(instance) not in frames:
                require_decoder(instance, form)
                frames[id(instance)] = frames_of(instance, form)
            encapsulated.append((request, frames[id(instance)][request.frame]))
            continue
        if form.transfer_syntax_uid == DeflatedExplicitVRLittleEndian and id(instance) not in inflated:
            # Only the last one is kept: the frames of an instance follow each other.
            inflated = {id(instance): inflated_pixel_data(instance, bytes_of_frames(form))}
        read_native(instance, form, request.frame, request.out, inflated.get(id(instance)))
        clear_unused_bits(form, request.out)
    in_parallel(lambda item: _read_encapsulated(*item), encapsulated)


def in_parallel(work: Callable[[_Item], None], items: Sequence[_Item]) -> None:
    """Do ``work`` for every item, by as many threads as the process may use processors.

    Raises what the first item that fails raises; items not begun by then are left.
    """
    workers = min(len(items), len(os.sched_getaffinity(0)))
    if workers < 2:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            _exhaust(pool.map(work, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def require_decoder(instance: Instance, form: PixelFormat) -> None:
    """Raise :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` when nothing decodes the instance's frames."""
    if not is_decodable(form.transfer_syntax_uid):
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} cannot be decoded: {form.transfer_syntax_uid.name} is not supported for single frames",
        )


def require_room(instance: Instance, form: PixelFormat) -> None:
    """Raise :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the file cannot hold what its header announces.

    A damaged header announces anything; this is known before anything is reserved for it.
    """
    size = instance.path.stat().st_size - (instance.pixel_data_offset or 0)
    if form.transfer_syntax_uid.is_encapsulated:
        # A frame has one byte at least; how many pixels that stands for, its codestream tells.
        announced, room = form.frames, size
    elif form.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        announced, room = bytes_of_frames(form), _LARGEST_INFLATION * size
    else:
        announced, room = bytes_of_frames(form), size
    if room < announced:
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} has {size} bytes for pixel data, its header announces {form.frames} frames of "
            f"{form.rows} x {form.columns}",
        )


def decode_frame(
    instance: Instance,
    form: PixelFormat,
    frame: bytes,
    decoder: Callable[[bytes, PixelFormat], NDArray[np.generic]] = decode,
) -> NDArray[np.generic]:
    """Return what a decoder makes of one compressed frame.

    Raises :class:`Refused` as :func:`read_stored_values` does.
    """
    try:
        return decoder(frame, form)
    except DamagedError as error:
        cut = isinstance(error, CutError)
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA if cut else Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} cannot be decoded from {form.transfer_syntax_uid.name}: {error}",
        ) from error


def _read_encapsulated(request: FrameRequest, fragments: FrameFragments) -> None:
    frame = read_fragments(request.instance, fragments)
    decoded = decode_frame(request.instance, request.form, frame, partial(decode, out=request.out))
    if decoded is not request.out:
        # Where the codestream has less or other bits than the header says, the bits are still those of the value.
        np.copyto(request.out, decoded, casting="unsafe")
    clear_unused_bits(request.form, request.out)


def clear_unused_bits(form: PixelFormat, out: NDArray[np.generic]) -> None:
    """Clear the bits outside Bits Stored, or fill them with the sign."""
    if not form.has_unused_bits:
        return
    if form.dtype.kind == "u" and form.high_bit == form.bits_stored - 1:
        # The usual case, in a third of the time.
        np.bitwise_and(out, (1 << form.bits_stored) - 1, out=out)
    else:
        np.left_shift(out, form.bits_allocated - 1 - form.high_bit, out=out)
        np.right_shift(out, form.bits_allocated - form.bits_stored, out=out)


def _exhaust(results: Iterable[None]) -> None:
    for _ in results:
        pass
