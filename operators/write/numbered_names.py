"""Names that are told apart by a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def numbered_names(output: str, written: Iterable[bool]) -> list[str | None]:
    """Return the name of the object of each instance, such as masses, masses_2 ...; None where none is ``written``."""
    names: list[str | None] = []
    count = 0
    for is_written in written:
        count += is_written
        names.append(None if not is_written else output if count == 1 else f"{output}_{count}")
    return names


def distinct_names(names: Iterable[str]) -> list[str]:
    """Return the names, one that occurs again with a number: ``instance 1``, ``instance 1 (2)`` ..."""
    told: Counter[str] = Counter()
    found = []
    for name in names:
        told[name] += 1
        found.append(name if told[name] == 1 else f"{name} ({told[name]})")
    return found
