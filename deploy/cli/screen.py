"""How the commands show things: tables, times, sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.cli.printable import printable

console = Console(highlight=False)
"""Standard output."""

_STATE_STYLES = {"delivered": "green", "refused": "yellow", "failed": "bold red"}


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; nothing is cut off, long values go on in the next line."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    console.print(table)


def show_fields(fields: Mapping[str, object], *, title: str | None = None) -> None:
    """Print names and values, one a line; empty values are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in ("", None):
            grid.add_row(name, Text(printable(str(value))))
    if title:
        console.print(f"\n[bold underline]{title}[/]")
    console.print(grid)


def state_text(state: str) -> Text:
    """Return a job's state in its colour."""
    return Text(state, style=_STATE_STYLES.get(state, ""))


def local_time(moment: datetime | None) -> str:
    """Return a moment as local date and time to the second, or an empty text."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def person_name(value: str) -> str:
    """Return a DICOM person name (PS3.5 section 6.2.1) as people write it: family name, given names."""
    alphabetic = value.split("=")[0]
    family, _, given = alphabetic.partition("^")
    return ", ".join(part for part in (family.strip(), given.replace("^", " ").strip()) if part)
