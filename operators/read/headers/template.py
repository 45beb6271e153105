"""The header of one instance as a template for the next: what is byte for byte the same is taken over.

The instances of a series differ in a few elements only. A template knows which. The runs of elements between them are
compared with the next header in one go and, where equal, their elements are shared: that takes less time and memory,
and it is no guess, as whatever differs is walked.
"""

from __future__ import annotations

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from operators.read.headers.elements import read_element
from operators.read.headers.template_parts import (
    Elements,
    Run,
    Step,
    Varying,
    content_of,
    element_start,
    run_of,
    steps_of,
    value_offset_of,
    varying_of,
)


class Template:
    """What the headers seen so far have in common, element for element."""

    def __init__(self, data: bytes, elements: list[RawDataElement], pinned: BaseTag | None = None) -> None:
        """Begin with one header. One that differs in the ``pinned`` element is of another kind."""
        self._parts: list[Run | Varying] = [run_of(data, elements)] if elements else []
        self._pinned = pinned
        # The elements of the last header, and where its runs began.
        self._last: Elements = {}
        self._starts: list[int] = []
        self._steps: list[Step] = []
        self.implicit = bool(elements) and elements[0].is_implicit_VR
        self.marker = next((content_of(data, element) for element in elements if element.tag == pinned), b"")
        """The bytes of the pinned element: only a header that contains them can be of this kind."""

    def walk(self, data: bytes, start: int, size: int) -> tuple[Elements, int] | None:
        """Return the elements of a header of the same kind and the position behind; None if it is of another kind.

        Raises what :func:`read_element` raises.
        """
        return self._walk_steps(data, start, size) or self._walk_parts(data, start, size)

    def _walk_steps(self, data: bytes, start: int, size: int) -> tuple[Elements, int] | None:
        """Walk a header that differs from the last one in nothing but the values of the varying elements."""
        if not self._steps:
            return None
        # Copied, a dictionary keeps its order, and what stands where it stood in the last header needs no more.
        elements, starts, position = self._last.copy(), [], start
        # This loop is what reading a header costs: it does as little as can be done for each element.
        begins, end_of_data, new, known = data.startswith, len(data), tuple.__new__, self._starts
        for (prefix, run, run_bytes, tag, vr, implicit, length_at, offset, value_offset), last in zip(
            self._steps, known, strict=True
        ):
            if not begins(prefix, position):
                return None
            starts.append(position)
            if run is not None and position != last:
                elements.update(run.places.get(position) or run.at(position))
            position += run_bytes
            if tag is None:
                break
            if vr == "SQ":
                elements[tag], position = read_element(data, position, implicit, size)
                if vr != elements[tag].VR:
                    return None
                continue
            value_at = position + value_offset
            if value_at > end_of_data:
                return None
            (length,) = length_at(data, position + offset)
            position = value_at + length
            if not length or position > end_of_data:
                return None
            fields = (tag, vr, length, data[value_at:position], value_at, implicit, True, True, False)
            elements[tag] = new(RawDataElement, fields)
        self._starts = starts
        # A copy, as the elements are changed where somebody has them converted.
        self._last = elements.copy()
        return elements, position

    def _walk_parts(self, data: bytes, start: int, size: int) -> tuple[Elements, int] | None:
        """Walk a header element by element where it must be, and learn from it which elements vary."""
        elements: Elements = {}
        parts: list[Run | Varying] = []
        position = start
        for part in self._parts:
            if isinstance(part, Varying):
                read = part.read(data, position, size)
                if read is None:
                    return None
                elements[part.tag], position = read
                parts.append(part)
            elif data.startswith(part.content, position):
                elements.update(part.places.get(position) or part.at(position))
                position += len(part.content)
                parts.append(part)
            else:
                split = self._split(part, data, position, size)
                if split is None:
                    return None
                found, position, divided = split
                elements.update(found)
                parts += divided
        if parts != self._parts or not self._steps:
            self._parts, self._steps = parts, steps_of(parts)
        self._last = elements.copy()
        self._starts = [-1] * len(self._steps)
        return elements, position

    def _split(
        self, run: Run, data: bytes, position: int, size: int
    ) -> tuple[Elements, int, list[Run | Varying]] | None:
        """Read the elements of a run that no longer is one, and divide it at those that differ."""
        elements: Elements = {}
        parts: list[Run | Varying] = []
        same: list[RawDataElement] = []
        for element in run.elements:
            content = content_of(run.content, element, element_start(run.elements[0]))
            if data.startswith(content, position):
                elements[element.tag] = element._replace(value_tell=position + value_offset_of(element))
                same.append(element)
                position += len(content)
                continue
            varying = varying_of(element)
            read = varying.read(data, position, size)
            if read is None or element.tag == self._pinned:
                return None
            if same:
                parts.append(run_of(run.content, same, element_start(run.elements[0])))
                same = []
            parts.append(varying)
            elements[element.tag], position = read
        if same:
            parts.append(run_of(run.content, same, element_start(run.elements[0])))
        return elements, position, parts
