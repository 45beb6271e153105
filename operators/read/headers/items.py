"""The items of a sequence, or the complaint that there is something else in its place."""

from __future__ import annotations

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, values


def items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; empty if it is absent or has none.

    Raises :class:`MalformedAttributeError` when the sequence cannot be read or the attribute is none.
    """
    found = values(header, keyword)
    if not all(isinstance(item, Dataset) for item in found):
        raise MalformedAttributeError(f"{keyword} is not a sequence of items")
    return found
