"""Data sets of requests: decoded, and their UIDs checked before anything is done with them."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from deploy.node.header import is_uid
from deploy.node.services.contexts import MAXIMUM_DATA_SET_BYTES, MAXIMUM_REFERENCES
from deploy.node.services.messages import RefusedRequestError
from deploy.node.services.statuses import (
    INVALID_ATTRIBUTE_VALUE,
    MISSING_ATTRIBUTE,
    MISSING_ATTRIBUTE_VALUE,
    PROCESSING_FAILURE,
    RESOURCE_LIMITATION,
)


def decode(data_set: bytes, transfer_syntax: str) -> Dataset:
    """Decode a request's data set. Raises :class:`RefusedRequestError` where it cannot be."""
    if len(data_set) > MAXIMUM_DATA_SET_BYTES:
        raise RefusedRequestError(RESOURCE_LIMITATION, f"the data set has {len(data_set)} bytes")
    syntax = UID(transfer_syntax)
    try:
        return read_dataset(BytesIO(data_set), syntax.is_implicit_VR, syntax.is_little_endian)
    # A damaged data set can make the parser raise nearly anything; whatever it is, the request cannot be understood.
    except Exception as error:
        raise RefusedRequestError(
            PROCESSING_FAILURE, f"the data set cannot be parsed: {type(error).__name__}: {error}"
        ) from error


def encode(dataset: Dataset, transfer_syntax: str) -> bytes:
    """Encode a data set of ours."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = UID(transfer_syntax).is_implicit_VR
    buffer.is_little_endian = UID(transfer_syntax).is_little_endian
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def text(dataset: Dataset, keyword: str, *, invalid: int = INVALID_ATTRIBUTE_VALUE) -> str:
    """Return a single value as text, empty where it is absent or empty.

    Raises :class:`RefusedRequestError` with the status ``invalid`` for several values or an element that cannot be
    decoded.
    """
    try:
        value = dataset.get(keyword)
    # Elements are decoded when they are looked at; see decode.
    except Exception as error:
        raise RefusedRequestError(invalid, f"{keyword} cannot be decoded: {error}") from error
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RefusedRequestError(invalid, f"{keyword} has {value!r:.40} for one text")
    return value.strip("\0 ")


def uid(dataset: Dataset, keyword: str, *, invalid: int = INVALID_ATTRIBUTE_VALUE) -> str:
    """Return a UID that has to be there.

    Raises :class:`RefusedRequestError`: missing attribute, missing attribute value, or ``invalid`` for what is no UID
    (PS3.5 section 9.1).
    """
    found = text(dataset, keyword, invalid=invalid)
    if not found:
        absent = keyword not in dataset
        raise RefusedRequestError(
            MISSING_ATTRIBUTE if absent else MISSING_ATTRIBUTE_VALUE, f"{keyword} is {'absent' if absent else 'empty'}"
        )
    return check_uid(found, keyword, invalid=invalid)


def check_uid(value: str, keyword: str, *, invalid: int = INVALID_ATTRIBUTE_VALUE) -> str:
    """Return a UID as it is, or raise :class:`RefusedRequestError` with the status ``invalid`` for what is none."""
    if not is_uid(value):
        raise RefusedRequestError(invalid, f"{keyword} is not a UID: {value[:70]!r}")
    return value


def number(dataset: Dataset, keyword: str, absent: int) -> int:
    """Return a whole number, or ``absent`` where there is none that can be read."""
    try:
        value = dataset.get(keyword)
    # Elements are decoded when they are looked at; see decode.
    except Exception:
        return absent
    return value if isinstance(value, int) else absent


def items(dataset: Dataset, keyword: str, *, invalid: int = INVALID_ATTRIBUTE_VALUE) -> tuple[Dataset, ...]:
    """Return the items of a sequence, none where it is absent. Raises :class:`RefusedRequestError`."""
    try:
        found = dataset.get(keyword)
    except Exception as error:
        raise RefusedRequestError(invalid, f"{keyword} cannot be decoded: {error}") from error
    if found is None:
        return ()
    if not all(isinstance(item, Dataset) for item in found):
        raise RefusedRequestError(invalid, f"{keyword} is not a sequence")
    return tuple(found)


def references(
    containers: Iterable[Dataset], *keywords: str, invalid: int = INVALID_ATTRIBUTE_VALUE
) -> list[tuple[str, str, Dataset]]:
    """Return SOP Class UID, SOP Instance UID and item of each item in sequences such as ReferencedSOPSequence.

    Raises :class:`RefusedRequestError`, also for more than :data:`MAXIMUM_REFERENCES`.
    """
    found: list[tuple[str, str, Dataset]] = []
    for container in containers:
        for keyword in keywords:
            for item in items(container, keyword, invalid=invalid):
                if len(found) == MAXIMUM_REFERENCES:
                    raise RefusedRequestError(RESOURCE_LIMITATION, f"more than {MAXIMUM_REFERENCES} references")
                sop_class = uid(item, "ReferencedSOPClassUID", invalid=invalid)
                found.append((sop_class, uid(item, "ReferencedSOPInstanceUID", invalid=invalid), item))
    return found
