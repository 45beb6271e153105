"""How many associations all receiver processes have together: a table in memory that they share."""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_COUNT = struct.Struct("<i")


def writer_name(index: int) -> str:
    """Return what the unfinished files of a receiver process begin with in the spool."""
    return f"receiver{index}"


def make_slots(processes: int) -> int:
    """Return the descriptor of a new table with a count for each process."""
    descriptor = os.memfd_create("gantry-associations")
    os.ftruncate(descriptor, processes * _COUNT.size)
    return descriptor


class Slots:
    """One process's count in the table."""

    def __init__(self, descriptor: int, index: int) -> None:
        self._descriptor = descriptor
        self._index = index
        # The kernel's lock is between processes, not between the threads of one.
        self._threads = threading.Lock()

    def take(self, maximum: int) -> bool:
        """Take a place, if not all are taken."""
        with self._held():
            table = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
            counts = [count for (count,) in _COUNT.iter_unpack(table)]
            if sum(counts) >= maximum:
                return False
            self._write(counts[self._index] + 1)
            return True

    def give_back(self) -> None:
        """Give one place back."""
        with self._held():
            (count,) = _COUNT.unpack(os.pread(self._descriptor, _COUNT.size, self._index * _COUNT.size))
            self._write(count - 1)

    def clear(self) -> None:
        """Give all places of this process back: it has ended."""
        with self._held():
            self._write(0)

    def _write(self, count: int) -> None:
        os.pwrite(self._descriptor, _COUNT.pack(count), self._index * _COUNT.size)

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self._threads:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
