"""Whether the node can do its work now."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.node.database import Database
from deploy.node.disk import Space


def node_problems(database: Database, space: Space, receives: Callable[[], bool]) -> dict[str, str]:
    """Return why the node cannot take studies just now, by part; nothing if it can.

    ``receives`` tells whether there is a receiver process.
    """
    problems = {}
    if not receives():
        problems["receive"] = "no receiver process runs; one is started anew"
    try:
        with database.read() as session:
            session.execute(text("SELECT 1 FROM alembic_version"))
    except DBAPIError as error:
        problems["database"] = str(error.orig)
    try:
        if not space.has_room_for_association():
            problems["disk"] = "there is no room: associations are rejected (disk.reserve_gib)"
    except OSError as error:
        problems["disk"] = error.strerror or str(error)
    return problems
