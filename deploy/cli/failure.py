"""A user's mistake is a sentence on standard error and an exit status, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from deploy.cli.printable import printable


def fail(message: str, *, status: int = 1) -> NoReturn:
    """Print the message to standard error and end the command with this exit status."""
    colour = "\x1b[31mError:\x1b[0m" if sys.stderr.isatty() else "Error:"
    print(colour, printable(message), file=sys.stderr)
    raise typer.Exit(status)


@contextmanager
def explained(*kinds: type[Exception]) -> Iterator[None]:
    """Turn exceptions of these kinds, whose message is written for the user, into :func:`fail`."""
    try:
        yield
    except kinds as error:
        fail(str(error))
