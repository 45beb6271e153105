"""The processes of a running node as the kernel shows them (proc(5)): which there are, and their memory and time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process of the tree: ``kind`` is node, app or receiver; ``started`` tells apart those with one number."""

    pid: int
    kind: str
    started: int


def tree(root: int) -> tuple[Process, ...]:
    """The process ``root`` and all that it has started, zombies left out."""
    parents: dict[int, int] = {}
    started: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))) is not None and fields[0] != "Z":
            parents[int(folder.name)] = int(fields[1])
            started[int(folder.name)] = int(fields[19])
    found = [root] if root in parents else []
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return tuple(Process(pid, _kind(pid, root), started[pid]) for pid in found)


def resident_bytes(root: int) -> int:
    """Proportional set size of the tree: what is shared between its processes counts once."""
    total = 0
    for process in tree(root):
        try:
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def cpu_seconds(root: int) -> float:
    """User and system time of the tree's processes that are alive, and of their children that have ended."""
    fields = (_fields(process.pid) for process in tree(root))
    return sum(sum(map(int, each[11:15])) for each in fields if each is not None) / _TICKS


def _fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third one, the state, on; None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _kind(pid: int, root: int) -> str:
    if pid == root:
        return "node"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"
    return "app" if "engines.child" in command else "receiver"
