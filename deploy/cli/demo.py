"""``gantry demo``: one simulated study, end to end, on this machine."""

from __future__ import annotations

import signal
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.failure import explained


class Size(str, Enum):
    """How large the simulated study is."""

    FULL = "full"
    SMALL = "small"


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for picture, results and log.")] = Path(
        "demo-output"
    ),
    size: Annotated[Size, typer.Option(help="The simulated study: full, or small for a quick try.")] = Size.FULL,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the results.")] = 900.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another patient.")] = 12,
) -> None:
    """Simulate a scanner, run the node and an archive, and follow one study until its results are in the archive."""
    from deploy.demo.run import DemoError, run_demo

    # Told to stop, it must stop the node and the archive that it has started, as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with explained(DemoError):
        run_demo(output, size=size.value, seed=seed, timeout=timeout)
