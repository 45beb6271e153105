"""What a header template is made of: runs of elements that are the same in every header, and elements that vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from operators.read.headers.elements import LONG_VRS, UNDEFINED_LENGTH, read_element

Elements = dict[BaseTag, RawDataElement]

# A run is remembered in so many places: where it begins depends on the lengths of the texts before it.
_PLACES = 32

_short_length = Struct("<H").unpack_from
_long_length = Struct("<L").unpack_from


@dataclass(eq=False)
class Run:
    """Neighbouring elements that have been the same in every header so far, and their bytes."""

    content: bytes
    elements: list[RawDataElement]
    places: dict[int, Elements] = field(default_factory=dict)

    @property
    def implicit(self) -> bool:
        """Whether the elements have implicit value representations."""
        return bool(self.elements[0].is_implicit_VR)

    def at(self, start: int) -> Elements:
        """Return the elements as they are in a file in which the run begins at ``start``."""
        known = self.places.get(start)
        if known is not None:
            return known
        shift = start - element_start(self.elements[0])
        found = {
            element.tag: element._replace(value_tell=element.value_tell + shift) if shift else element
            for element in self.elements
        }
        if len(self.places) < _PLACES:
            self.places[start] = found
        return found


@dataclass(eq=False)
class Varying:
    """One element whose value differs between the headers; its tag and value representation do not."""

    tag: BaseTag
    vr: str | None
    implicit: bool
    head: bytes
    length: Callable[[bytes, int], tuple[int]]
    length_offset: int
    value_offset: int

    def read(self, data: bytes, start: int, size: int) -> tuple[RawDataElement, int] | None:
        """Return the element that begins at ``start`` and the position behind it; None if it is another element."""
        if not data.startswith(self.head, start):
            return None
        element, end = read_element(data, start, self.implicit, size)
        return (element, end) if self.vr == element.VR else None


def element_start(element: RawDataElement) -> int:
    """Position of an element's tag in its file."""
    return element.value_tell - value_offset_of(element)


def value_offset_of(element: RawDataElement) -> int:
    """Bytes of an element before its value (PS3.5 section 7.1)."""
    return 12 if not element.is_implicit_VR and element.VR in LONG_VRS else 8


def varying_of(element: RawDataElement) -> Varying:
    """Return what an element has in common with those that differ from it in their value only."""
    group_and_number = element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little")
    implicit, is_long = element.is_implicit_VR, element.VR in LONG_VRS
    return Varying(
        tag=element.tag,
        vr=element.VR,
        implicit=implicit,
        # An implicit sequence of undefined length has got its value representation from its content.
        head=group_and_number if implicit else group_and_number + (element.VR or "").encode(),
        length=_long_length if implicit or is_long else _short_length,
        length_offset=4 if implicit else 8 if is_long else 6,
        value_offset=value_offset_of(element),
    )


def content_of(data: bytes, element: RawDataElement, data_start: int = 0) -> bytes:
    """All bytes of an element, from ``data`` that begins at ``data_start`` of the file."""
    return data[element_start(element) - data_start : _element_end(element) - data_start]


def run_of(data: bytes, elements: list[RawDataElement], data_start: int = 0) -> Run:
    """Return neighbouring elements as a run; ``data`` begins at ``data_start`` of their file."""
    return Run(data[element_start(elements[0]) - data_start : _element_end(elements[-1]) - data_start], elements)


def _element_end(element: RawDataElement) -> int:
    # A sequence of undefined length ends with an eight byte delimitation item.
    length = len(element.value or b"") + 8 if element.length == UNDEFINED_LENGTH else element.length
    return element.value_tell + length
