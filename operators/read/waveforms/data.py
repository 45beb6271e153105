"""Where the samples of a waveform lie in its file, so that a part of a long record can be read without the rest."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from operators.read.attributes import values
from operators.read.headers.elements import EXPLICIT_VRS, LONG_VRS
from operators.read.study import Instance
from operators.refused import Reason, Refused

_WAVEFORM_SEQUENCE = 0x54000100
_WAVEFORM_DATA = 0x54001010
# Of Waveform Data (PS3.5 section A.2); none where it is implicit.
_VALUE_REPRESENTATIONS = (b"OB", b"OW", b"UN", b"")
_ITEM = 0xFFFEE000
_ITEM_DELIMITATION_ITEM = 0xFFFEE00D
_SEQUENCE_DELIMITATION_ITEM = 0xFFFEE0DD
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class SampleBytes:
    """The bytes of Waveform Data (5400,1010) of one multiplex group: a range of the file, or held in memory.

    ``words_swapped`` tells that they are big endian 16 bit words (VR OW in a big endian file, PS3.5 section 7.3).
    """

    path: Path
    offset: int
    length: int
    words_swapped: bool = False
    content: bytes | None = None

    def read(self, start: int, stop: int) -> memoryview:
        """Return the bytes from ``start`` to ``stop`` in little endian order.

        Raises :class:`Refused` with ``TRUNCATED_WAVEFORM_DATA`` when the file ends before.
        """
        first, last = (start - start % 2, stop + stop % 2) if self.words_swapped else (start, stop)
        last = min(last, self.length)
        if self.content is not None:
            found: bytes | bytearray = self.content[first:last]
        else:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.offset + first)
                found = _read_fully(file, last - first)
        if len(found) < last - first:
            raise Refused(Reason.TRUNCATED_WAVEFORM_DATA, f"{self.path.name} ends within its waveform data")
        if self.words_swapped:
            found = np.frombuffer(found, ">u2").astype("<u2").tobytes()
        return memoryview(found)[start - first : stop - first]


def multiplex_groups(instance: Instance) -> list[tuple[Dataset, SampleBytes | None]]:
    """Return the items of Waveform Sequence (5400,0100), each without its samples but with the place of them.

    A group without Waveform Data has None in its place. Raises :class:`Refused` with ``UNSUPPORTED_WAVEFORM`` when
    there is no such sequence or it cannot be parsed, with ``TRUNCATED_WAVEFORM_DATA`` when the file ends within it.
    """
    try:
        if UID(instance.file_meta.TransferSyntaxUID) == DeflatedExplicitVRLittleEndian:
            return list(_parsed(instance))
        with instance.path.open("rb") as file:
            return list(_walked(instance, file))
    except Refused:
        raise
    except OSError as error:
        # pydicom's own, which has no number, is about the bytes; the system's is not.
        if error.errno is not None:
            raise
        raise Refused(
            Reason.UNSUPPORTED_WAVEFORM, f"{instance.name}: Waveform Sequence cannot be parsed: {error}"
        ) from error
    except (EOFError, struct.error) as error:
        raise Refused(
            Reason.TRUNCATED_WAVEFORM_DATA, f"{instance.name}: the file ends within its Waveform Sequence"
        ) from error
    # A damaged file can make the parser raise nearly anything; whatever it is, this sequence cannot be read.
    except Exception as error:
        raise Refused(
            Reason.UNSUPPORTED_WAVEFORM,
            f"{instance.name}: Waveform Sequence cannot be parsed: {type(error).__name__}: {error}",
        ) from error


def _parsed(instance: Instance) -> Iterator[tuple[Dataset, SampleBytes | None]]:
    """By pydicom, with all samples in memory: for files whose elements have no place of their own."""
    header = dcmread(instance.path, force=True)
    big_endian = UID(header.file_meta.TransferSyntaxUID) == ExplicitVRBigEndian
    items = values(header, "WaveformSequence")
    if not items:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{instance.name} has no Waveform Sequence")
    for item in items:
        element = item.get(_WAVEFORM_DATA)
        if element is None or not isinstance(element.value, bytes):
            yield item, None
            continue
        swapped = big_endian and element.VR == "OW"
        yield item, SampleBytes(instance.path, 0, len(element.value), swapped, element.value)


def _walked(instance: Instance, file: BinaryIO) -> Iterator[tuple[Dataset, SampleBytes | None]]:
    syntax = UID(instance.file_meta.TransferSyntaxUID)
    implicit, order = syntax == ImplicitVRLittleEndian, ">" if syntax == ExplicitVRBigEndian else "<"
    size = os.fstat(file.fileno()).st_size
    # The few elements before are parsed again: their end is where the sequence begins, whoever read the header.
    # Whether a file without preamble is DICOM has been decided then, too.
    read_partial(
        file, stop_when=lambda tag, vr, length: tag >= _WAVEFORM_SEQUENCE, specific_tags=[0x00080016], force=True
    )
    if file.read(4) != _tag_bytes(_WAVEFORM_SEQUENCE, order):
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{instance.name} has no Waveform Sequence")
    vr, length = _vr_and_length(file, implicit, order)
    if vr not in (b"SQ", b""):
        yield from _parsed(instance)
        return
    end = size if length == _UNDEFINED_LENGTH else file.tell() + length
    encodings = convert_encodings(list(values(instance.header, "SpecificCharacterSet")) or None)
    found = False
    while file.tell() < end:
        tag, item_length = _tag(file, order), _unsigned(file, order)
        if tag == _SEQUENCE_DELIMITATION_ITEM:
            break
        if tag != _ITEM:
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM, f"{instance.name}: Waveform Sequence holds the element {tag:08X}, no item"
            )
        item_end = None if item_length == _UNDEFINED_LENGTH else file.tell() + item_length
        if item_end is not None and item_end > end:
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM, f"{instance.name}: a group is longer than the sequence it is part of"
            )
        item = read_dataset(
            file,
            implicit,
            order == "<",
            bytelength=None if item_end is None else item_length,
            stop_when=lambda tag, vr, length: tag >= _WAVEFORM_DATA,
            parent_encoding=encodings,
            at_top_level=False,
        )
        found = True
        yield item, _sample_bytes(instance, file, item_end, implicit, order, size)
    if not found:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{instance.name} has an empty Waveform Sequence")


def _sample_bytes(
    instance: Instance, file: BinaryIO, item_end: int | None, implicit: bool, order: str, size: int
) -> SampleBytes | None:
    """Read the element where the parser stopped, and go on to the end of the item."""
    samples = None
    while item_end is None or file.tell() < item_end:
        tag = _tag(file, order)
        if tag == _ITEM_DELIMITATION_ITEM:
            _unsigned(file, order)
            return samples
        vr, length = _vr_and_length(file, implicit, order)
        if length == _UNDEFINED_LENGTH:
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM, f"{instance.name}: element {tag:08X} of a group has no defined length"
            )
        if file.tell() + length > size:
            raise Refused(
                Reason.TRUNCATED_WAVEFORM_DATA,
                f"{instance.name}: {length} bytes at {file.tell()} in a file of {size} bytes",
            )
        if item_end is not None and file.tell() + length > item_end:
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM,
                f"{instance.name}: element {tag:08X} is longer than the group it is part of",
            )
        if tag == _WAVEFORM_DATA:
            if vr not in _VALUE_REPRESENTATIONS:
                raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{instance.name} has Waveform Data of the VR {vr!r}")
            samples = SampleBytes(instance.path, file.tell(), length, order == ">" and vr == b"OW")
        file.seek(length, os.SEEK_CUR)
    return samples


def _vr_and_length(file: BinaryIO, implicit: bool, order: str) -> tuple[bytes, int]:
    """VR (empty where it is implicit) and length of an element (PS3.5 section 7.1)."""
    if implicit:
        return b"", _unsigned(file, order)
    vr = file.read(2)
    if EXPLICIT_VRS.get(vr) in LONG_VRS:
        file.seek(2, os.SEEK_CUR)
        return vr, _unsigned(file, order)
    return vr, int(struct.unpack(order + "H", file.read(2))[0])


def _tag_bytes(tag: int, order: str) -> bytes:
    return struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)


def _tag(file: BinaryIO, order: str) -> int:
    group, element = struct.unpack(order + "HH", file.read(4))
    return int(group) << 16 | int(element)


def _unsigned(file: BinaryIO, order: str) -> int:
    return int(struct.unpack(order + "I", file.read(4))[0])


def _read_fully(file: BinaryIO, count: int) -> bytearray:
    found = bytearray(count)
    view, done = memoryview(found), 0
    while done < count and (step := file.readinto(view[done:])):  # type: ignore[attr-defined]
        done += step
    del view
    return found if done == count else found[:done]
