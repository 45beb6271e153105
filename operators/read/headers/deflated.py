"""Inflate a deflated data set (PS3.5 section A.5) as far as needed and no further than allowed."""

from __future__ import annotations

import os
import zlib

_CHUNK_BYTES = 1 << 16


class DeflatedDataSet:
    """The inflated bytes of a deflated data set, as many as have been asked for.

    ``data`` are the bytes so far; ``is_complete`` tells whether they are all.
    """

    def __init__(self, descriptor: int, start: int) -> None:
        """Take the data set that begins at ``start`` of an open file; nothing is read yet."""
        self._descriptor, self._position = descriptor, start
        self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        self.data = b""

    @property
    def is_complete(self) -> bool:
        """Whether the data set has been inflated to its end."""
        return self._decompressor.eof

    def inflate(self, wanted: int) -> None:
        """Inflate until there are ``wanted`` bytes, or all.

        Raises ``zlib.error`` when the file is damaged or ends too early.
        """
        parts = [self.data]
        missing = wanted - len(self.data)
        while missing > 0 and not self._decompressor.eof:
            source = self._decompressor.unconsumed_tail
            if not source:
                source = os.pread(self._descriptor, _CHUNK_BYTES, self._position)
                self._position += len(source)
            inflated = self._decompressor.decompress(source, missing)
            if not source and not inflated:
                raise zlib.error("the file ends within its deflated data set")
            parts.append(inflated)
            missing -= len(inflated)
        self.data = b"".join(parts)
