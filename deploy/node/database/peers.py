"""What peers told and asked: storage commitment, procedure steps, available instances, how fast each sends."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deploy.node.database.base import Base, UTCDateTime


class CommitmentRequest(Base):
    """A peer asked whether its instances are safe here (PS3.4 annex J); kept until it has taken the answer."""

    __tablename__ = "commitment_requests"
    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_uid: Mapped[str] = mapped_column(String(64))
    peer: Mapped[str] = mapped_column(String(64))  # its name in the configuration
    calling_ae_title: Mapped[str] = mapped_column(String(16))
    instances: Mapped[list[list[str]]] = mapped_column(JSON)  # [SOP Class UID, SOP Instance UID]
    asked: Mapped[datetime] = mapped_column(UTCDateTime)
    reported: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    # When to report next; None: the peer has taken the report, or cannot be told, and is not called any more.
    not_before: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    __table_args__ = (UniqueConstraint("peer", "transaction_uid"),)


class ProcedureStep(Base):
    """A Modality Performed Procedure Step (PS3.4 annex F): which images its modality says that it has made."""

    __tablename__ = "procedure_steps"
    sop_instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(16))  # IN PROGRESS, COMPLETED or DISCONTINUED
    priority: Mapped[str] = mapped_column(String(16), default="")  # Requested Procedure Priority (0040,1003)
    sop_instance_uids: Mapped[list[str]] = mapped_column(JSON, default=list)
    updated: Mapped[datetime] = mapped_column(UTCDateTime)


class AvailableInstances(Base):
    """An Instance Availability Notification (PS3.4 annex R): which instances of a study exist."""

    __tablename__ = "available_instances"
    sop_instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(String(64), index=True)
    sop_instance_uids: Mapped[list[str]] = mapped_column(JSON, default=list)
    updated: Mapped[datetime] = mapped_column(UTCDateTime)


class Sender(Base):
    """How one sender has paused between the images of a study: readiness learns its quiet time from it."""

    __tablename__ = "senders"
    calling_ae_title: Mapped[str] = mapped_column(String(16), primary_key=True)
    # The longest pauses (seconds) within each of the last studies, the newest last.
    pauses: Mapped[list[float]] = mapped_column(JSON, default=list)
    updated: Mapped[datetime] = mapped_column(UTCDateTime)
