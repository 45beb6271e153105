"""What headers say, worked out once for the same bytes: the instances of a series differ in a few elements only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from operators.read.headers.elements import known_tag

T = TypeVar("T")


class Remembered(Generic[T]):
    """A function of a header that depends on the attributes named ``keywords`` and on nothing else.

    It is called once for each combination of their bytes, and every time where pydicom has converted one of them
    already. To be made anew for each series, so that it forgets. Whatever the function raises is not remembered.
    """

    def __init__(self, function: Callable[[Dataset], T], keywords: Iterable[str]) -> None:
        self._function = function
        self._tags = tags_of(keywords)
        self._known: dict[tuple[Any, ...], T] = {}

    def __call__(self, header: Dataset) -> T:
        """Return the function's value for a header."""
        key = raw_key(header, self._tags)
        if key is None:
            return self._function(header)
        if key not in self._known:
            self._known[key] = self._function(header)
        return self._known[key]


def tags_of(keywords: Iterable[str]) -> tuple[BaseTag, ...]:
    """Return the tags of keywords; raises :class:`KeyError` for an unknown one."""
    numbers = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    unknown = [keyword for keyword, number in numbers.items() if number is None]
    if unknown:
        raise KeyError(", ".join(unknown))
    return tuple(known_tag(number) for number in numbers.values() if number is not None)


def raw_key(header: Dataset, tags: tuple[BaseTag, ...]) -> tuple[Any, ...] | None:
    """Return the bytes of some elements as they stand in the file; None if pydicom has converted one of them."""
    elements = header.items().mapping  # type: ignore[attr-defined]  # typeshed calls the view a plain set
    key: list[Any] = []
    for tag in tags:
        element = elements.get(tag)
        if element is None:
            key.append(None)
        elif type(element) is RawDataElement and element.value is not None:
            key += (element.VR, element.value, element.is_little_endian)
        elif type(element) is RawDataElement and not element.length:
            key.append(element.VR)
        else:
            return None
    return tuple(key)
