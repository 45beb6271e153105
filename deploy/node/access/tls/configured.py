"""Every end of TLS that a configuration has, and the watch over their files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from deploy.node.access.tls.files import check_files, expiry_warnings, file_stamps
from deploy.node.bell import persevere
from deploy.node.config import ConfigError, NodeConfig, TLSConfig
from deploy.node.database import Database
from deploy.node.events import record

_LOOK_SECONDS = 2.0
_EXPIRY_SECONDS = 86400.0
"""How often to look whether a file has changed, and to tell of certificates that will expire."""


def tls_ends(config: NodeConfig) -> Iterator[tuple[str, TLSConfig]]:
    """Yield every end of TLS with its key in ``gantry.yaml``."""
    if config.receive.tls is not None:
        yield "receive.tls", config.receive.tls
    if config.web is not None and config.web.tls is not None:
        yield "web.tls", config.web.tls
    for name, peer in config.peers.items():
        if peer.answer_tls is not None:
            yield f"peers.{name}.answer_tls", peer.answer_tls
    for name, archive in config.archives.items():
        if archive.tls is not None:
            yield f"archives.{name}.tls", archive.tls
    for name, destination in config.destinations.items():
        if destination.tls is not None:
            yield f"destinations.{name}.tls", destination.tls


class CertificateWatch:
    """Records in the log of events when certificates were renewed, cannot be used, or expire soon.

    It only tells: the contexts themselves follow the files (:func:`deploy.node.access.server_context`).
    """

    def __init__(self, config: NodeConfig, database: Database) -> None:
        self._database = database
        self._ends = dict(tls_ends(config))
        self._stamps = {key: file_stamps(tls) for key, tls in self._ends.items()}
        self._next_expiry = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        while True:
            persevere(stop, self.look)
            if stop.wait(_LOOK_SECONDS):
                return

    def look(self) -> bool:
        """Record what has changed since the last look; return whether anything was recorded."""
        stamps = {key: file_stamps(tls) for key, tls in self._ends.items()}
        changed = [key for key, stamp in stamps.items() if stamp != self._stamps[key]]
        events = [self._judged(key) for key in changed]
        if changed or time.monotonic() >= self._next_expiry:
            events += [("certificate-expiring", text) for text in self._expiring()]
        if events:
            with self._database.write() as session:
                for kind, text in events:
                    record(session, kind, text)
        self._stamps = stamps
        if time.monotonic() >= self._next_expiry:
            self._next_expiry = time.monotonic() + _EXPIRY_SECONDS
        return bool(events)

    def _judged(self, key: str) -> tuple[str, str]:
        try:
            check_files(self._ends[key], key)
        except ConfigError as error:
            return "certificate-unusable", f"{error}; what was read before stays in use until the node is stopped"
        return "certificate-renewed", f"{key}: the files have changed and are used from the next connection on"

    def _expiring(self) -> list[str]:
        found: list[str] = []
        for key, tls in self._ends.items():
            try:
                found += expiry_warnings(tls, key)
            # Told when the file changed to this.
            except ConfigError:
                continue
        return found
