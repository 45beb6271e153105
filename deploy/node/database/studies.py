"""What was received: studies and their instances."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from deploy.node.database.base import Base, UTCDateTime

if TYPE_CHECKING:
    from deploy.node.database.jobs import Job


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
    # Until this is set, not every app's share of what was received is decided over (AppDecision tells which is).
    decided: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True, default=None)
    # Counts what there was to decide over: each new image, and each reason to decide anew.
    revision: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str] = mapped_column(Text, default="")
    # Number of Study Related Instances (0020,1208), as a PACS or the images themselves have told; None if nobody has.
    expected_instances: Mapped[int | None] = mapped_column(default=None)
    # When retention deleted its images; what became of it stays known.
    deleted: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    instances: Mapped[list[Instance]] = relationship(back_populates="study")
    jobs: Mapped[list[Job]] = relationship(back_populates="study")

    def reopen(self) -> None:
        """Have every app's readiness look at the study again: an image came, or what was decided holds no longer."""
        self.decided = None
        self.revision = (self.revision or 0) + 1


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


class AppDecision(Base):
    """That it was decided whether one app analyses a study, over everything there was at that revision of it."""

    __tablename__ = "app_decisions"
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), primary_key=True)
    app: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int]
    decided: Mapped[datetime] = mapped_column(UTCDateTime)


class PriorStudy(Base):
    """An earlier study of the same patient that was asked for, so that an app can compare with it."""

    __tablename__ = "prior_studies"
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("studies.study_instance_uid"), primary_key=True)
    prior_study_instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    archive: Mapped[str] = mapped_column(String(64))  # its name in the configuration
    asked: Mapped[datetime] = mapped_column(UTCDateTime)
