"""Transactions on the node's database, and how it is opened.

SQLite with a write-ahead log: readers are never in the way of a writer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

FILE_NAME = "index.sqlite"
"""The database file in the data folder."""

BUSY_TIMEOUT_SECONDS = 30
"""How long a writer waits for another one. Transactions are short: waiting this long means that something is wrong."""


_READ = ("BEGIN",)

# A transaction that begins as a reader and then writes fails at once, without waiting, if another one has written
# meanwhile (SQLITE_BUSY_SNAPSHOT): writers say so at the beginning. FULL: a commit survives a loss of power.
_WRITE = ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE")

# NORMAL does not wait for the disk. The write-ahead log keeps the order: a later commit that did wait is never there
# without this one.
_WRITE_REBUILDABLE = ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE")


_PASSING = ("database is locked", "database or disk is full", "disk I/O error", "unable to open database file")
"""What SQLite says (sqlite3_errstr) where the reason is beside the database: Python 3.10 does not tell the codes."""


class Database:
    """Transactions on the database; usable from any thread. A session's objects stay readable after it has ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(gantry_begin=_WRITE)
        self._rebuildable = engine.execution_options(gantry_begin=_WRITE_REBUILDABLE)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads: one consistent picture, never in the way of a writer."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, *, rebuildable: bool = False) -> Iterator[Session]:
        """A transaction that may write: committed durably at the end of the block, rolled back on an exception.

        Writers wait for each other at the beginning, so that what one reads is still true when it writes. What is
        ``rebuildable`` from the spool need not wait for the disk: a loss of power may take it back, together with
        nothing that was committed durably after it.
        """
        engine = self._rebuildable if rebuildable else self._writing
        with Session(engine, expire_on_commit=False) as session, session.begin():
            # The transaction on the database begins here, not with the first statement.
            session.connection()
            yield session

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def is_passing(error: DBAPIError) -> bool:
    """Whether the database cannot work now but may later, as with a full disk; a wrong statement is no such error."""
    return str(error.orig) in _PASSING


def open_database(data_folder: Path, *, upgrade: bool = True) -> Database:
    """Open the node's database in ``data_folder``, making it or bringing its tables up to date.

    A process that the node has started needs no ``upgrade``: the node has done it.

    Raises :class:`deploy.node.database.NewerDatabaseError`, before anything is changed.
    """
    data_folder.mkdir(parents=True, exist_ok=True)
    path = data_folder / FILE_NAME
    if upgrade:
        # Imported here: a process that needs no upgrade starts faster without Alembic.
        from deploy.node.database.upgrade import upgrade_database

        upgrading = _engine(path, foreign_keys=False)
        try:
            upgrade_database(path, upgrading.execution_options(gantry_begin=_WRITE))
        finally:
            upgrading.dispose()
    return Database(_engine(path, foreign_keys=True))


def check_database(data_folder: Path) -> None:
    """Raise :class:`NewerDatabaseError` or :class:`OlderDatabaseError` where the tables are not this version's."""
    from deploy.node.database.upgrade import check_revision

    engine = _engine(data_folder / FILE_NAME, foreign_keys=True)
    try:
        check_revision(engine)
    finally:
        engine.dispose()


def _engine(path: Path, *, foreign_keys: bool) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, max_overflow=-1)

    def configure(connection: DBAPIConnection, record: object) -> None:
        # Python's sqlite3 would begin transactions by itself, and only before the first write: see _begin.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("gantry_begin", _READ):
        connection.exec_driver_sql(statement)
