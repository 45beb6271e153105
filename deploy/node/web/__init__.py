"""The node over HTTP: STOW-RS in (PS3.18 10.5), metrics, health.

server (uvicorn, TLS)  →  app  →  store  →  multipart → part  →  spool
requests  →  index
"""

from __future__ import annotations

from deploy.node.web.health import node_problems
from deploy.node.web.server import WebPortError
from deploy.node.web.side import WebSide

__all__ = ["WebPortError", "WebSide", "node_problems"]
