"""Frames of integers → Pixel Data, native or losslessly compressed (PS3.5 section 8.2 and annex A.4)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

Frame = NDArray[np.unsignedinteger[Any]]


def _rle(frame: Frame) -> bytes:
    """Encode by PS3.5 annex G: a segment for each byte of a pixel, the most significant first."""
    by_byte = frame.view(np.uint8).reshape(*frame.shape, frame.itemsize)
    # Of an array, each row is encoded by itself, as section G.3.1 wants it.
    encoded = [imagecodecs.packbits_encode(by_byte[..., byte].copy()) for byte in reversed(range(frame.itemsize))]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in encoded]
    offsets = accumulate([_RLE_HEADER.size, *(len(segment) for segment in segments[:-1])])
    header = _RLE_HEADER.pack(len(segments), *offsets, *[0] * (15 - len(segments)))
    return header + b"".join(segments)


_RLE_HEADER = struct.Struct("<16I")


def _jpeg_ls(frame: Frame) -> bytes:
    return bytes(imagecodecs.jpegls_encode(frame, level=0))


def _jpeg_2000(frame: Frame) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True))


_ENCODERS: dict[UID, Callable[[Frame], bytes]] = {
    RLELossless: _rle,
    JPEGLSLossless: _jpeg_ls,
    JPEG2000Lossless: _jpeg_2000,
}

LOSSLESS: frozenset[UID] = frozenset((ExplicitVRLittleEndian, *_ENCODERS))
"""The transfer syntaxes that :func:`write_pixels` knows."""


def write_pixels(result: FileDataset, frames: Iterable[Frame], transfer_syntax: UID = ExplicitVRLittleEndian) -> None:
    """Write Pixel Data of monochrome ``frames``, each (row, column) of uint8 or uint16, in this transfer syntax.

    Frames are taken one after another, so that an iterator can make each when its turn comes. To be called after
    :func:`operators.write.base.result.finish`, as it names the transfer syntax. Raises :class:`ValueError` for a
    transfer syntax that is not one of :data:`LOSSLESS`.
    """
    if transfer_syntax not in LOSSLESS:
        raise ValueError(f"transfer syntax {UID(transfer_syntax).name} is not written here")
    native = (np.ascontiguousarray(frame, dtype=frame.dtype.newbyteorder("<")) for frame in frames)
    result.file_meta.TransferSyntaxUID = transfer_syntax
    if transfer_syntax in _ENCODERS:
        encode = _ENCODERS[transfer_syntax]
        result.PixelData = encapsulate([encode(frame) for frame in native])
        result["PixelData"].VR = "OB"
        result["PixelData"].is_undefined_length = True
        return
    pixels = b"".join(frame.tobytes() for frame in native)
    result.PixelData = pixels + b"\0" if len(pixels) % 2 else pixels
    result["PixelData"].VR = "OW" if result.BitsAllocated > 8 else "OB"
