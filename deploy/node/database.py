"""The index: what the node knows, in one database that can be rebuilt from the spool.

States of a job: ``queued → running → verifying → delivering → delivered``, or ``refused``, or ``failed``. Each
change of a job is one transaction together with its row in the event log.
"""

from __future__ import annotations

from datetime import datetime, timezone
from enum import Enum

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


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
    state: Mapped[JobState] = mapped_column(String(16), index=True)
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
