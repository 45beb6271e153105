"""How much memory processes use, and whether the kernel has ended one for lack of it (proc(5), cgroups(7))."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from deploy.node.supervisor import children_of

GIB = 2**30

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def descendants_of(process: int) -> tuple[int, ...]:
    """Return every process that comes from one, and not that one."""
    found: list[int] = []
    for child in children_of(process):
        found += [child, *descendants_of(child)]
    return tuple(found)


def bytes_used(processes: tuple[int, ...], enough: int) -> int:
    """Return the memory that processes use together; up to ``enough`` bytes it may be told too high.

    Pages that they share count once (PSS). Adding that up takes the kernel long, so it is only looked at where the sum
    of what each has resident, shared or not, is more than ``enough``.
    """
    resident = sum(map(_resident, processes))
    if resident <= enough:
        return resident
    return sum(map(_proportional, processes))


def oom_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory, in this control group and on the machine."""
    files = ["/proc/vmstat"]
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                files += [f"/sys/fs/cgroup{group}/memory.events", "/sys/fs/cgroup/memory.events"]
            elif "memory" in controllers.split(","):
                files += [
                    f"/sys/fs/cgroup/memory{group}/memory.oom_control",
                    "/sys/fs/cgroup/memory/memory.oom_control",
                ]
    return sum(map(_oom_kills_in, files))


def _oom_kills_in(path: str) -> int:
    with suppress(OSError):
        for line in Path(path).read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def _resident(process: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def _proportional(process: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    # A kernel without it, or a process that is gone.
    return _resident(process)
