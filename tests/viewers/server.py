"""A web server for OHIF: its files, its configuration, and an archive's DICOMweb services, all of one origin."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deploy import orthanc
from deploy.orthanc.server import DICOM_WEB_PATH, Orthanc

SETTINGS = Path(orthanc.__file__).with_name("app-config.js")
"""What a site is told to use in place of the package's own file of this name."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Handler(SimpleHTTPRequestHandler):
    """GET of a file, of a page of the viewer, or of the archive."""

    # Connections stay open: the viewer asks for each image by itself.
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, archive: Orthanc, **keywords: Any) -> None:
        self._archive = archive
        super().__init__(*arguments, **keywords)

    def do_GET(self) -> None:
        if self.path.startswith(DICOM_WEB_PATH + "/"):
            self._forward()
        elif self.path == "/app-config.js":
            self._answer(HTTPStatus.OK, "text/javascript", SETTINGS.read_bytes())
        else:
            # The viewer's own addresses are no files: its router reads them.
            if not Path(self.translate_path(self.path)).is_file():
                self.path = "/index.html"
            super().do_GET()

    def _forward(self) -> None:
        # The archive names itself in what it answers by the host it was asked for.
        headers = {name: self.headers[name] for name in ("Accept", "Host") if name in self.headers}
        request = urllib.request.Request(
            f"http://{self._archive.host}:{self._archive.http_port}{self.path}", headers=headers
        )
        try:
            with _DIRECT.open(request, timeout=60) as answer:
                self._answer(answer.status, answer.headers["Content-Type"], answer.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.headers["Content-Type"], error.read())

    def _answer(self, status: int, kind: str | None, content: bytes) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        # Cross-origin isolation, without which browsers give no shared memory to the decoders.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not written down."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A browser opens several connections at once, more than the library's 5 under way.
    request_queue_size = 128


@contextmanager
def running_viewer(dist: Path, archive: Orthanc) -> Iterator[str]:
    """Serve the viewer's files over `archive` on a free port of this machine; gives the address without a slash."""
    handler = partial(_Handler, archive=archive, directory=str(dist))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
