"""Data sets of many small items, made without the conversions that pydicom does for values of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag


def dataset_of(**values: Any) -> Dataset:
    """Return a data set of these attributes, by keyword; None leaves one out.

    The values have to be checked and of the type that pydicom gives them: text as ``str``, sequences as pydicom's
    ``Sequence``, UIDs as ``UID``, decimal strings as ``DSfloat``, integers as ``int``. Setting attributes one by one
    takes three times as long, most of a report's time.
    """
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    for keyword, value in values.items():
        if value is not None:
            tag, vr = _tag_and_vr(keyword)
            elements[tag] = DataElement(tag, vr, value, already_converted=True)
    return Dataset(elements)


def every_element(dataset: Dataset) -> Iterator[DataElement]:
    """Yield every element of a data set and of the items in it, in no order; faster than pydicom's ``iterall``."""
    for element in list(dataset.values()):
        known = dataset[element.tag] if isinstance(element, RawDataElement) else element
        yield known
        if known.VR == "SQ":
            for item in known.value:
                yield from every_element(item)


@lru_cache(maxsize=256)
def _tag_and_vr(keyword: str) -> tuple[BaseTag, str]:
    number = tag_for_keyword(keyword)
    if number is None:
        raise ValueError(f"{keyword!r} is no keyword of the data dictionary")
    return Tag(number), dictionary_VR(number)
