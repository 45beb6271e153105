"""What several trainings reached, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind")
Figures = Mapping[str, float] | Mapping[str, float | None]


def comparison_table(title: str, found: Mapping[Kind, Sequence[Figures]], shown: Sequence[str]) -> str:
    """Return a table in Markdown: a row for each kind of training, mean ± standard deviation over its runs.

    ``found`` holds the figures of each kind's runs, ``shown`` those that make the columns. A run whose figure is None
    counts in no mean.
    """
    lines = [f"| {title} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for kind, runs in found.items():
        columns = [np.array([run[name] for run in runs], dtype=float) for name in shown]
        cells = [_cell(column[np.isfinite(column)]) for column in columns]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(known: NDArray[np.float64]) -> str:
    return f"{known.mean():.3f} ± {known.std():.3f}" if known.size else "–"
