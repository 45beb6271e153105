"""The HTTP server: uvicorn in a thread of the node."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from deploy.node.access import certificate_names, server_context
from deploy.node.config import WebConfig
from deploy.node.events import forward_warnings, log

_LOOK_SECONDS = 0.1
_FIRST_REQUEST_SECONDS = 15.0
_STOP_SECONDS = 5
_MAXIMUM_HEADER_BYTES = 32768
_BACKLOG = 128


class WebPortError(OSError):
    """The port cannot be had; the message names its keys."""


class WebServer:
    """Serves an application until stopped."""

    def __init__(
        self, config: WebConfig, app: FastAPI, *, maximum_connections: int, on_refused: Callable[[str], None]
    ) -> None:
        """``on_refused`` is told why TLS has failed with a caller."""
        self._config = config
        self._app = app
        self._maximum_connections = maximum_connections
        self._on_refused = on_refused
        self._listening: socket.socket | None = None

    def start(self) -> None:
        """Listen. Raises :class:`WebPortError` when the port cannot be had, :class:`ConfigError` for wrong files."""
        forward_warnings("uvicorn")
        if self._config.tls is not None:
            server_context(self._config.tls, certificate_required=False)
        host, port = self._config.host, self._config.port
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise WebPortError(f"web.host {host}, web.port {port}: {error.strerror or error}") from error
        log("listening", f"HTTP{'S' if self._config.tls else ''} listens on {host}:{port}")

    def close(self) -> None:
        """Stop listening, where :meth:`run` has not been called."""
        if self._listening is not None:
            self._listening.close()

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; requests under way then have some seconds."""
        assert self._listening is not None
        asyncio.run(self._serve(self._listening, stop))

    async def _serve(self, listening: socket.socket, stop: threading.Event) -> None:
        server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                # An address that the caller itself has written down is no address.
                proxy_headers=False,
                server_header=False,
                limit_concurrency=self._maximum_connections,
                timeout_graceful_shutdown=_STOP_SECONDS,
                h11_max_incomplete_event_size=_MAXIMUM_HEADER_BYTES,
                ssl_context_factory=None if self._config.tls is None else self._context,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not stop.is_set() and not serving.done():
            await asyncio.sleep(_LOOK_SECONDS)
        server.should_exit = True
        await serving

    def _context(self, config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        tls, on_refused = self._config.tls, self._on_refused
        assert tls is not None

        class Told(ssl.SSLObject):
            """One caller's TLS; asyncio says nothing of a handshake that fails."""

            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    raise
                except ssl.SSLError as error:
                    on_refused(str(error))
                    raise

        def take_newest(connection: ssl.SSLObject, name: str | None, listening: ssl.SSLContext) -> None:
            connection.context = server_context(tls, certificate_required=False)

        context = server_context(tls, certificate_required=False)
        context.sslobject_class = Told
        # Called in each handshake, also where the client names no server: from there on the newest files count.
        context.sni_callback = take_newest
        return context


class _Protocol(H11Protocol):
    """HTTP/1.1; requests are told the names in the caller's certificate, and who sends none is not waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        encrypted: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        names = None if encrypted is None else certificate_names(encrypted)
        self.app_state = {**self.app_state, "certificate_names": names}
        self.loop.call_later(_FIRST_REQUEST_SECONDS, self._end_unless_used)

    def _end_unless_used(self) -> None:
        if self.cycle is None:
            self.transport.close()
