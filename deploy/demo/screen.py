"""What the demonstration tells: on the screen and, the same, in a log file."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape


class Screen:
    """Prints lines with the time since the start, and keeps them all in a file."""

    def __init__(self, log: Path) -> None:
        self._started = time.monotonic()
        self._console = Console(highlight=False, soft_wrap=True)
        self._log = log
        log.write_text("", encoding="utf-8")

    def step(self, who: str, text: str) -> None:
        """One step: since when, who did it, what happened."""
        seconds = time.monotonic() - self._started
        self._print(f"{seconds:7.1f} s  {who:<8} {text}", f"[dim]{seconds:7.1f} s[/]  [bold]{who:<8}[/] {escape(text)}")

    def line(self, text: str = "", style: str = "") -> None:
        """One line of plain text."""
        self._print(text, f"[{style}]{escape(text)}[/]" if style else escape(text))

    def _print(self, plain: str, marked: str) -> None:
        self._console.print(marked)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(plain + "\n")
