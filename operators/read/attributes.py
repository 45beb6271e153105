"""Typed access to header attributes: present, absent, or malformed, and never an exception of the parser's own."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import _LUT_DESCRIPTOR_TAGS, BaseTag
from pydicom.uid import UID

from operators.read.headers.elements import known_tag
from operators.read.headers.lazy import elements_of
from operators.read.headers.ordinary import ordinary_numbers, ordinary_text, ordinary_uid

# Not the spaces of other character sets, which no code word may hold.
_PADDING = " \t\n\v\f\r\x1c\x1d\x1e\x1f"


class MalformedAttributeError(ValueError):
    """An attribute is there, but its value breaks its value representation (PS3.5 section 6.2)."""


def values(header: Dataset, keyword: str) -> tuple[Any, ...]:
    """Return the values (of a sequence: the items) of an attribute; empty if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when the bytes cannot be read as the attribute's value representation.
    """
    value = _value(header, keyword)
    if value is None:
        return ()
    # Under another VR than its own a sequence has no items, and another attribute has them.
    if isinstance(value, Sequence) != (_attribute(keyword)[1] == "SQ"):
        raise MalformedAttributeError(f"{keyword} has the wrong value representation")
    if isinstance(value, (MultiValue, Sequence, list, tuple)):
        return tuple(item for item in value if item is not None and item != "")
    return () if value == "" else (value,)


def numbers(header: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...]:
    """Return the numbers of an attribute as float64; empty if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when a value is not a finite number or there are not ``count`` of them.
    """
    element, vr = _raw_element(header, keyword)
    result = None if vr is None else ordinary_numbers(vr, element)
    if result is None:
        found = values(header, keyword)
        # Python would take digits among bytes of unknown meaning for a number, and a tag is made of one.
        if any(isinstance(value, (bytes, BaseTag)) for value in found):
            raise MalformedAttributeError(f"{keyword} is not a number but bytes or a tag")
        try:
            result = tuple(float(value) for value in found)
        except (TypeError, ValueError, OverflowError) as error:
            raise MalformedAttributeError(f"{keyword} is not a number: {error}") from error
        if not all(math.isfinite(value) for value in result):
            raise MalformedAttributeError(f"{keyword} is not finite: {_shown(found)}")
    if result and count is not None and len(result) != count:
        shown = _shown(values(header, keyword))
        raise MalformedAttributeError(f"{keyword} has {len(result)} values instead of {count}: {shown}")
    return result


def integer(header: Dataset, keyword: str) -> int | None:
    """Return the one integer of an attribute, or None if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when it is not one integer.
    """
    found = numbers(header, keyword, count=1)
    if found and not found[0].is_integer():
        raise MalformedAttributeError(f"{keyword} is not an integer: {found[0]}")
    return int(found[0]) if found else None


def text(header: Dataset, keyword: str) -> str | None:
    """Return the text of an attribute without padding, or None if it is absent or has no value.

    Several values are joined by a backslash, as they stand in the file.
    """
    element, vr = _raw_element(header, keyword)
    found = None if vr is None else ordinary_text(vr, element)
    return (_shown(values(header, keyword)) if found is None else found) or None


def uid(header: Dataset, keyword: str) -> UID | None:
    """Return the one unique identifier of an attribute, or None if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when it is not one text; its characters are not checked.
    """
    element, vr = _raw_element(header, keyword)
    if vr == "UI" and (ordinary := ordinary_uid(element)):
        return ordinary
    found = _value(header, keyword) or ""
    if not isinstance(found, str):
        raise MalformedAttributeError(f"{keyword} is not one unique identifier: {found}")
    return UID(found, config.IGNORE) if found else None


def _value(header: Dataset, keyword: str) -> Any:
    tag, _ = _attribute(keyword)
    # pydicom converts a value when it is first asked for, and what a damaged one makes it raise can be anything.
    try:
        if tag is None:
            return header.get(keyword)
        # Asked for an absent attribute by its keyword, pydicom would take the time of an exception.
        return None if elements_of(header).get(tag) is None else header[tag].value
    except Exception as error:
        raise MalformedAttributeError(f"{keyword} cannot be read: {error}") from error


def _raw_element(header: Dataset, keyword: str) -> tuple[bytes | None, str | None]:
    """Return the bytes of an attribute that pydicom has not converted yet, and its VR; no VR if it has to."""
    tag, dictionary_vr = _attribute(keyword)
    if tag is None or dictionary_vr is None:
        return None, None
    element = elements_of(header).get(tag)
    if element is None:
        return None, dictionary_vr
    if type(element) is not RawDataElement or not element.is_little_endian:
        return None, None
    if element.value is None and element.length:
        return None, None  # pydicom has left it in the file
    return element.value, element.VR or dictionary_vr


@lru_cache(maxsize=4096)
def _attribute(keyword: str) -> tuple[BaseTag | None, str | None]:
    """Tag and value representation of a keyword; no value representation where the tag alone does not tell."""
    number = tag_for_keyword(keyword)
    if number is None:
        return None, None
    # pydicom reads the first value of a lookup table's descriptor by its meaning (PS3.3 section C.7.6.3.1.5).
    return known_tag(number), None if number in _LUT_DESCRIPTOR_TAGS else dictionary_VR(number)


def _shown(found: tuple[Any, ...]) -> str:
    return "\\".join(str(value).strip(_PADDING) for value in found)
