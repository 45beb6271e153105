"""The log of what happened and why: one row in the database and one line on standard error for each event."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session

from deploy.node.database import Event


class _StandardError:
    """Writes to standard error as it is at that moment, which a program may have redirected.

    Where it cannot be written to, such as a file on a full disk or a pipe that nobody reads any more, the node goes on;
    how many lines that were is told before the next one.
    """

    def __init__(self) -> None:
        self._lost = 0

    def msg(self, line: str) -> None:
        before = f'{{"kind": "lines-lost", "text": "{self._lost} lines could not be written"}}\n' if self._lost else ""
        try:
            # In one piece: print would write the line's end apart, and another thread's line in between.
            sys.stderr.write(f"{before}{line}\n")
            sys.stderr.flush()
            self._lost = 0
        except OSError:
            self._lost += 1

    info = warning = error = msg


_LOG = structlog.wrap_logger(
    _StandardError(),
    processors=[
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("text"),
        structlog.processors.JSONRenderer(default=str),
    ],
    wrapper_class=structlog.BoundLogger,
)


def record(
    session: Session, kind: str, text: str, *, study: str | None = None, job: int | None = None, **data: Any
) -> Event:
    """Add an event to a transaction; the line on standard error follows when it is committed.

    ``kind`` is a short name such as ``"received"`` (at most 32 characters), ``text`` a sentence for people, ``study``
    a Study Instance UID, ``job`` a job's id, ``data`` JSON-compatible facts.
    """
    row = Event(
        at=datetime.now(timezone.utc), kind=kind, study_instance_uid=study, job_id=job, text=text, data=dict(data)
    )
    session.add(row)
    event.listen(session, "after_commit", lambda _: log(kind, text, study=study, job=job, **data), once=True)
    return row


_WARNINGS = frozenset(
    {
        "access",
        "app-failing",
        "association-rejected",
        "certificate-expiring",
        "certificate-unusable",
        "commitment-report-given-up",
        "conflicting-instance",
        "database-unavailable",
        "destination-unreachable",
        "disk-low",
        "failed",
        "file-gone",
        "instance-refused",
        "lease-lost",
        "no-app",
        "no-destination",
        "not-committed",
        "not-ready",
        "not-sent",
        "poison-study",
        "receiver-died",
        "service-refused",
        "torn-file",
        "unreadable-file",
        "unreadable-instance",
    }
)
"""Kinds of event that a person may have to do something about: their lines have the level warning."""


def log(kind: str, text: str, **data: Any) -> None:
    """Write one line to standard error only: for what happens outside the database, or to the database itself."""
    write = _LOG.warning if kind in _WARNINGS else _LOG.info
    write(text, kind=kind, **{key: value for key, value in data.items() if value is not None})


def log_failure(kind: str, text: str, **data: Any) -> None:
    """Write the exception being handled to standard error, with its traceback."""
    _LOG.error(text, kind=kind, exc_info=True, **{key: value for key, value in data.items() if value is not None})


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _LOG.warning(record.getMessage(), kind=record.name, exc_info=record.exc_info)


def forward_warnings(logger_name: str) -> None:
    """Write warnings and errors that a library logs to standard error too, where it would keep them to itself."""
    logger = logging.getLogger(logger_name)
    if not any(isinstance(handler, _Forward) for handler in logger.handlers):
        logger.addHandler(_Forward(logging.WARNING))
