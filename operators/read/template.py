"""The header of one instance as a template for the next: what is byte for byte the same is taken over.

The instances of a series differ in a few elements only. A template knows which. The runs of elements between them are
compared with the next header in one go and, where equal, their elements are shared: that takes less time and memory,
and it is no guess, as whatever differs is walked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from operators.read.elements import LONG_VRS, UNDEFINED_LENGTH, read_element

Elements = dict[BaseTag, RawDataElement]

# A run is remembered in so many places: where it begins depends on the lengths of the texts before it.
_PLACES = 32

_short_length = Struct("<H").unpack_from
_long_length = Struct("<L").unpack_from


@dataclass(eq=False)
class _Run:
    """Neighbouring elements that have been the same in every header so far, and their bytes."""

    content: bytes
    elements: list[RawDataElement]
    places: dict[int, Elements] = field(default_factory=dict)

    def at(self, start: int) -> Elements:
        """Return the elements as they are in a file in which the run begins at ``start``."""
        shift = start - element_start(self.elements[0])
        found = {element.tag: element._replace(value_tell=element.value_tell + shift) for element in self.elements}
        if len(self.places) < _PLACES:
            self.places[start] = found
        return found


@dataclass(eq=False)
class _Varying:
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


class Template:
    """What the headers seen so far have in common, element for element."""

    def __init__(self, data: bytes, elements: list[RawDataElement], pinned: BaseTag | None = None) -> None:
        """Begin with one header. One that differs in the ``pinned`` element is of another kind."""
        self._parts: list[_Run | _Varying] = [_run(data, elements)] if elements else []
        self._pinned = pinned
        # Where the parts began in the last header, and its elements.
        self._starts = [-1] * len(self._parts)
        self._last: Elements = {}
        self.implicit = bool(elements) and elements[0].is_implicit_VR
        self.marker = next((_content(data, element) for element in elements if element.tag == pinned), b"")
        """The bytes of the pinned element: only a header that contains them can be of this kind."""

    def walk(self, data: bytes, start: int, size: int) -> tuple[Elements, int] | None:
        """Return the elements of a header of the same kind and the position behind; None if it is of another kind.

        Raises what :func:`read_element` raises.
        """
        # Copied, a dictionary keeps its order, and what stands where it stood in the last header needs no more.
        elements = self._last.copy()
        starts: list[int] = []
        position, last = start, len(data) - 12
        refined: list[tuple[int, list[_Run | _Varying]]] = []
        # This loop is what reading a header costs: names are looked up once and the usual case is written out.
        begins, new, end_of_data = data.startswith, tuple.__new__, len(data)
        for index, (part, last_start) in enumerate(zip(self._parts, self._starts, strict=True)):
            starts.append(position)
            if isinstance(part, _Run):
                if begins(part.content, position):
                    if last_start != position:
                        elements.update(part.places.get(position) or part.at(position))
                    position += len(part.content)
                    continue
                split = self._split(part, data, position, size)
                if split is None:
                    return None
                found, position, parts = split
                elements.update(found)
                refined.append((index, parts))
            elif begins(part.head, position) and position <= last:
                (length,) = part.length(data, position + part.length_offset)
                value_at = position + part.value_offset
                end = value_at + length
                if length and end <= end_of_data and part.vr != "SQ":
                    fields = (part.tag, part.vr, length, data[value_at:end], value_at, part.implicit, True, True, False)
                    elements[part.tag] = new(RawDataElement, fields)
                    position = end
                    continue
                read = part.read(data, position, size)
                if read is None:
                    return None
                elements[part.tag], position = read
            else:
                return None
        for index, parts in reversed(refined):
            self._parts[index : index + 1] = parts
        self._starts = starts if not refined else [-1] * len(self._parts)
        # A copy, as the elements are changed where somebody has them converted.
        self._last = elements.copy()
        return elements, position

    def _split(
        self, run: _Run, data: bytes, position: int, size: int
    ) -> tuple[Elements, int, list[_Run | _Varying]] | None:
        """Read the elements of a run that no longer is one, and divide it at those that differ."""
        elements: Elements = {}
        parts: list[_Run | _Varying] = []
        same: list[RawDataElement] = []
        for element in run.elements:
            content = _content(run.content, element, element_start(run.elements[0]))
            if data.startswith(content, position):
                elements[element.tag] = element._replace(value_tell=position + _value_offset(element))
                same.append(element)
                position += len(content)
                continue
            varying = _varying(element)
            read = varying.read(data, position, size)
            if read is None or element.tag == self._pinned:
                return None
            if same:
                parts.append(_run(run.content, same, element_start(run.elements[0])))
                same = []
            parts.append(varying)
            elements[element.tag], position = read
        if same:
            parts.append(_run(run.content, same, element_start(run.elements[0])))
        return elements, position, parts


def element_start(element: RawDataElement) -> int:
    """Position of an element's tag in its file."""
    return element.value_tell - _value_offset(element)


def _value_offset(element: RawDataElement) -> int:
    return 12 if not element.is_implicit_VR and element.VR in LONG_VRS else 8


def _varying(element: RawDataElement) -> _Varying:
    group_and_number = element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little")
    implicit, is_long = element.is_implicit_VR, element.VR in LONG_VRS
    return _Varying(
        tag=element.tag,
        vr=element.VR,
        implicit=implicit,
        # An implicit sequence of undefined length has got its value representation from its content.
        head=group_and_number if implicit else group_and_number + (element.VR or "").encode(),
        length=_long_length if implicit or is_long else _short_length,
        length_offset=4 if implicit else 8 if is_long else 6,
        value_offset=_value_offset(element),
    )


def _content(data: bytes, element: RawDataElement, data_start: int = 0) -> bytes:
    """All bytes of an element, from ``data`` that begins at ``data_start`` of the file."""
    # A sequence of undefined length ends with an eight byte delimitation item.
    length = len(element.value or b"") + 8 if element.length == UNDEFINED_LENGTH else element.length
    return data[element_start(element) - data_start : element.value_tell - data_start + length]


def _run(data: bytes, elements: list[RawDataElement], data_start: int = 0) -> _Run:
    return _Run(b"".join(_content(data, element, data_start) for element in elements), elements)
