"""Native pixel data: one frame's bytes from the file straight into the caller's array (PS3.5 section 8)."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from operators.read.instance import Instance
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused

# Keyword and element number in group 7FE0 (PS3.3 sections C.7.6.3, C.7.6.24 and C.7.6.25).
_INTEGERS, _FLOATS = ("PixelData", 0x0010), {4: ("FloatPixelData", 0x0008), 8: ("DoubleFloatPixelData", 0x0009)}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_VALUE_REPRESENTATIONS = (b"OB", b"OW", b"OF", b"OD", b"UN")

_SHARED_CHROMINANCE = ("YBR_FULL_422", "YBR_PARTIAL_422")


def read_native(
    instance: Instance, form: PixelFormat, frame: int, out: NDArray[np.generic], inflated: bytes | None = None
) -> None:
    """Read one frame of native pixel data into ``out``, a contiguous array of the format's shape and dtype.

    Unused bits come as they stand in the file. ``inflated`` is the element where the data set is deflated
    (:func:`inflated_pixel_data`).

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the element or the file is too short for the frame, and
    ``UNSUPPORTED_PIXEL_FORMAT`` when the element at the pixel data's place is not what the header describes.
    """
    if _lies_as_the_array(form) and not _may_be_swapped(form):
        view = out.reshape(-1).view(np.uint8).data
        _read(instance, form, frame * out.nbytes, view, inflated)
        if form.transfer_syntax_uid == ExplicitVRBigEndian and out.dtype.itemsize > 1:
            out.byteswap(inplace=True)
        return
    # Frames of single bits follow each other without padding: one may begin within a byte (PS3.5 section 8.1.1).
    bits = _bits_per_frame(form)
    start, end = frame * bits // 8, ((frame + 1) * bits + 7) // 8
    if _may_be_swapped(form):
        content = _unswapped(instance, form, start, end)
    else:
        content = bytearray(end - start)
        _read(instance, form, start, memoryview(content), inflated)
    out[...] = arranged(content, form, first_bit=frame * bits % 8)


def arranged(content: bytes | bytearray, form: PixelFormat, first_bit: int = 0) -> NDArray[np.generic]:
    """Return the bytes of one frame, as native pixel data hold them, as an array of the format's shape and dtype.

    Raises :class:`ValueError` when there are too few.
    """
    pixels = form.rows * form.columns
    if form.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
        return bits[first_bit : first_bit + pixels].reshape(form.shape)
    big_endian = form.transfer_syntax_uid == ExplicitVRBigEndian
    dtype = form.dtype.newbyteorder(">") if big_endian else form.dtype
    values = np.frombuffer(content, dtype, _bits_per_frame(form) // form.bits_allocated).astype(form.dtype, copy=False)
    if form.photometric_interpretation in _SHARED_CHROMINANCE:
        # Two pixels are four values: Y1 Y2 Cb Cr (PS3.3 section C.7.6.3.1.2).
        pairs = values.reshape(-1, 4)
        full = [pairs[:, :2].ravel(), pairs[:, 2].repeat(2), pairs[:, 3].repeat(2)]
        return np.stack(full, axis=-1).reshape(form.shape)
    if form.is_planar:
        return np.moveaxis(values.reshape(form.samples, form.rows, form.columns), 0, -1)
    return values.reshape(form.shape)


def _lies_as_the_array(form: PixelFormat) -> bool:
    return not (form.bits_allocated == 1 or form.is_planar or form.photometric_interpretation in _SHARED_CHROMINANCE)


def _may_be_swapped(form: PixelFormat) -> bool:
    return form.transfer_syntax_uid == ExplicitVRBigEndian and form.bits_allocated <= 8


def _unswapped(instance: Instance, form: PixelFormat, start: int, end: int) -> bytearray:
    """Bytes of big endian pixel data of 8 bits: as OW two of them are one word and change places (PS3.5 section 8)."""
    with instance.path.open("rb") as file:
        file.seek((instance.pixel_data_offset or 0) + 4)
        is_words = file.read(2) == b"OW"
    if not is_words:
        content = bytearray(end - start)
        _read(instance, form, start, memoryview(content))
        return content
    first, last = start - start % 2, end + end % 2
    words = np.empty((last - first) // 2, np.uint16)
    _read(instance, form, first, words.view(np.uint8).data)
    return bytearray(words.byteswap().tobytes())[start - first : end - first]


def bytes_of_frames(form: PixelFormat) -> int:
    """Return how many bytes all frames of an instance have as native pixel data."""
    return (form.frames * _bits_per_frame(form) + 7) // 8


def _bits_per_frame(form: PixelFormat) -> int:
    samples = 2 if form.photometric_interpretation in _SHARED_CHROMINANCE else form.samples
    return form.rows * form.columns * samples * form.bits_allocated


def _read(instance: Instance, form: PixelFormat, start: int, view: memoryview, inflated: bytes | None = None) -> None:
    if inflated is None:
        done = _read_file(instance, form, start, view)
    else:
        length = _value_length(instance, form, inflated[:12])
        content = inflated[12 : 12 + length][start : start + len(view)]
        done = len(content)
        view[:done] = content
    if done < len(view):
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} holds {start + done} bytes of pixel data, its header announces {start + len(view)}",
        )


def _read_file(instance: Instance, form: PixelFormat, start: int, view: memoryview) -> int:
    """Read bytes of the element's value; return how many there are."""
    # Element header: tag, then the VR with two reserved bytes if explicit, then a four byte length (PS3.5 section 7.1).
    header = bytearray(8 if form.transfer_syntax_uid == ImplicitVRLittleEndian else 12)
    offset = instance.pixel_data_offset or 0
    descriptor = os.open(instance.path, os.O_RDONLY)
    try:
        # One call for header and value: on small slices the calls are what costs.
        parts = [view] if start == 0 else []
        done = os.preadv(descriptor, [header, *parts], offset) - len(header)
        has_vr = bytes(header[4:6]) in _VALUE_REPRESENTATIONS
        if has_vr != (len(header) == 12) and _is_implicit(instance) == (len(header) == 12):
            # The data set has another encoding than its transfer syntax says.
            header = bytearray(20 - len(header))
            done = os.preadv(descriptor, [header, *parts], offset) - len(header)
        length = _value_length(instance, form, header)
        while 0 <= done < len(view):
            count = os.preadv(descriptor, [view[done:]], offset + len(header) + start + done)
            if count == 0:
                break
            done += count
    finally:
        os.close(descriptor)
    # What follows the element is not pixels, even where it would fill the frame.
    return max(0, min(done, length - start))


def _is_implicit(instance: Instance) -> bool:
    """Whether the elements of the header were found without value representations."""
    found = (element.is_implicit_VR for element in instance.header.values() if isinstance(element, RawDataElement))
    return next(found, instance.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian)


def _value_length(instance: Instance, form: PixelFormat, header: bytes | bytearray) -> int:
    order = "big" if form.transfer_syntax_uid == ExplicitVRBigEndian else "little"
    element = int.from_bytes(header[2:4], order)  # type: ignore[arg-type]
    length = int.from_bytes(header[-4:], order)  # type: ignore[arg-type]
    keyword, expected = _element(form)
    if len(header) == 12 and bytes(header[4:6]) not in _VALUE_REPRESENTATIONS:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has pixel data of another VR than OB or OW")
    if element != expected:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has no {keyword} where its pixels should be")
    if length == _UNDEFINED_LENGTH:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds encapsulated pixel data, its transfer syntax says {form.transfer_syntax_uid.name}",
        )
    announced = bytes_of_frames(form)
    # Lengths are even: one byte may follow the last frame.
    if length - announced - announced % 2 >= _bits_per_frame(form) / 8:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds {length} bytes of pixel data, more than {form.frames} frames of {form.rows} x "
            f"{form.columns} pixels",
        )
    if form.photometric_interpretation in _SHARED_CHROMINANCE and length >= 3 * bytes_of_frames(form) // 2:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds {length} bytes, as if each of its {form.photometric_interpretation} pixels had "
            "three values",
        )
    return length


def _element(form: PixelFormat) -> tuple[str, int]:
    return _FLOATS[form.dtype.itemsize] if form.dtype.kind == "f" else _INTEGERS
