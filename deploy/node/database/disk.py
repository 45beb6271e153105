"""How much room there was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from deploy.node.database.base import Base, UTCDateTime


class DiskSample(Base):
    """How many bytes were free at a time: the time to full follows from those of the last day."""

    __tablename__ = "disk_samples"
    at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    free: Mapped[int] = mapped_column(BigInteger)
