"""Results on their way, and the state of each destination."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from deploy.node.database.base import Base, UTCDateTime

if TYPE_CHECKING:
    from deploy.node.database.jobs import Job


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
    # When the destination said that it has stored it; delivered as well, unless it has to commit itself, too.
    stored: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    held: Mapped[bool] = mapped_column(default=False)  # there is no destination of this name that could be called
    # Storage commitment (PS3.4 annex J), where the destination has to give it: asked for under which Transaction UID,
    # when, and given when.
    transaction_uid: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    commitment_asked: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    committed: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    job: Mapped[Job] = relationship(back_populates="deliveries")
    __table_args__ = (
        UniqueConstraint("destination", "sop_instance_uid"),
        Index("deliveries_due", "destination", "delivered", "not_before"),
    )


class DestinationState(Base):
    """The circuit breaker of one destination: while ``open_until`` lies ahead nothing is sent."""

    __tablename__ = "destination_states"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    open_until: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    problem: Mapped[str] = mapped_column(Text, default="")
