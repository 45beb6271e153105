"""Native pixel data: one frame's bytes from the file straight into the caller's array (PS3.5 section 8)."""

from __future__ import annotations

import os
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from operators.read.pixel_format import PixelFormat
from operators.read.study import Instance
from operators.refused import Reason, Refused

# Keyword and element number in group 7FE0 (PS3.3 sections C.7.6.3, C.7.6.24 and C.7.6.25).
_INTEGERS, _FLOATS = ("PixelData", 0x0010), {4: ("FloatPixelData", 0x0008), 8: ("DoubleFloatPixelData", 0x0009)}
_UNDEFINED_LENGTH = 0xFFFFFFFF


def read_native(instance: Instance, form: PixelFormat, frame: int, out: NDArray[np.generic]) -> None:
    """Read one frame of native pixel data into ``out``, a contiguous array of the format's shape and dtype.

    Unused bits come as they stand in the file.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the element or the file is too short for the frame, and
    ``UNSUPPORTED_PIXEL_FORMAT`` when the element at the pixel data's place is not what the header describes.
    """
    if form.bits_allocated == 1 or form.is_planar or form.photometric_interpretation == "YBR_FULL_422":
        out[...] = _rearranged(instance, form, frame, out.shape)
        return
    size = out.nbytes
    view = out.reshape(-1).view(np.uint8).data
    _read(instance, form, frame * size, view, (frame + 1) * size)
    if form.transfer_syntax_uid == ExplicitVRBigEndian and out.dtype.itemsize > 1:
        out.byteswap(inplace=True)


def _rearranged(instance: Instance, form: PixelFormat, frame: int, shape: tuple[int, ...]) -> NDArray[np.generic]:
    """A frame whose bytes do not lie as the array does: packed bits, separate planes, shared chrominance."""
    pixels = form.rows * form.columns
    if form.bits_allocated == 1:
        # Frames follow each other without padding: one may begin within a byte (PS3.5 section 8.1.1).
        first, last = frame * pixels, (frame + 1) * pixels
        packed = np.empty((last + 7) // 8 - first // 8, np.uint8)
        _read(instance, form, first // 8, packed.data, (last + 7) // 8)
        bits = np.unpackbits(packed, bitorder="little")[first % 8 :]
        return bits[:pixels].reshape(shape)
    if form.photometric_interpretation == "YBR_FULL_422":
        # Two pixels are four values: Y1 Y2 Cb Cr (PS3.3 section C.7.6.3.1.2).
        values = np.empty(2 * pixels, form.dtype)
        _read(instance, form, frame * values.nbytes, values.view(np.uint8).data, (frame + 1) * values.nbytes)
        pairs = values.reshape(-1, 4)
        return np.stack([pairs[:, :2].ravel(), pairs[:, 2].repeat(2), pairs[:, 3].repeat(2)], axis=-1).reshape(shape)
    planes = np.empty((form.samples, form.rows, form.columns), form.dtype)
    _read(instance, form, frame * planes.nbytes, planes.reshape(-1).view(np.uint8).data, (frame + 1) * planes.nbytes)
    if form.transfer_syntax_uid == ExplicitVRBigEndian and planes.dtype.itemsize > 1:
        planes.byteswap(inplace=True)
    return np.moveaxis(planes, 0, -1)


def _read(instance: Instance, form: PixelFormat, start: int, view: memoryview, announced: int) -> None:
    if form.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        content = inflated_pixel_data(instance, form)
        done = min(len(view), max(0, len(content) - start))
        view[:done] = content[start : start + done]
    else:
        done = _read_file(instance, form, start, view)
    if done < len(view):
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} holds {start + done} bytes of pixel data, its header announces {announced}",
        )


def _read_file(instance: Instance, form: PixelFormat, start: int, view: memoryview) -> int:
    """Read bytes of the element's value; return how many there are."""
    # Element header: tag, then the VR with two reserved bytes if explicit, then a four byte length (PS3.5 section 7.1).
    header = bytearray(8 if form.transfer_syntax_uid == ImplicitVRLittleEndian else 12)
    offset = instance.pixel_data_offset or 0
    descriptor = os.open(instance.path, os.O_RDONLY)
    try:
        if start == 0:
            # One call for header and value: on small slices the calls are what costs.
            done = os.preadv(descriptor, [header, view], offset) - len(header)
        else:
            done = 0
            os.preadv(descriptor, [header], offset)
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


def _value_length(instance: Instance, form: PixelFormat, header: bytearray) -> int:
    order = "big" if form.transfer_syntax_uid == ExplicitVRBigEndian else "little"
    element = int.from_bytes(header[2:4], order)  # type: ignore[arg-type]
    length = int.from_bytes(header[-4:], order)  # type: ignore[arg-type]
    keyword, expected = _element(form)
    if element != expected:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has no {keyword} where its pixels should be")
    if length == _UNDEFINED_LENGTH:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds encapsulated pixel data, its transfer syntax says {form.transfer_syntax_uid.name}",
        )
    return length


def _element(form: PixelFormat) -> tuple[str, int]:
    return _FLOATS[form.dtype.itemsize] if form.dtype.kind == "f" else _INTEGERS


def inflated_pixel_data(instance: Instance, form: PixelFormat) -> bytes:
    """Return the value of the pixel data element of a deflated data set (PS3.5 section A.5).

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the data set cannot be inflated or holds no pixel data.
    """
    try:
        content = dcmread(BytesIO(instance.path.read_bytes())).get(_element(form)[0])
    # A damaged file can make zlib and the parser raise nearly anything; whatever it is, there are no pixels.
    except Exception as error:
        raise Refused(Reason.TRUNCATED_PIXEL_DATA, f"{instance.name} cannot be inflated: {error}") from error
    if not isinstance(content, bytes):
        raise Refused(Reason.TRUNCATED_PIXEL_DATA, f"{instance.name} ends before its pixel data")
    return content
