"""TCP as DICOM needs it: many small messages, each of which waits for the one before."""

from __future__ import annotations

import socket
from contextlib import suppress

from pynetdicom.association import Association


def send_at_once(association: Association) -> None:
    """Switch Nagle's algorithm off: a message is written in parts, and the peer may delay its acknowledgements."""
    if (connection := _connection(association)) is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def acknowledge_at_once(association: Association) -> None:
    """Switch delayed acknowledgements off until the kernel switches them on again (tcp(7)).

    DCMTK and many modalities write a message in two small parts and, with Nagle's algorithm, wait for the first
    one's acknowledgement: 40 ms for each instance.
    """
    if hasattr(socket, "TCP_QUICKACK") and (connection := _connection(association)) is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def cut(association: Association) -> None:
    """Cut the connection, whatever the association is waiting for: it is over at once, without an A-ABORT."""
    if (connection := _connection(association)) is not None:
        # The peer may have done so already.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _connection(association: Association) -> socket.socket | None:
    transport = association.dul.socket
    return None if transport is None else transport.socket
