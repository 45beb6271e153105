"""The pixels of chosen frames of one instance: grey values as stored, or RGB whatever the colour was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from operators.read.attributes import MalformedAttributeError
from operators.read.instance import Instance
from operators.read.pictures.colour import RGB, YBR_FULL, ColourError, components_of, to_rgb
from operators.read.pictures.palette import Palette
from operators.read.pixels.codestream import CodestreamError
from operators.read.pixels.decode import decode, decode_jpeg_to_rgb
from operators.read.pixels.encapsulated import FrameFragments, frames_of, read_fragments
from operators.read.pixels.pixel_format import MONOCHROME, PixelFormat
from operators.read.pixels.stored_values import (
    FrameRequest,
    clear_unused_bits,
    decode_frame,
    in_parallel,
    read_stored_frames,
    read_stored_values,
    require_decoder,
)
from operators.read.pixels.video import is_video, read_video
from operators.refused import Reason, Refused


@dataclass(frozen=True, eq=False)
class FramePixels:
    """Pixels (frame, row, column), or RGB (frame, row, column, 3), and how many bits of each value are used."""

    array: NDArray[np.generic]
    is_colour: bool
    bits: int


def read_frame_pixels(instance: Instance, form: PixelFormat, frames: Sequence[int]) -> FramePixels:
    """Read frames (0-based, increasing) of an instance: monochrome as stored, everything else as RGB.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` or ``UNSUPPORTED_PIXEL_FORMAT``.
    """
    try:
        if form.photometric_interpretation in MONOCHROME:
            return _monochrome(instance, form, frames)
        if form.photometric_interpretation == "PALETTE COLOR":
            return _palette(instance, form, frames)
        if form.dtype.kind != "u" or form.bits_allocated not in (8, 16, 32):
            raise ColourError(f"{form.samples} samples of {form.dtype}")
        array = _empty(instance, form, frames)
        if is_video(form):

            def put(index: int, picture: NDArray[np.uint8]) -> None:
                array[index] = picture

            read_video(instance, form, frames, put)
        else:
            _read_colour(instance, form, frames, array)
    except (MalformedAttributeError, ColourError, CodestreamError) as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has {error}") from error
    return FramePixels(array, is_colour=True, bits=form.bits_stored)


def _empty(instance: Instance, form: PixelFormat, frames: Sequence[int]) -> NDArray[np.generic]:
    try:
        return np.empty((len(frames), *form.shape), form.dtype)
    except (MemoryError, ValueError) as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} announces {form.frames} frames of {form.rows} x {form.columns}: more than memory holds",
        ) from error


def _monochrome(instance: Instance, form: PixelFormat, frames: Sequence[int]) -> FramePixels:
    array = _empty(instance, form, frames)
    read_stored_frames([FrameRequest(instance, form, array[index], frame) for index, frame in enumerate(frames)])
    return FramePixels(array, is_colour=False, bits=form.bits_stored)


def _palette(instance: Instance, form: PixelFormat, frames: Sequence[int]) -> FramePixels:
    palette = Palette(instance, form)
    stored = _monochrome(instance, form, frames).array
    array = np.empty((*stored.shape, 3), palette.colours.dtype)

    def colour(index: int) -> None:
        array[index] = palette(stored[index])

    in_parallel(colour, range(len(frames)))
    return FramePixels(array, is_colour=True, bits=palette.bits)


def _read_colour(instance: Instance, form: PixelFormat, frames: Sequence[int], array: NDArray[np.generic]) -> None:
    located: tuple[FrameFragments, ...] = ()
    if form.transfer_syntax_uid.is_encapsulated:
        require_decoder(instance, form)
        located = frames_of(instance, form)

    def read(index: int) -> None:
        out = array[index]
        if located:
            _decode_colour(instance, form, read_fragments(instance, located[frames[index]]), out)
        else:
            read_stored_values(instance, form, out, frames[index])
            out[...] = to_rgb(out, components_of(form), form.bits_stored)

    # Conversion is work as well, so that threads pay for native pixels too.
    in_parallel(read, range(len(frames)))


def _decode_colour(instance: Instance, form: PixelFormat, frame: bytes, out: NDArray[np.generic]) -> None:
    components = components_of(form, frame)
    is_lossy_jpeg = form.transfer_syntax_uid in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
    if components == YBR_FULL and is_lossy_jpeg and form.bits_stored == 8:
        decoder, components = decode_jpeg_to_rgb, RGB
    else:
        decoder = decode
    np.copyto(out, decode_frame(instance, form, frame, decoder), casting="unsafe")
    clear_unused_bits(form, out)
    out[...] = to_rgb(out, components, form.bits_stored)
