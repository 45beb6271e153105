"""A file that is being received: fragments go straight into it, and their digest is kept beside."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from deploy.node import file_meta
from deploy.node.file_meta import CHECK_BYTES, UNKNOWN_CHECK, FileMeta, SelfCheck
from deploy.node.header import QUICK_BYTES, SEARCHED_BYTES, InstanceHeader, read_header, read_quickly


class IncomingFile:
    """An instance that comes in fragments; nothing of it is kept in memory but its first bytes.

    Every method raises :class:`OSError` when the disk does not take it. Whoever makes one calls :meth:`close`.
    """

    def __init__(self, path: str, meta: FileMeta) -> None:
        self.path = path
        self.meta = meta
        self.size = 0
        """Bytes of the data set so far."""
        self._start = file_meta.encode(meta, UNKNOWN_CHECK)
        self._hash = hashlib.sha256()
        self._beginning = b""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._begun = False

    def write(self, fragment: bytes | memoryview) -> None:
        """Append to the data set."""
        view = memoryview(fragment)
        if self._begun:
            self._append(view)
        else:
            self._begun = True
            self._append(memoryview(self._start + view[:QUICK_BYTES]))
            self._append(view[QUICK_BYTES:])
        self._hash.update(view)
        if len(self._beginning) < QUICK_BYTES:
            self._beginning += view[: QUICK_BYTES - len(self._beginning)]
        self.size += len(view)

    def header(self) -> InstanceHeader:
        """Read the identifiers from what has come. Raises :class:`deploy.node.header.UnreadableHeaderError`."""
        quick = read_quickly(self._beginning, self.meta.transfer_syntax_uid)
        if quick is not None:
            return quick
        data_set = os.pread(self._file, min(self.size, SEARCHED_BYTES), len(self._start))
        return read_header(data_set, self.meta.transfer_syntax_uid)

    def seal(self) -> str:
        """Write the self-check, as all has come; return the SHA-256 (hexadecimal) of the data set."""
        if not self._begun:
            self.write(b"")
        check = SelfCheck(self.size, self._hash.digest())
        os.pwrite(self._file, check.encode(), len(self._start) - CHECK_BYTES)
        return check.sha256.hex()

    def synchronize(self) -> None:
        """Return when the content is on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def discard(self) -> None:
        """Close the file and delete it, unless it has got its final name."""
        self.close()
        with suppress(FileNotFoundError):
            os.unlink(self.path)  # noqa: PTH108

    def _append(self, content: memoryview) -> None:
        # A disk that becomes full takes a part, and says so only to the next write.
        while content:
            content = content[os.write(self._file, content) :]
