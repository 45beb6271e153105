"""What the scripts share: their arguments and their tables."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path


def parser(name: str, description: str | None, *, count: int, unit: str) -> argparse.ArgumentParser:
    """Takes ``--seed``, ``--count`` and ``--keep``."""
    made = argparse.ArgumentParser(prog=f"python -m tests.reliability.{name}", description=description)
    made.add_argument("--seed", type=int, default=1, help="another number gives other moments and bytes")
    made.add_argument("--count", type=int, default=count, help=f"number of {unit} (default {count})")
    made.add_argument("--keep", type=Path, help="an empty folder for everything, which then stays")
    return made


def print_table(title: str, rows: Iterable[tuple[str, object]]) -> None:
    """Write a table of two columns as Markdown, as it stands in docs/reliability.md."""
    print(f"\n| {title} | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    print(flush=True)
