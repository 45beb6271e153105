"""What a measurement was made on, and how figures become a table."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import torch


def describe_machine(device: torch.device) -> str:
    """One line: date, device, processor, cores, library versions, and the load at this moment."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU only"
    return (
        f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC; {name}; {os.cpu_count()} cores of {_processor()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}; "
        f"load average at the start {os.getloadavg()[0]:.1f}"
    )


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are right-aligned."""
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Smallest and largest value."""
    return f"{min(values):.{digits}f} – {max(values):.{digits}f}"


def median(values: Sequence[float]) -> float:
    """The median."""
    return float(statistics.median(values))


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
