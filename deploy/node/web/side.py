"""The node's HTTP side as a whole, for ``gantry serve``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from deploy.node.access import Rejection, Rejections
from deploy.node.config import NodeConfig, WebConfig
from deploy.node.disk import Space
from deploy.node.receive.reports import ReceiveListener
from deploy.node.spool import Spool
from deploy.node.web.app import Node, web_app
from deploy.node.web.requests import OpenRequests
from deploy.node.web.server import WebServer
from deploy.node.web.store import Surroundings


class WebSide:
    """Serves HTTP and tells the index what came over it."""

    def __init__(
        self,
        config: NodeConfig,
        web: WebConfig,
        spool: Spool,
        listener: ReceiveListener,
        space: Space,
        rejections: Rejections,
        metrics: CollectorRegistry,
        problems: Callable[[], Mapping[str, str]],
    ) -> None:
        self._requests = OpenRequests(listener)
        surroundings = Surroundings(config.receive, spool, self._requests, space)
        app = web_app(Node(config, web, surroundings, rejections, metrics, problems))
        self._server = WebServer(
            web,
            app,
            maximum_connections=config.receive.maximum_associations,
            # Whose handshake has failed is nowhere to be had.
            on_refused=lambda text: rejections.add(Rejection("web-tls", text, "")),
        )

    def start(self) -> None:
        """Listen. Raises what :meth:`WebServer.start` raises."""
        self._server.start()

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; when this returns, all that was stored has been told to the index."""
        served = threading.Event()
        teller = threading.Thread(target=self._requests.run, args=(served,), name="index of HTTP")
        teller.start()
        try:
            self._server.run(stop)
        finally:
            served.set()
            teller.join()

    def is_receiving(self, study_instance_uid: str) -> bool:
        """Return whether a request that brought images of this study is under way, or not yet told to the index."""
        return self._requests.is_receiving(study_instance_uid)

    @property
    def open_requests(self) -> int:
        """How many requests for storing are under way."""
        return self._requests.count
