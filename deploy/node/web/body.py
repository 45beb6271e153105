"""The body of a request as it comes, within limits of size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from deploy.node.config import ReceiveConfig

CLOSE = {"connection": "close"}
"""Header field of an answer after which the connection ends, as what follows of the body is not read."""

_PASSED_OVER_BYTES = 64 << 20
_PASSED_OVER_SECONDS = 5.0
"""How much of the body of a request that is refused is read, and for how long."""


class Body:
    """The pieces of one body; a sender may be silent, and take altogether, as long as on an association."""

    def __init__(self, request: Request, limits: ReceiveConfig, maximum_bytes: int) -> None:
        self._pieces = request.stream().__aiter__()
        self._silence = limits.network_timeout_seconds
        self._end = time.monotonic() + limits.maximum_association_seconds
        self._maximum_bytes = maximum_bytes
        self._size = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield what has not been read. Raises :class:`HTTPException` beyond a limit."""
        while True:
            try:
                patience = min(self._silence, self._end - time.monotonic())
                piece = await asyncio.wait_for(self._pieces.__anext__(), patience)
            except StopAsyncIteration:
                return
            except asyncio.TimeoutError as error:
                raise HTTPException(408, "the request takes too long", CLOSE) from error
            self._size += len(piece)
            if self._size > self._maximum_bytes:
                raise self.too_large()
            yield piece

    async def pass_over(self) -> None:
        """Read what else comes soon: a sender that is cut off while it writes does not see the answer."""

        async def read() -> None:
            size = 0
            async for piece in self._pieces:
                size += len(piece)
                if size > _PASSED_OVER_BYTES:
                    return

        with suppress(asyncio.TimeoutError, ClientDisconnect):
            await asyncio.wait_for(read(), _PASSED_OVER_SECONDS)

    def too_large(self) -> HTTPException:
        """What to raise where the body is, or will be, too large."""
        return HTTPException(413, f"a request may have {self._maximum_bytes} bytes", CLOSE)
