"""STOW-RS, the side that sends (PS3.18 section 10.5): instances in multipart requests, as they are in their files."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from deploy.node.config import ConfigError, TLSConfig
from deploy.node.send.connection import hang_up, wait_for_input
from deploy.node.send.files import SUCCESS, InstanceFile, SentInstance, identify
from deploy.node.send.peer import ANSWER_SECONDS, CONNECTION_SECONDS, DestinationError

_REQUEST_BYTES = 64 << 20
_REQUEST_INSTANCES = 100
"""When a request is full: what a lost connection makes us send again, as only its answer tells of its instances."""

_WRITE_BYTES = 16384
_RESPONSE_BYTES = 64 << 20

_NO_STUDY = "2.25.0"
_NOT_IMPLEMENTED = 501

_BY_INSTANCE = (400, 406, 411, 413, 414, 415, 422)
"""Statuses that may be a single instance's fault."""


@dataclass(frozen=True)
class WebPeer:
    """A DICOMweb service: ``url`` is its root, below which ``/studies`` is; ``token_file`` holds a bearer token."""

    url: str
    token_file: Path | None = None
    tls: TLSConfig | None = None
    answer_seconds: float = ANSWER_SECONDS

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class _Part:
    file: InstanceFile
    head: bytes
    size: int


class WebSender:
    """Sends to one DICOMweb service; nothing stays open between requests."""

    is_open = False

    def __init__(self, peer: WebPeer) -> None:
        self.peer = peer
        self._connection: HTTPConnection | None = None
        self._stopped = False

    def send(self, paths: Sequence[Path]) -> Iterator[SentInstance]:
        """Send files in their order, several in one request, and yield what became of each.

        Raises :class:`DestinationError` when the service cannot be reached, or refuses a request as a whole.
        """
        files: list[InstanceFile] = []
        for path in paths:
            found = identify(path)
            if isinstance(found, InstanceFile):
                files.append(found)
            else:
                yield found
        for group in _requests(files):
            yield from self._store(group)

    def echo(self) -> int:
        """Ask whether the service answers to us, by a search that finds nothing (QIDO-RS, PS3.18 10.6).

        Raises :class:`DestinationError`.
        """
        search = f"/studies?StudyInstanceUID={_NO_STUDY}"
        response, _ = self._exchange("GET", search, {"Accept": "application/dicom+json"}, ())
        # One that has no search has answered all the same.
        if response.status in (401, 403, 404) or (response.status >= 500 and response.status != _NOT_IMPLEMENTED):
            raise _refused(self.peer, response)
        return SUCCESS

    def listen(self, seconds: float) -> bool:
        """Nothing comes by itself."""
        return False

    def close(self) -> None:
        """Nothing is open."""

    def hang_up(self) -> None:
        """Make a request that is under way in another thread give up, and refuse further ones."""
        self._stopped = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            hang_up(connection.sock)

    def _store(self, group: Sequence[InstanceFile]) -> Iterator[SentInstance]:
        boundary = uuid4().hex
        parts = [_part(file, boundary) for file in group]
        end = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(sum(len(part.head) + part.size for part in parts) + len(end)),
            "Accept": "application/dicom+json",
        }
        try:
            response, body = self._exchange("POST", "/studies", headers, _body(parts, end))
        except DestinationError as error:
            raise DestinationError(str(error), group[0].path, retry_after=error.retry_after) from error
        if response.status in _BY_INSTANCE and len(group) > 1:
            for file in group:
                yield from self._store([file])
        elif response.status in _BY_INSTANCE:
            yield group[0].answered(None, f"HTTP {response.status} {response.reason}")
        elif response.status in (200, 202, 409):
            yield from _answers(group, response.status, body)
        else:
            raise _refused(self.peer, response)

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: Iterator[bytes] | tuple[()]
    ) -> tuple[HTTPResponse, bytes]:
        connection = self._connection = self._connect()
        try:
            connection.putrequest(method, urlsplit(self.peer.url).path.rstrip("/") + path)
            for name, value in {**headers, **self._authorization()}.items():
                connection.putheader(name, value)
            connection.endheaders()
            try:
                for piece in body:
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                # A service that does not want the rest may have said why before it closed the connection.
                if self._stopped:
                    raise
            wait_for_input(connection.sock, self.peer.answer_seconds)
            response = connection.getresponse()
            return response, response.read(_RESPONSE_BYTES)
        except TimeoutError as error:
            raise DestinationError(
                f"{self.peer} neither took nor sent anything for {self.peer.answer_seconds:g} s"
            ) from error
        except (OSError, HTTPException) as error:
            raise DestinationError(f"{self.peer} ended the connection: {error or type(error).__name__}") from error
        finally:
            self._connection = None
            connection.close()

    def _connect(self) -> HTTPConnection:
        # Imported here: who sends without TLS needs no certificates.
        from deploy.node.access import client_context

        address = urlsplit(self.peer.url)
        if address.hostname is None:
            raise DestinationError(f"{self.peer} names no host")
        try:
            if address.scheme == "https":
                context = client_context(self.peer.tls) if self.peer.tls else ssl.create_default_context()
                connection: HTTPConnection = HTTPSConnection(
                    address.hostname, address.port, timeout=CONNECTION_SECONDS, context=context
                )
            else:
                connection = HTTPConnection(address.hostname, address.port, timeout=CONNECTION_SECONDS)
            connection.connect()
        except (OSError, ConfigError) as error:
            raise DestinationError(f"{self.peer} cannot be reached: {error}") from error
        if self._stopped:
            connection.close()
            raise DestinationError("the node stops")
        connection.sock.settimeout(self.peer.answer_seconds)
        return connection

    def _authorization(self) -> dict[str, str]:
        if self.peer.token_file is None:
            return {}
        try:
            # Read anew each time: a token is renewed without a restart.
            return {"Authorization": f"Bearer {self.peer.token_file.read_text(encoding='ascii').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise DestinationError(f"the token for {self.peer} cannot be read: {error}") from error


def _requests(files: Sequence[InstanceFile]) -> Iterator[list[InstanceFile]]:
    group: list[InstanceFile] = []
    size = 0
    for file in files:
        if group and (len(group) == _REQUEST_INSTANCES or size + file.size > _REQUEST_BYTES):
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def _part(file: InstanceFile, boundary: str) -> _Part:
    # Without the transfer syntax as a parameter, which the File Meta Information has: Orthanc passes over such a part.
    head = f"\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return _Part(file, head, file.size)


def _body(parts: Sequence[_Part], end: bytes) -> Iterator[bytes]:
    for part in parts:
        yield part.head
        left = part.size
        with part.file.path.open("rb") as stream:
            while left:
                piece = stream.read(min(_WRITE_BYTES, left))
                if not piece:
                    raise OSError(f"{part.file.path} ended early")
                left -= len(piece)
                yield piece
    yield end


def _answers(group: Sequence[InstanceFile], status: int, body: bytes) -> Iterator[SentInstance]:
    """What the Store Instances Response Module says of each instance (PS3.18 10.5.3 and annex I).

    Only an instance that it names as stored is: a service may answer 200 and have passed over a part.
    """
    try:
        answer = json.loads(body)
        # Some services answer with a list of one object.
        content = answer[0] if isinstance(answer, list) else answer
        stored = dict(_references(content, _REFERENCED_SOP_SEQUENCE, _WARNING_REASON))
        failed = dict(_references(content, _FAILED_SOP_SEQUENCE, _FAILURE_REASON))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        for file in group:
            yield file.answered(None, f"HTTP {status}, and the answer cannot be read: {error}")
        return
    for file in group:
        uid = str(file.sop_instance_uid)
        if uid in failed:
            yield file.answered(failed[uid] or _PROCESSING_FAILURE, _meaning(failed[uid] or _PROCESSING_FAILURE))
        elif uid in stored:
            yield file.answered(stored[uid], _meaning(stored[uid]))
        else:
            yield file.answered(None, f"HTTP {status} without a word about this instance")


_REFERENCED_SOP_SEQUENCE, _FAILED_SOP_SEQUENCE = "00081199", "00081198"
_REFERENCED_SOP_INSTANCE_UID, _WARNING_REASON, _FAILURE_REASON = "00081155", "00081196", "00081197"
_PROCESSING_FAILURE = 0x0110


def _references(content: Any, sequence: str, reason: str) -> Iterator[tuple[str, int]]:
    """Yield SOP Instance UID and reason (0 where there is none) of each item of a sequence in DICOM JSON (PS3.18 F)."""
    for item in content.get(sequence, {}).get("Value", ()):
        yield str(item[_REFERENCED_SOP_INSTANCE_UID]["Value"][0]), int(item.get(reason, {}).get("Value", [0])[0])


def _meaning(status: int) -> str:
    return str(STORAGE_SERVICE_CLASS_STATUS.get(status, ("", "unknown reason"))[1])


def _refused(peer: WebPeer, response: HTTPResponse) -> DestinationError:
    return DestinationError(
        f"{peer} answered HTTP {response.status} {response.reason}",
        retry_after=_seconds(response.getheader("Retry-After")),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110 10.2.3); what is neither is as if it were not there."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError):
        return None
