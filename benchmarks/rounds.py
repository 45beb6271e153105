"""Methods measured side by side: round after round in an order drawn anew, compared within the rounds."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping

from machine import median


def seconds_by_method(
    methods: Mapping[str, Callable[[], object]], rounds: int, what: str, between: Callable[[], object] = lambda: None
) -> dict[str, list[float]]:
    """Return the seconds of each method in each round, after one round that imports libraries and fills caches.

    Whatever else the machine does meets all methods alike. ``between`` runs after each of them and is not counted.
    """
    names = list(methods)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    shuffle = random.Random(17).shuffle
    for number in range(rounds + 1):
        shuffle(names)
        for name in names:
            begin = time.perf_counter()
            result = methods[name]()
            taken = time.perf_counter() - begin
            # Giving the memory back is nobody's work.
            del result
            between()
            if number:
                seconds[name].append(taken)
        print(f"{what}: round {number}", file=sys.stderr, flush=True)
    return seconds


def ratio(taken: list[float], reference: list[float] | None, digits: int = 2) -> str:
    """Return the median of the ratios within the rounds; a dash where there is nothing to compare with."""
    if reference is None:
        return "–"
    return f"{median([value / base for value, base in zip(taken, reference, strict=True)]):.{digits}f}"
