"""One node for one data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "node.lock"
"""The lock's file in the data folder. The lock is the kernel's: it is gone when the node is, the file may stay."""


class DataFolderInUseError(RuntimeError):
    """Another node works on this data folder."""


@contextmanager
def lock_data_folder(data_folder: Path) -> Iterator[bool]:
    """Hold the data folder for this process alone; yields whether the last holder let go of it, and was not killed.

    Raises :class:`DataFolderInUseError`.
    """
    # It will hold patient data.
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_folder / FILE_NAME
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise DataFolderInUseError(
                f"{data_folder} is in use by another node (process {holder}); each node needs its own data_folder"
            ) from None
        file.seek(0)
        was_let_go = not file.read()
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield was_let_go
        # Not after an exception: what the next holder would check then is still to be checked.
        file.truncate(0)
