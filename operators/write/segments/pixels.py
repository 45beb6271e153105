"""Masks → Image Pixel attributes and Pixel Data of a Segmentation, in its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian

from operators.write.base.encode import write_pixels
from operators.write.segments.bits import packed
from operators.write.segments.form import SegmentationForm
from operators.write.segments.label_map import label_plane, stored_type
from operators.write.segments.masks import FULL, Masks, shape_of
from operators.write.segments.occurrences import Occurrence

# Lengths are 32 bits, and all of them is "undefined" (PS3.5 7.1.1).
LONGEST_PIXEL_DATA = 0xFFFFFFFE


def bits_allocated(form: SegmentationForm, largest_number: int) -> int:
    """Return the bits of a pixel (PS3.3 table C.8.20-2)."""
    if form.type == "binary":
        return 1
    return 8 * stored_type(largest_number).itemsize if form.type == "labelmap" else 8


def write_pixel_format(result: FileDataset, form: SegmentationForm, largest_number: int) -> None:
    """Write what kind of numbers the pixels are (PS3.3 table C.8.20-2)."""
    bits = bits_allocated(form, largest_number)
    result.SamplesPerPixel = 1
    result.PhotometricInterpretation = "MONOCHROME2"
    result.PixelRepresentation = 0
    result.BitsAllocated, result.BitsStored, result.HighBit = bits, bits, bits - 1
    result.SegmentationType = "FRACTIONAL" if form.is_fractional else form.type.upper()
    if form.is_fractional:
        result.SegmentationFractionalType = form.type.upper()
        result.MaximumFractionalValue = FULL
    if form.type == "labelmap":
        # Which segment is the background.
        result.add_new("PixelPaddingValue", "US", 0)


def check_size(form: SegmentationForm, frames: int, shape: tuple[int, int, int], largest_number: int) -> None:
    """Raise :class:`ValueError` for more native pixel data than an element can have a length for."""
    size = frames * shape[1] * shape[2] * bits_allocated(form, largest_number) / 8
    if size > LONGEST_PIXEL_DATA and not form.transfer_syntax_uid.is_compressed:
        raise ValueError(f"{frames} frames are {size / 2**30:.1f} GiB, a data element holds 4: leave out empty frames")


def write_pixel_data(
    result: FileDataset, form: SegmentationForm, masks: Masks, frames: Sequence[Occurrence], numbers: tuple[int, ...]
) -> None:
    """Write Pixel Data of ``frames`` and name the transfer syntax; to be called after ``finish``."""
    if form.type != "binary":
        _write_bytes(result, form, _whole_frames(masks, form, frames, numbers))
    elif form.encoding == "jpeg_2000":
        result.PixelData = encapsulate([_bits_in_jpeg_2000(plane) for plane in _whole_planes(masks, frames)])
        result["PixelData"].VR = "OB"
        result["PixelData"].is_undefined_length = True
    else:
        result.PixelData = packed(masks, frames)
        result["PixelData"].VR = "OB"
    result.file_meta.TransferSyntaxUID = form.transfer_syntax_uid


def _write_bytes(
    result: FileDataset, form: SegmentationForm, frames: Iterable[NDArray[np.unsignedinteger[Any]]]
) -> None:
    if form.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        # The pixel data are native; it is the whole data set that is deflated when it is saved.
        write_pixels(result, frames)
    else:
        write_pixels(result, frames, form.transfer_syntax_uid)


def _whole_frames(
    masks: Masks, form: SegmentationForm, frames: Sequence[Occurrence], numbers: tuple[int, ...]
) -> Iterator[NDArray[np.unsignedinteger[Any]]]:
    if form.type == "labelmap":
        dtype = stored_type(numbers[-1])
        yield from (label_plane(masks, frame.slice_index, numbers, dtype) for frame in frames)
        return
    for frame in frames:
        pixels = np.zeros(shape_of(masks)[1:], np.uint8)
        pixels[frame.rows] = masks.fractions(frame.segment, frame.slice_index, frame.rows)
        yield pixels


def _whole_planes(masks: Masks, frames: Sequence[Occurrence]) -> Iterator[NDArray[np.uint8]]:
    for frame in frames:
        yield masks.plane(frame.segment, frame.slice_index, slice(None)).astype(np.uint8)


def _bits_in_jpeg_2000(plane: NDArray[np.uint8]) -> bytes:
    # One bit of precision, as the header announces.
    return bytes(imagecodecs.jpeg2k_encode(plane, level=0, codecformat="j2k", reversible=True, bitspersample=1))
