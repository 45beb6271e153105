"""The index: what the node knows, in one database that can be rebuilt from the spool.

States of a job: ``queued → running → verifying → delivering → delivered``, or ``refused``, or ``failed``. Each
change of a job is one transaction together with its row in the event log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

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


class UTCDateTime(TypeDecorator[datetime]):
    """A timezone-aware time, stored in UTC (SQLite keeps no timezone)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """Convert to UTC; a time without a zone is an error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a timezone cannot be stored")
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Give the time back as UTC."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class JobState(str, Enum):
    """Where a job is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to a job in this state by itself."""
        return self in (JobState.DELIVERED, JobState.REFUSED, JobState.FAILED)


class Base(DeclarativeBase):
    """All tables."""

    # Named constraints: Alembic can only change those that have a name.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Study(Base):
    """One study: identifiers for people, and when the last image came."""

    __tablename__ = "studies"
    study_instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(64), default="")
    patient_name: Mapped[str] = mapped_column(Text, default="")
    accession_number: Mapped[str] = mapped_column(String(16), default="")
    study_date: Mapped[str] = mapped_column(String(8), default="")
    description: Mapped[str] = mapped_column(String(64), default="")
    first_received: Mapped[datetime] = mapped_column(UTCDateTime)
    last_received: Mapped[datetime] = mapped_column(UTCDateTime)
    # Until this is set, readiness has not yet decided over everything that was received.
    decided: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    outcome: Mapped[str] = mapped_column(Text, default="")
    instances: Mapped[list[Instance]] = relationship(back_populates="study")
    jobs: Mapped[list[Job]] = relationship(back_populates="study")


class Instance(Base):
    """One received instance: its file in the spool."""

    __tablename__ = "instances"
    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), index=True)
    series_instance_uid: Mapped[str] = mapped_column(String(64), index=True)
    sop_instance_uid: Mapped[str] = mapped_column(String(64), index=True)
    sop_class_uid: Mapped[str] = mapped_column(String(64))
    transfer_syntax_uid: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(Text, unique=True)  # relative to the spool
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    # Not the first copy under its SOP Instance UID: kept, never analysed.
    conflicting: Mapped[bool] = mapped_column(default=False)
    calling_ae_title: Mapped[str] = mapped_column(String(16), default="")
    received: Mapped[datetime] = mapped_column(UTCDateTime)
    study: Mapped[Study] = relationship(back_populates="instances")
    __table_args__ = (UniqueConstraint("sop_instance_uid", "sha256"),)


class Job(Base):
    """One app on one input; unique on the input digest."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), index=True)
    app: Mapped[str] = mapped_column(String(64))
    app_version: Mapped[str] = mapped_column(String(16))
    input_digest: Mapped[str] = mapped_column(String(64), unique=True)
    sop_instance_uids: Mapped[list[str]] = mapped_column(JSON)  # the whole input: what the app may see
    state: Mapped[JobState] = mapped_column(
        sqlalchemy.Enum(
            JobState, native_enum=False, length=16, values_callable=lambda states: [s.value for s in states]
        ),
        index=True,
    )
    reason: Mapped[str] = mapped_column(String(64), default="")  # code of a refusal, kind of a failure
    detail: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    lease_owner: Mapped[str | None] = mapped_column(String(64), default=None)
    lease_expires: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    # Fixed when the job is made, so that a second run writes the same objects.
    started: Mapped[datetime] = mapped_column(UTCDateTime)
    finished: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    study: Mapped[Study] = relationship(back_populates="jobs")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="job")


class Delivery(Base):
    """One result object on its way to one destination."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), index=True)
    destination: Mapped[str] = mapped_column(String(64))
    sop_instance_uid: Mapped[str] = mapped_column(String(64))
    sop_class_uid: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(Text)  # relative to the outbox
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    delivered: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    status: Mapped[str] = mapped_column(Text, default="")  # what the destination last answered
    job: Mapped[Job] = relationship(back_populates="deliveries")
    __table_args__ = (
        UniqueConstraint("destination", "sop_instance_uid"),
        Index("deliveries_due", "destination", "delivered", "not_before"),
    )


class Event(Base):
    """One line of the log of what happened and why; never changed."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[str] = mapped_column(String(32), index=True)
    study_instance_uid: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    job_id: Mapped[int | None] = mapped_column(index=True, default=None)
    text: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)


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


def open_database(data_folder: Path) -> Database:
    """Open the node's database in ``data_folder``, making it or bringing its tables up to date."""
    data_folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{data_folder / FILE_NAME}", connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, max_overflow=-1
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.execution_options(gantry_begin=_WRITE).begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
    return Database(engine)


def _configure(connection: DBAPIConnection, record: object) -> None:
    # Python's sqlite3 would begin transactions by itself, and only before the first write: see _begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("gantry_begin", _READ):
        connection.exec_driver_sql(statement)
