"""Coded entries of a header (PS3.3 section 8) as plain codes."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.read.attributes import MalformedAttributeError, text, values


def coded_entries(header: Dataset, keyword: str) -> tuple[Code, ...]:
    """Return the coded entries of a code sequence; empty if it is absent or has no item.

    The value is that of Code Value, Long Code Value or URN Code Value, whichever is there; a URN has no scheme.

    Raises :class:`MalformedAttributeError` for an entry without a value, or without the scheme that the value needs.
    """
    return tuple(_code(item, keyword) for item in values(header, keyword))


def coded_entry(header: Dataset, keyword: str) -> Code | None:
    """Return the first coded entry of a code sequence, or None; raises like :func:`coded_entries`."""
    found = coded_entries(header, keyword)
    return found[0] if found else None


def _code(item: object, keyword: str) -> Code:
    if not isinstance(item, Dataset):
        raise MalformedAttributeError(f"{keyword} is not a sequence")
    value = text(item, "CodeValue") or text(item, "LongCodeValue")
    scheme, urn = text(item, "CodingSchemeDesignator"), text(item, "URNCodeValue")
    if not (value and scheme) and not urn:
        raise MalformedAttributeError(f"{keyword} holds the code value {value} of the scheme {scheme}")
    return Code(
        value or urn or "", scheme or "", text(item, "CodeMeaning") or "", text(item, "CodingSchemeVersion") or None
    )
