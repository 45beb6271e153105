"""Names that are told apart by a number."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count


def numbered_names(output: str, written: Iterable[bool]) -> list[str | None]:
    """Return the name of the object of each instance, such as masses, masses_2 ...; None where none is ``written``."""
    names: list[str | None] = []
    number = 0
    for is_written in written:
        number += is_written
        names.append(None if not is_written else output if number == 1 else f"{output}_{number}")
    return names


def distinct_names(names: Iterable[str]) -> list[str]:
    """Return the names, one that occurs again with a number: ``instance 1``, ``instance 1 (2)`` ..."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        found.append(next(each for each in chain([name], numbered) if each not in found))
    return found
