"""Read the identifiers of an instance from its encoded data set, and nothing that comes after them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from deploy.node.header_walk import walk
from operators.read.attributes import MalformedAttributeError, text

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_DESCRIPTIONS = ("PatientID", "PatientName", "AccessionNumber", "StudyDate", "StudyDescription")
_TAGS: list[BaseTag | int] = [Tag(keyword) for keyword in ("SpecificCharacterSet", *_IDENTIFIERS, *_DESCRIPTIONS)]
_LAST_TAG = Tag("SeriesInstanceUID")
_PIXEL_DATA = Tag("PixelData")
_FIRST_GROUP = 0x0008
"""Lower groups are those of command sets, File Meta Information and directories (PS3.5 section 7.1)."""

_CHARACTER_SET = Tag("SpecificCharacterSet")
_NUMBERS = {int(Tag(keyword)): keyword for keyword in (*_IDENTIFIERS, *_DESCRIPTIONS)}
_WALKED = frozenset({*_NUMBERS, int(_CHARACTER_SET)})

_NOT_WALKED = (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)

_INFLATED_BYTES = 1 << 20
"""How much of a deflated data set is inflated: far more than stands before the Series Instance UID."""

SEARCHED_BYTES = 1 << 24
"""How much of a data set is searched for identifiers that stand out of order, after other elements."""

QUICK_BYTES = 1 << 14
"""How many of the first bytes nearly always hold all identifiers."""

_PLAIN = re.compile(rb"[ -\[\]-~]*")
"""One value of the default repertoire (PS3.5 section 6.1.2.2)."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
"""PS3.5 section 9.1; components with leading zeros are wrong, but seen, and do no harm."""


class UnreadableHeaderError(ValueError):
    """The data set cannot be read as far as its identifiers, or one of them is absent or no UID."""


@dataclass(frozen=True)
class InstanceHeader:
    """What a received instance is: the UIDs that place it, and the study's attributes for people to find it by."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    patient_id: str = ""
    patient_name: str = ""
    accession_number: str = ""
    study_date: str = ""
    study_description: str = ""


def read_header(data_set: bytes, transfer_syntax_uid: str) -> InstanceHeader:
    """Read the identifiers from an encoded data set, which may be truncated or garbled after them.

    A transfer syntax that is unknown, such as a private one, is taken as explicit or implicit VR little endian,
    whichever the first element looks like.

    Raises :class:`UnreadableHeaderError`.
    """
    quick = read_quickly(data_set[:QUICK_BYTES], transfer_syntax_uid)
    return quick or read_thoroughly(data_set, transfer_syntax_uid)


def read_thoroughly(data_set: bytes, transfer_syntax_uid: str) -> InstanceHeader:
    """Do what :func:`read_header` does by pydicom alone, which reads what is unusual, too."""
    header = _parse(data_set, transfer_syntax_uid, lambda tag, *_: tag > _LAST_TAG)
    if any(keyword not in header for keyword in _IDENTIFIERS):
        # Elements out of order, which PS3.5 section 7.1 forbids, can stand after those at which reading stopped.
        header = _parse(data_set, transfer_syntax_uid, lambda tag, *_: tag == _PIXEL_DATA)
    uids = {keyword: _text(header, keyword) for keyword in _IDENTIFIERS}
    for keyword, uid in uids.items():
        if not uid:
            raise UnreadableHeaderError(f"the data set has no {keyword}")
        if not is_uid(uid):
            raise UnreadableHeaderError(f"{keyword} is not a UID: {uid[:70]!r}")
    return _header({**uids, **{keyword: _text(header, keyword) for keyword in _DESCRIPTIONS}})


def read_quickly(beginning: bytes, transfer_syntax_uid: str) -> InstanceHeader | None:
    """Read the identifiers from the first bytes of a data set; None where only :func:`read_header` can tell."""
    syntax = UID(transfer_syntax_uid)
    if syntax.is_private or not syntax.is_transfer_syntax or syntax in _NOT_WALKED:
        return None
    elements = walk(beginning, implicit=syntax.is_implicit_VR, wanted=_WALKED, last=int(_LAST_TAG))
    if elements is None:
        return None
    values: dict[str, str] = {}
    foreign = []
    for tag, (value, element) in elements.items():
        keyword = _NUMBERS.get(tag)
        if keyword is None:
            continue
        if _PLAIN.fullmatch(value.rstrip(b"\0")):
            values[keyword] = value.decode("ascii").strip("\0 ")
        else:
            foreign.append((keyword, element))
    if any(not is_uid(values.get(keyword, "")) for keyword in _IDENTIFIERS):
        return None
    if foreign:
        # Other character sets, and whatever else, are pydicom's: only these elements, which are in order.
        _, character_set = elements.get(int(_CHARACTER_SET), (b"", b""))
        try:
            parsed = _parse(character_set + b"".join(element for _, element in foreign), transfer_syntax_uid, _never)
        except UnreadableHeaderError:
            return None
        values.update({keyword: _text(parsed, keyword) for keyword, _ in foreign})
    return _header(values)


def is_uid(text: str) -> bool:
    """Return whether a text is a UID: at most 64 characters, and nothing that could be a path."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def _header(values: Mapping[str, str]) -> InstanceHeader:
    return InstanceHeader(
        study_instance_uid=values["StudyInstanceUID"],
        series_instance_uid=values["SeriesInstanceUID"],
        sop_instance_uid=values["SOPInstanceUID"],
        sop_class_uid=values["SOPClassUID"],
        patient_id=values.get("PatientID", ""),
        patient_name=values.get("PatientName", ""),
        accession_number=values.get("AccessionNumber", ""),
        study_date=values.get("StudyDate", ""),
        study_description=values.get("StudyDescription", ""),
    )


def _never(tag: BaseTag, vr: str | None, length: int) -> bool:
    return False


def _parse(data_set: bytes, transfer_syntax_uid: str, stop_when: Callable[[BaseTag, str | None, int], bool]) -> Dataset:
    syntax = UID(transfer_syntax_uid)
    if syntax.is_private or not syntax.is_transfer_syntax:
        syntax = ExplicitVRLittleEndian
    try:
        if syntax == DeflatedExplicitVRLittleEndian:
            data_set = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data_set, _INFLATED_BYTES)
        _check_first_group(data_set, syntax)
        return read_dataset(
            BytesIO(data_set), syntax.is_implicit_VR, syntax.is_little_endian, stop_when=stop_when, specific_tags=_TAGS
        )
    except UnreadableHeaderError:
        raise
    # A damaged data set can make the parser raise nearly anything; whatever it is, the identifiers cannot be read.
    except Exception as error:
        raise UnreadableHeaderError(f"the data set cannot be parsed: {type(error).__name__}: {error}") from error


def _check_first_group(data_set: bytes, syntax: UID) -> None:
    """Refuse a data set that would be taken for the end of the File Meta Information before it, as readers do."""
    group = int.from_bytes(data_set[:2], "little" if syntax.is_little_endian else "big")
    if len(data_set) >= 2 and group < _FIRST_GROUP:
        raise UnreadableHeaderError(f"the data set begins with an element of group {group:04X}, which none may have")


def _text(header: Dataset, keyword: str) -> str:
    try:
        return (text(header, keyword) or "").strip("\0 ")
    except MalformedAttributeError as error:
        if keyword in _IDENTIFIERS:
            raise UnreadableHeaderError(str(error)) from error
        # An instance must not be lost because its description cannot be read: it is only shown to people.
        return ""
