"""Whether SQLite finds its database whole."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from deploy.node.database import Database, is_passing


class DamagedIndexError(RuntimeError):
    """The index is damaged."""


def check_after_crash(database: Database) -> None:
    """Check the database with ``PRAGMA quick_check``, which takes about a second for each GB.

    For a node that did not end by itself the last time. Raises :class:`DamagedIndexError`, or
    :class:`sqlalchemy.exc.DatabaseError` where the database cannot be judged now.
    """
    try:
        with database.read() as session:
            found = list(session.scalars(text("PRAGMA quick_check(5)")))
    except DatabaseError as error:
        if is_passing(error):
            raise
        found = [str(error.orig)]
    if found != ["ok"]:
        problem = "; ".join(found)
        raise DamagedIndexError(
            f"the index is damaged ({problem}); 'gantry recover' keeps it aside and makes it from the spool again"
        )


def is_sound(database: Database) -> bool:
    """Check everything (``PRAGMA integrity_check``), and repair what can be without loss: SQLite's own indexes.

    Raises :class:`sqlalchemy.exc.DatabaseError` where the database cannot be judged now.
    """
    try:
        with database.read() as session:
            if session.scalar(text("PRAGMA integrity_check(1)")) == "ok":
                return True
        with database.write() as session:
            session.execute(text("REINDEX"))
            return bool(session.scalar(text("PRAGMA integrity_check(1)")) == "ok")
    except DatabaseError as error:
        # A locked database or a full disk is no damage: putting the index aside would lose the jobs for nothing.
        if is_passing(error):
            raise
        return False
