"""Results without a job: those in the outbox that the database, made anew or restored, does not know.

Each job's folder in the outbox says in ``job.json`` what it is of. The job is taken over as it was, with the time at
which its analysis was started, and its results are delivered: the same objects, to the byte, where running it again
would make others under the same UIDs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Database, Delivery, Job, JobState, Study
from deploy.node.durable import synchronize_folder
from deploy.node.events import log, record
from deploy.node.jobs import Claim, NewDelivery, describe
from operators.outcome import Outcome
from operators.refused import Reason

FILE_NAME = "job.json"
ASIDE = "outbox.aside"
"""Below the data folder: results that belong to nothing."""


@dataclass(frozen=True)
class _Origin:
    study_instance_uid: str
    app: str
    app_version: str
    input_digest: str
    sop_instance_uids: list[str]
    started: str
    replaces: list[list[str]] | None
    deliveries: list[dict[str, str]]


def save_origin(folder: Path, claim: Claim, app_version: str, deliveries: Sequence[NewDelivery]) -> None:
    """Write into a folder of results what they are of, before it is moved to the outbox."""
    origin = _Origin(
        study_instance_uid=claim.study_instance_uid,
        app=claim.app,
        app_version=app_version,
        input_digest=claim.input_digest,
        sop_instance_uids=list(claim.sop_instance_uids),
        started=claim.started.isoformat(),
        replaces=[list(map(str, asdict(each).values())) for each in claim.replaces] or None,
        deliveries=[asdict(delivery) for delivery in deliveries],
    )
    (folder / FILE_NAME).write_text(json.dumps(asdict(origin)))


def take_over_results(database: Database, outbox: Path) -> int:
    """Make the jobs of results that have none, and return how many; what cannot be taken over is moved aside.

    To be called when the spool is indexed, and before anything is decided over.
    """
    with database.read() as session:
        known = set(session.scalars(select(Job.id)))
    count = 0
    for folder in sorted(outbox.iterdir()) if outbox.is_dir() else ():
        if not folder.name.isdecimal() or int(folder.name) in known:
            continue
        with database.write() as session:
            problem = _take_over(session, folder)
        if problem:
            aside = _move_aside(folder)
            log("results-aside", f"results in {folder} belong to no job: {problem}; they are kept as {aside}")
        else:
            count += 1
    return count


def _take_over(session: Session, folder: Path) -> str:
    """Add the job of a folder; return why it cannot be, if so."""
    try:
        origin = _Origin(**json.loads((folder / FILE_NAME).read_text()))
        outcome = Outcome.load(folder)
    except (OSError, ValueError, TypeError, ValidationError) as error:
        return f"{FILE_NAME} or the outcome cannot be read ({type(error).__name__})"
    study = session.get(Study, origin.study_instance_uid)
    if study is None:
        return f"study {origin.study_instance_uid} is not here"
    if session.scalar(select(Job.id).where(Job.input_digest == origin.input_digest)) is not None:
        return "there is another job for this very input"
    absent = [each["path"] for each in origin.deliveries if not (folder.parent / each["path"]).is_file()]
    if absent:
        return f"{absent[0]} is missing"
    refused = outcome.status == "refused"
    job = Job(
        id=int(folder.name),
        study_instance_uid=origin.study_instance_uid,
        app=origin.app,
        app_version=origin.app_version,
        input_digest=origin.input_digest,
        sop_instance_uids=origin.sop_instance_uids,
        state=JobState.DELIVERING,
        reason=Reason(outcome.reason).value if refused else "",
        detail=outcome.detail if refused else outcome.told,
        attempts=1,
        started=datetime.fromisoformat(origin.started),
        replaces=origin.replaces,
    )
    now = datetime.now(timezone.utc)
    job.deliveries = [Delivery(**each, not_before=now) for each in origin.deliveries]
    session.add(job)
    session.flush()
    study.outcome = f"{job.app}: {describe(job)}"
    record(
        session,
        "taken-over",
        f"{len(job.deliveries)} results of an analysis that was lost from the index are delivered (again)",
        study=job.study_instance_uid,
        job=job.id,
    )
    return ""


def _move_aside(folder: Path) -> Path:
    aside = folder.parent.with_name(ASIDE)
    aside.mkdir(exist_ok=True)
    target = aside / f"{folder.name}-{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"
    folder.rename(target)
    synchronize_folder(aside)
    synchronize_folder(folder.parent)
    return target
