"""What headers say, worked out once for the same bytes: the instances of a series differ in a few elements only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from operators.read.headers.elements import known_tag
from operators.read.headers.kind import Kind
from operators.read.headers.lazy import elements_of, lazy_elements_of

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
        # Of the kinds of headers in which none of the attributes varies.
        self._of_kinds: dict[Kind | None, T] = {}

    def __call__(self, header: Dataset) -> T:
        """Return the function's value for a header."""
        lazy = lazy_elements_of(header)
        kind = None if lazy is None else lazy.kind
        if kind in self._of_kinds:
            return self._of_kinds[kind]
        key = raw_key(header, self._tags)
        if key is None:
            return self._function(header)
        if key not in self._known:
            self._known[key] = self._function(header)
        if kind is not None and kind.varying.keys().isdisjoint(self._tags):
            self._of_kinds[kind] = self._known[key]
        return self._known[key]


def remembered_bytes(keywords: Sequence[str]) -> Remembered[tuple[Any, ...] | None]:
    """Return :func:`raw_key` of some attributes as a function of a header that looks at each kind of header once."""
    tags = tags_of(keywords)
    return Remembered(lambda header: raw_key(header, tags), keywords)


def tags_of(keywords: Iterable[str]) -> tuple[BaseTag, ...]:
    """Return the tags of keywords; raises :class:`KeyError` for an unknown one."""
    numbers = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    unknown = [keyword for keyword, number in numbers.items() if number is None]
    if unknown:
        raise KeyError(", ".join(unknown))
    return tuple(known_tag(number) for number in numbers.values() if number is not None)


def raw_key(header: Dataset, tags: tuple[BaseTag, ...]) -> tuple[Any, ...] | None:
    """Return the bytes of some elements as they stand in the file; None if pydicom has converted one of them."""
    elements = elements_of(header)
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
