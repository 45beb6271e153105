"""What the scripts share: their arguments and their tables."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path


def arguments(name: str, description: str | None, *, count: int, unit: str, case: bool = False) -> argparse.Namespace:
    """The arguments ``--seed``, ``--count`` and ``--keep``, and ``--case`` where one case can be had alone."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.reliability.{name}", description=description)
    parser.add_argument("--seed", type=int, default=1, help="another number gives other moments and bytes")
    parser.add_argument("--count", type=int, default=count, help=f"number of {unit} (default {count})")
    parser.add_argument("--keep", type=Path, help="an empty folder for everything, which then stays")
    if case:
        parser.add_argument("--case", type=int, help="this case only")
    return parser.parse_args()


def print_table(title: str, rows: Iterable[tuple[str, object]]) -> None:
    """Write a table of two columns as Markdown, as it stands in docs/reliability.md."""
    print(f"\n| {title} | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print(flush=True)
