"""Stored pixel values of one instance, straight from its file into the caller's array."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from operators.read.attributes import MalformedAttributeError, integer, text, values
from operators.read.study import Instance
from operators.refused import Reason, Refused

_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_BITS_ALLOCATED = (8, 16, 32)

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITATION_ITEM = b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True)
class PixelFormat:
    """How the pixels of one single-frame monochrome instance are stored (PS3.3 section C.7.6.3, PS3.5 section 8)."""

    rows: int
    columns: int
    dtype: np.dtype[np.generic]
    bits_stored: int
    transfer_syntax_uid: UID

    @property
    def has_unused_bits(self) -> bool:
        """Whether bits above Bits Stored exist: they may hold anything, e.g. a retired overlay."""
        return self.bits_stored < 8 * self.dtype.itemsize

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value that Bits Stored and Pixel Representation allow."""
        if self.dtype.kind == "i":
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


def pixel_format(instance: Instance) -> PixelFormat:
    """Return how an instance's pixels are stored, from its header.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` for anything but single-frame monochrome integers of 8,
    16 or 32 bits, and with ``TRUNCATED_PIXEL_DATA`` when the file ends before its pixel data.
    """
    header = instance.header
    syntax = UID(instance.file_meta.TransferSyntaxUID)
    if not syntax.is_transfer_syntax:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has the unknown transfer syntax {syntax}")
    if instance.pixel_data_offset is None and syntax != DeflatedExplicitVRLittleEndian:
        raise Refused(Reason.TRUNCATED_PIXEL_DATA, f"{instance.name} ends before its pixel data")
    try:
        rows, columns = integer(header, "Rows"), integer(header, "Columns")
        samples = integer(header, "SamplesPerPixel")
        photometric = text(header, "PhotometricInterpretation")
        frames = integer(header, "NumberOfFrames") or 1
        allocated, stored = integer(header, "BitsAllocated"), integer(header, "BitsStored")
        high_bit, representation = integer(header, "HighBit"), integer(header, "PixelRepresentation")
        lookup_table = values(header, "ModalityLUTSequence")
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name}: {error}") from error
    problem = None
    if not rows or not columns:
        problem = "no Rows and Columns"
    elif frames != 1:
        problem = f"{frames} frames in one instance"
    elif samples != 1 or photometric not in _MONOCHROME:
        problem = f"{samples} samples per pixel, {photometric}"
    elif allocated not in _BITS_ALLOCATED or stored is None or not 1 <= stored <= allocated:
        problem = f"{stored} bits stored in {allocated}"
    elif high_bit not in (None, stored - 1) or representation not in (0, 1):
        problem = f"high bit {high_bit} of {stored}, pixel representation {representation}"
    elif lookup_table:
        problem = "a Modality LUT instead of a rescale slope"
    if problem is not None or rows is None or columns is None or allocated is None or stored is None:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has {problem}")
    return PixelFormat(rows, columns, np.dtype(f"{'i' if representation else 'u'}{allocated // 8}"), stored, syntax)


def read_stored_values(instance: Instance, form: PixelFormat, out: NDArray[np.generic]) -> None:
    """Read an instance's stored values into ``out``, a contiguous (row, column) array of the format's dtype.

    Unused high bits are cleared, or filled with the sign.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` or, where the pixels cannot be decoded,
    ``UNSUPPORTED_PIXEL_FORMAT``.
    """
    if form.transfer_syntax_uid.is_encapsulated or form.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        out[...] = _decoded(instance, form)
    else:
        _read_native(instance, form, out)
    if form.has_unused_bits:
        unused = 8 * form.dtype.itemsize - form.bits_stored
        np.left_shift(out, unused, out=out)
        np.right_shift(out, unused, out=out)


def _read_native(instance: Instance, form: PixelFormat, out: NDArray[np.generic]) -> None:
    # Element header: tag, then the VR with two reserved bytes if explicit, then a four byte length (PS3.5 section 7.1).
    header_bytes = 8 if form.transfer_syntax_uid == ImplicitVRLittleEndian else 12
    with instance.path.open("rb", buffering=0) as file:
        file.seek((instance.pixel_data_offset or 0) + header_bytes)
        view = out.reshape(-1).view(np.uint8).data
        done = 0
        while done < len(view) and (count := file.readinto(view[done:])):
            done += count
    if done < len(view):
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} holds {done} bytes of pixel data, its header announces {len(view)}",
        )
    if form.transfer_syntax_uid == ExplicitVRBigEndian:
        out.byteswap(inplace=True)


def _decoded(instance: Instance, form: PixelFormat) -> NDArray[np.generic]:
    if form.transfer_syntax_uid.is_encapsulated:
        _refuse_cut_fragments(instance)
    try:
        decoded = pixel_array(dcmread(instance.path), raw=True)
    # Each decoder raises what it likes; whatever it is, these pixels cannot be had.
    except Exception as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} cannot be decoded from {form.transfer_syntax_uid.name}: {error}",
        ) from error
    if decoded.shape != (form.rows, form.columns) or decoded.dtype.itemsize != form.dtype.itemsize:
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
