"""The node over HTTP: STOW-RS in (PS3.18 10.5), metrics, health.

server (uvicorn, TLS)  →  app  →  store  →  multipart → part  →  spool
requests  →  index
"""

from __future__ import annotations

from deploy.node.web.app import Node, web_app
from deploy.node.web.requests import OpenRequests
from deploy.node.web.server import WebPortError, WebServer
from deploy.node.web.store import Surroundings

__all__ = ["Node", "OpenRequests", "Surroundings", "WebPortError", "WebServer", "web_app"]
