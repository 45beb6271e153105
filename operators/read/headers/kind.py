"""Headers of one kind: the same bytes but for the values of some elements, told before any element is made.

The headers of a series are compared with those before by the longest runs of bytes there are. One whose elements have
the lengths that the last one's had takes a single comparison; another one is walked from element to varying element.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from operators.read.headers.elements import UNDEFINED_LENGTH, read_element
from operators.read.headers.template_parts import Elements, Run, Varying

# Lengths of the varying elements that come again: each position or number of another length makes another layout.
_LAYOUTS = 256

_Value = bytes | RawDataElement


class Step(NamedTuple):
    """Bytes that every header of a kind has, up to the length of the next element that varies."""

    prefix: bytes
    length_at: Callable[[bytes, int], tuple[int]]
    length_offset: int
    value_offset: int
    varying: Varying
    run: Run | None
    run_bytes: int


class Kind:
    """What the headers of one kind share.

    ``shared`` are the elements that are the same in all of them, wherever they lie; ``varying`` counts the others;
    ``implicit`` says that value representations are.
    """

    def __init__(self, parts: Sequence[Run | Varying]) -> None:
        self._steps, self._tail = _steps_of(parts)
        self._layouts: dict[tuple[int, ...], Layout] = {}
        self._last: Layout | None = None
        self.shared: Elements = {
            element.tag: element for part in parts if isinstance(part, Run) for element in part.elements
        }
        self.implicit = any(part.implicit for part in parts)
        self.varying: dict[BaseTag, int] = {step.varying.tag: index for index, step in enumerate(self._steps)}

    def match(self, data: bytes, start: int, size: int) -> tuple[LazyElements, int] | None:
        """Return the elements of a header that begins at ``start`` and the position behind; None for another kind.

        Raises what :func:`read_element` raises.
        """
        last = self._last
        if last is not None and last.start == start and last.end <= len(data):
            # One call takes the bytes apart, another compares all that has to be the same.
            fields = last.unpack(data, start)
            if fields[::2] == last.constants:
                return LazyElements(last, fields[1::2]), last.end
        return self._walk(data, start, size)

    def _walk(self, data: bytes, start: int, size: int) -> tuple[LazyElements, int] | None:
        begins, position, is_fixed = data.startswith, start, True
        values: list[_Value] = []
        places = [start]
        for prefix, length_at, length_offset, value_offset, varying, _, run_bytes in self._steps:
            if not begins(prefix, position):
                return None
            value_at = position + value_offset
            try:
                (length,) = length_at(data, position + length_offset)
            except struct.error:
                return None
            if length == UNDEFINED_LENGTH:
                element, position = read_element(data, position + run_bytes, varying.implicit, size)
                if varying.vr != element.VR:
                    return None
                values.append(element)
                is_fixed = False
            else:
                # What an empty value is depends on its representation, and an implicit sequence has none.
                if not length or (varying.implicit and varying.vr is not None):
                    return None
                position = value_at + length
                values.append(data[value_at:position])
            places += (value_at, position)
        if self._tail is not None:
            if not begins(self._tail.content, position):
                return None
            position += len(self._tail.content)
        if position > len(data):
            return None
        layout = self._layout((*places, position), data, is_fixed)
        return LazyElements(layout, tuple(values)), position

    def _layout(self, places: tuple[int, ...], data: bytes, is_fixed: bool) -> Layout:
        layout = self._layouts.get(places)
        if layout is None:
            layout = Layout(self, self._steps, self._tail, places, data)
            if len(self._layouts) < _LAYOUTS:
                self._layouts[places] = layout
        # The end of an undefined length has to be looked for in every header.
        self._last = layout if is_fixed else None
        return layout


class Layout:
    """Where the elements lie in headers of one kind whose elements have the same lengths."""

    def __init__(
        self, kind: Kind, steps: Sequence[Step], tail: Run | None, places: tuple[int, ...], data: bytes
    ) -> None:
        """Take the places of a header in ``data``: where it begins, each varying value's two ends, where it ends."""
        self.kind, self.start, self.end = kind, places[0], places[-1]
        self._steps, self._tail, self._places = steps, tail, places
        lengths = [end - start for start, end in pairwise(places)]
        self.unpack = struct.Struct("".join(f"{length}s" for length in lengths)).unpack_from
        self.constants: tuple[bytes, ...] = self.unpack(data, self.start)[::2]
        self._shared: Elements | None = None

    def element(self, index: int, value: _Value) -> RawDataElement:
        """Return the varying element number ``index`` with its value."""
        if isinstance(value, RawDataElement):
            return value
        varying, value_at = self._steps[index].varying, self._places[2 * index + 1]
        # In a third of the time that the class itself takes.
        fields = (varying.tag, varying.vr, len(value), value, value_at, varying.implicit, True, True, False)
        return tuple.__new__(RawDataElement, fields)

    def elements(self, values: Sequence[_Value]) -> Elements:
        """Return all elements of a header, in their order."""
        if self._shared is None:
            self._shared = self._all(values)
        # Copied, a dictionary keeps its order.
        elements = self._shared.copy()
        for index, value in enumerate(values):
            elements[self._steps[index].varying.tag] = self.element(index, value)
        return elements

    def _all(self, values: Sequence[_Value]) -> Elements:
        elements: Elements = {}
        position = self.start
        for index, (step, value) in enumerate(zip(self._steps, values, strict=True)):
            if step.run is not None:
                elements.update(step.run.at(position))
            elements[step.varying.tag] = self.element(index, value)
            position = self._places[2 * index + 2]
        if self._tail is not None:
            elements.update(self._tail.at(position))
        return elements


class LazyElements:
    """The elements of a header of a known kind, made when they are asked for."""

    __slots__ = ("kind", "layout", "values")

    def __init__(self, layout: Layout, values: tuple[_Value, ...]) -> None:
        self.kind, self.layout, self.values = layout.kind, layout, values

    def get(self, tag: BaseTag) -> RawDataElement | None:
        """Return an element, None if it is absent; the position of one that headers share is that in any of them."""
        index = self.kind.varying.get(tag)
        return self.kind.shared.get(tag) if index is None else self.layout.element(index, self.values[index])

    def make(self) -> Elements:
        """Return all elements by tag, in their order."""
        return self.layout.elements(self.values)


def _steps_of(parts: Sequence[Run | Varying]) -> tuple[list[Step], Run | None]:
    """Pair each element that varies with the run before it; the last run may have none behind it."""
    steps: list[Step] = []
    run: Run | None = None
    for part in parts:
        if isinstance(part, Run):
            run = part
            continue
        content = run.content if run is not None else b""
        offset = len(content)
        length_offset, value_offset = offset + part.length_offset, offset + part.value_offset
        steps.append(Step(content + part.head, part.length, length_offset, value_offset, part, run, offset))
        run = None
    return steps, run
