"""What the spool says of an instance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from deploy.node.header import InstanceHeader

CONFLICT_MARK = ".sha256-"
"""Stands in the name of a copy that is kept apart."""


class TornFileError(ValueError):
    """The file's data set is not what its self-check says: it did not all reach the disk, and was not acknowledged."""


class Arrival(str, Enum):
    """What an instance was to the spool when it came."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same bytes are there already."""
    CONFLICTING = "conflicting"
    """Other bytes are there under the same SOP Instance UID: the first ones stay in use, these are kept apart."""


@dataclass(frozen=True)
class StoredInstance:
    """One instance in the spool.

    ``path`` is relative to the spool; ``sha256`` (hexadecimal) and ``size`` (bytes) are of the data set, without
    the File Meta Information, which says who sent it; ``received`` is in UTC.
    """

    header: InstanceHeader
    transfer_syntax_uid: str
    calling_ae_title: str
    path: str
    sha256: str
    size: int
    received: datetime
    arrival: Arrival

    @property
    def is_first_copy(self) -> bool:
        """Whether this is the copy that is used, of those under its SOP Instance UID."""
        return CONFLICT_MARK not in self.path
