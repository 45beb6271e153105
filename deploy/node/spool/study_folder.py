"""A study's folder, held by one process and thread at a time: naming an instance, or deleting the study."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked_study(folder: Path) -> Iterator[bool]:
    """Hold a study's folder, which is made if it is not there: yields whether it was made.

    The lock is the kernel's: a killed holder has none.
    """
    descriptor, made = _lock(folder)
    try:
        yield made
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> tuple[int, bool]:
    made = False
    while True:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            with suppress(FileExistsError):
                folder.mkdir()
                made = True
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # It may have been deleted while this waited, and made again: then this holds a folder that is gone.
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor, made
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
