"""The header of one instance as a template for the next: what is byte for byte the same is taken over.

The instances of a series differ in a few elements only. A template knows which. The runs of elements between them are
compared with the next header in one go and, where equal, their elements are shared: that takes less time and memory,
and it is no guess, as whatever differs is walked.
"""

from __future__ import annotations

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from operators.read.headers.kind import Kind, LazyElements
from operators.read.headers.template_parts import (
    Elements,
    Run,
    Varying,
    content_of,
    element_start,
    run_of,
    value_offset_of,
    varying_of,
)


class Template:
    """What the headers seen so far have in common, element for element."""

    def __init__(self, data: bytes, elements: list[RawDataElement], pinned: BaseTag | None = None) -> None:
        """Begin with one header. One that differs in the ``pinned`` element is of another kind."""
        self._parts: list[Run | Varying] = [run_of(data, elements)] if elements else []
        self._pinned = pinned
        self._kind: Kind | None = None
        # Only a header that contains the bytes of the pinned element can be of this kind.
        self._marker = next((content_of(data, element) for element in elements if element.tag == pinned), b"")
        self.is_pinned = bool(self._marker)
        self.implicit = bool(elements) and elements[0].is_implicit_VR

    def walk(self, data: bytes, start: int, size: int) -> tuple[Elements | LazyElements, int] | None:
        """Return the elements of a header of the same kind and the position behind it; None if it is of another kind.

        Raises what :func:`read_element` raises.
        """
        found = None if self._kind is None else self._kind.match(data, start, size)
        if found is not None:
            return found
        return self._walk_parts(data, start, size) if self._marker in data else None

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
                elements.update(part.at(position))
                position += len(part.content)
                parts.append(part)
            else:
                split = self._split(part, data, position, size)
                if split is None:
                    return None
                found, position, divided = split
                elements.update(found)
                parts += divided
        if parts != self._parts or self._kind is None:
            self._parts, self._kind = parts, Kind(parts)
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
                value_tell = position + value_offset_of(element)
                is_moved = value_tell != element.value_tell
                elements[element.tag] = element._replace(value_tell=value_tell) if is_moved else element
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
