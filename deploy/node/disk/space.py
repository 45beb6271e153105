"""Free space, and what it may still be used for.

DICOM announces no sizes: neither an association nor a C-STORE request says how many bytes are to come. A reservation
for each association could therefore only be a guess, which either refuses needlessly or protects nothing, and would
have to be shared by all receiver processes and survive their deaths. Instead every process asks the file system
(statvfs(3)), which knows at once what all of them have written, and each kind of use stops at another level:

    association    below 1.5 × reserve    no new ones: those that are open can end what they have begun
    instance       below 1 × reserve      refused with A700, in the middle of the data set too
    run            below 0.25 × reserve   what was accepted is worked off from the reserve, which gives room again

The last quarter is left to the database, the logs and whatever else writes. A quota is not visible in statvfs: a
write that it stops fails with EDQUOT and is answered like a full disk.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from deploy.node.config import DiskConfig

ASSOCIATION_SHARE = 1.5
INSTANCE_SHARE = 1.0
RUN_SHARE = 0.25
"""What has to stay free, as a share of the reserve."""

_FRESH_SECONDS = 0.1
_LEAST_FILES = 1000
"""A file system can also be out of files: this many must stay free."""


class Space:
    """The room on the data folder's file system. One for each process; usable from any thread.

    Every method raises :class:`OSError` where the file system cannot be asked.
    """

    def __init__(self, data_folder: Path, config: DiskConfig) -> None:
        self.reserve_bytes = int(config.reserve_gib * 2**30)
        self._folder = data_folder
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._free = 0
        self._granted = 0

    def has_room(self, size: int = 0) -> bool:
        """Return whether ``size`` bytes may be received; asked for each instance, and each MiB or so of one.

        The file system is asked ten times a second at most; what was granted since counts as used.
        """
        return self._grant(size, INSTANCE_SHARE)

    def has_room_for_association(self) -> bool:
        """Return whether a new association may be accepted."""
        return self._grant(0, ASSOCIATION_SHARE)

    def has_room_for_run(self, size: int = 0) -> bool:
        """Return whether a run that may write ``size`` bytes may begin: it may use the reserve."""
        return self._grant(size, RUN_SHARE)

    def free_bytes(self) -> int:
        """Return the bytes that this process may still write, asked for anew; 0 where no more files can be made."""
        with self._lock:
            self._ask()
            return self._free

    def _grant(self, size: int, share: float) -> bool:
        with self._lock:
            if time.monotonic() - self._asked >= _FRESH_SECONDS:
                self._ask()
            if self._free - self._granted - size < max(self.reserve_bytes * share, 1):
                return False
            self._granted += size
            return True

    def _ask(self) -> None:
        found = os.statvfs(self._folder)
        # Some file systems have no fixed number of files, and say 0.
        out_of_files = found.f_files > 0 and found.f_favail < _LEAST_FILES
        self._free = 0 if out_of_files else found.f_bavail * found.f_frsize
        self._granted = 0
        self._asked = time.monotonic()
