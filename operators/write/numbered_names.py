"""Names of the objects of one output: a run may write one of them for each instance that it read."""

from __future__ import annotations

from collections.abc import Iterable


def numbered_names(output: str, written: Iterable[bool]) -> list[str | None]:
    """Return an object's name for each instance: ``masses``, ``masses_2`` ...; None where none is ``written`` of it."""
    names: list[str | None] = []
    count = 0
    for is_written in written:
        count += is_written
        names.append(None if not is_written else output if count == 1 else f"{output}_{count}")
    return names
