"""Work on a study: one job for each app and input, and whether an app may begin jobs at all."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import sqlalchemy
from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from deploy.node.database.base import Base, UTCDateTime

if TYPE_CHECKING:
    from deploy.node.database.deliveries import Delivery
    from deploy.node.database.studies import Study


class JobState(str, Enum):
    """Where a job is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to a job in this state by itself."""
        return self in (JobState.DELIVERED, JobState.REFUSED, JobState.FAILED, JobState.CANCELLED)


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
    failures: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # how often in which way it failed
    # How many STAT jobs went before it while it was the one that was due longest.
    overtaken: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    lease_owner: Mapped[str | None] = mapped_column(String(64), default=None)
    lease_expires: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    # Fixed when the job is made, so that a second run writes the same objects.
    started: Mapped[datetime] = mapped_column(UTCDateTime)
    finished: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    # STAT before all others (Requested Procedure Priority (0040,1003), or the app's stat_when).
    stat: Mapped[bool] = mapped_column(default=False)
    # A person has asked for it: not to be begun, or to be ended.
    paused: Mapped[bool] = mapped_column(default=False)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    # The job of the same app on less of the study, whose results those of this one replace.
    replaces_job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), default=None)
    # The results that this job's name as replaced ([output, SOP Class UID, SOP Instance UID, Series Instance UID]);
    # fixed when it begins for the first time, so that a second run writes the same objects.
    replaces: Mapped[list[list[str]] | None] = mapped_column(JSON, default=None)
    study: Mapped[Study] = relationship(back_populates="jobs")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="job")


class PausedApp(Base):
    """An app that begins no jobs until it is resumed."""

    __tablename__ = "paused_apps"
    app: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
