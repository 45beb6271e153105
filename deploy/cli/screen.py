"""How the commands show things: tables, times, sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.cli.printable import printable

console = Console(highlight=False)
"""Standard output."""

_INDENT = 2
_UNLIMITED = 100_000
_BETWEEN = " · "
_STATE_STYLES = {"delivered": "green", "refused": "yellow", "failed": "bold red"}


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; nothing is cut off, long values go on in the next line."""
    console.print(_table(columns, [[_cell(value) for value in row] for row in rows], title))


def show_list(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table where every row fits into one line, else a paragraph for each row, without its empty values.

    A table of many columns that is squeezed into 80 characters breaks every word.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    table = _table(columns, cells, title)
    if not cells or _natural_width(table) <= console.width:
        console.print(table)
        return
    if title:
        console.print(title, style="italic", markup=False)
    for first, *others in cells:
        told = [
            Text.assemble((f"{name} ", "dim"), value) for name, value in zip(columns[1:], others, strict=True) if value
        ]
        console.print(Text.assemble((f"{columns[0]} ", "bold"), (first.plain, "bold")))
        console.print(Padding(_flowing(told, console.width - _INDENT), (0, 0, 0, _INDENT)))


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


def _table(columns: Sequence[str], rows: Iterable[Sequence[Text]], title: str | None) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _natural_width(table: Table) -> int:
    """The width in which nothing has to go on in another line."""
    unlimited = console.options.update(width=_UNLIMITED)
    return Measurement.get(console, unlimited, table).maximum


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(printable(str(value)))


def _flowing(parts: Sequence[Text], width: int) -> Text:
    """Join the parts, each begun in a new line where it does not fit into the rest of one."""
    text, used = Text(overflow="fold"), 0
    for part in parts:
        if used and used + len(_BETWEEN) + part.cell_len > width:
            text.append("\n")
            used = 0
        elif used:
            text.append(_BETWEEN)
            used += len(_BETWEEN)
        text.append_text(part)
        used += part.cell_len
    return text


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
