"""Asking archives: what they have (C-FIND), and to send it (C-GET, C-MOVE)."""

from __future__ import annotations

from deploy.node.query.archive import Archive, configured_archive
from deploy.node.query.find import (
    FoundSeries,
    FoundStudy,
    count_instances,
    find_series,
    find_sop_classes,
    find_studies,
)
from deploy.node.query.requestor import PeerAddress, PeerError, associate
from deploy.node.query.retrieve import Fetched, fetch

__all__ = [
    "Archive",
    "Fetched",
    "FoundSeries",
    "FoundStudy",
    "PeerAddress",
    "PeerError",
    "associate",
    "configured_archive",
    "count_instances",
    "fetch",
    "find_series",
    "find_sop_classes",
    "find_studies",
]
