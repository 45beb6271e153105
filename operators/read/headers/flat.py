"""Flat headers: real data sets made from parts of another one's elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import DSfloat

from operators.read.attributes import MalformedAttributeError

Elements = Mapping[BaseTag, DataElement | RawDataElement]


def flat_header(elements: Elements, like: Dataset) -> Dataset:
    """Return a data set of ``elements`` that decodes their texts as ``like`` does; it shares no mapping with any."""
    header = Dataset(dict(elements))
    implicit, little_endian = like.original_encoding
    header.set_original_encoding(implicit, little_endian, like.original_character_set)
    return header


def set_own(header: Dataset, keyword: str, value: Any) -> None:
    """Give a flat header an element of its own: to set the attribute could change the element that others share."""
    header.pop(keyword, None)
    setattr(header, keyword, value)


def decimals(values: Iterable[float]) -> list[DSfloat]:
    """Return numbers as decimal strings (PS3.5 section 6.2); raises :class:`MalformedAttributeError` beyond these."""
    found = list(values)
    try:
        return [DSfloat(float(value), auto_format=True) for value in found]
    except (ValueError, OverflowError) as error:
        raise MalformedAttributeError(f"{found} cannot be decimal strings") from error
