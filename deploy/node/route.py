"""Route: which apps a study concerns, on which series, and the jobs that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.run import analysis_of
from deploy.node.database import AppDecision, Database, Job, JobState, PriorStudy
from deploy.node.database import Study as StudyRow
from deploy.node.events import record
from deploy.node.index import instance_files
from deploy.node.jobs import supersede_queued, take_back_outdated
from deploy.node.priority import why_stat
from deploy.node.readiness import Readiness, ReadyStudy, learn_pauses
from deploy.node.replacing import latest_job, put_last
from deploy.node.routed_app import RoutedApp, routed_apps
from operators.read.selection import Selection, missing_roles, select_series
from operators.read.study import Study

__all__ = ["RoutedApp", "decide", "route_study", "routed_apps"]


@dataclass(frozen=True)
class _Concern:
    """An app that accepts a study: the series it chose, its input, and why its job goes before others, if so."""

    name: str
    app: RoutedApp
    selection: Selection
    sop_instance_uids: tuple[str, ...]
    input_digest: str
    why_stat: str


def decide(database: Database, readiness: Readiness, apps: Mapping[str, RoutedApp]) -> tuple[int, ...]:
    """Decide over every study that is ready now; return the new jobs' ids. One study's trouble stops no other."""
    jobs: list[int] = []
    for ready in readiness.look():
        try:
            jobs += route_study(database, ready, apps)
        # Whatever is wrong with this study or with us, the others are to be decided over.
        except Exception as error:
            readiness.failed(ready.study_instance_uid, error)
    return tuple(jobs)


def route_study(database: Database, ready: ReadyStudy, apps: Mapping[str, RoutedApp]) -> tuple[int, ...]:
    """Decide over a study for the apps that are ready: one job for each of them that it concerns.

    All in one transaction: an app counts as decided only together with its job. An input that has a job already gets
    no second one. Once every app has decided, a study that concerned none gets an outcome that says why. If an image
    came since readiness looked, nothing is decided. Returns the ids of the jobs to be run.
    """
    now = datetime.now(timezone.utc)
    concerns = _concerns(ready, apps, now)
    with database.write() as session:
        row = session.get_one(StudyRow, ready.study_instance_uid)
        if row.decided is not None or row.revision != ready.revision:
            return ()
        _record_decisions(session, ready, now)
        here = ready.contents.sop_instance_uids
        jobs = [_add_job(session, row, concern, here, now) for concern in concerns]
        if not ready.waiting:
            _conclude(session, row, ready, apps, now)
        return tuple(job.id for job in jobs if job is not None)


def _concerns(ready: ReadyStudy, apps: Mapping[str, RoutedApp], now: datetime) -> tuple[_Concern, ...]:
    study = ready.contents.study
    if study is None or ready.prior_of is not None:
        return ()
    found = []
    for name in ready.apps:
        selection = ready.contents.selections.get(name)
        if selection is None:
            continue
        app = apps[name]
        if name in ready.priors:
            selection = select_series(study, app.manifest, ready.priors[name].studies)
        # Where nothing suits the app gets everything, and reports in the study why it refuses.
        uids = selection.sop_instance_uids or tuple(instance.sop_instance_uid for instance in study.instances)
        analysis = analysis_of(app.manifest, study, selection, settings=app.settings, started=now)
        urgent = why_stat(study, ready.priorities, app.stat_when)
        found.append(_Concern(name, app, selection, tuple(map(str, uids)), analysis.input_digest, urgent))
    return tuple(found)


def _record_decisions(session: Session, ready: ReadyStudy, now: datetime) -> None:
    """Keep for which apps it is decided now, each with its evidence."""
    uid = ready.study_instance_uid
    for name, judgement in ready.apps.items():
        decision = session.get(AppDecision, (uid, name)) or AppDecision(study_instance_uid=uid, app=name)
        decision.revision, decision.decided = ready.revision, now
        session.add(decision)
        text = f"{name}: {judgement.why}" if name else judgement.why
        if name in ready.priors and ready.priors[name].problem:
            text = f"{text}; {ready.priors[name].problem}"
        record(session, "ready", text, study=uid, app=name, evidence=judgement.as_data())


def _conclude(session: Session, row: StudyRow, ready: ReadyStudy, apps: Mapping[str, RoutedApp], now: datetime) -> None:
    """Every app has decided."""
    row.decided = now
    contents = ready.contents
    counts = [count.instances for judgement in ready.apps.values() for count in judgement.evidence.counts]
    row.expected_instances = max(counts, default=row.expected_instances)
    learn_pauses(session, ready.pauses)
    if contents.study is not None:
        _record_unreadable(session, contents.study)
    # A study that has results already keeps its outcome, whatever comes later without concerning any app.
    session.flush()
    if session.scalar(select(Job.id).where(Job.study_instance_uid == row.study_instance_uid).limit(1)) is not None:
        return
    row.outcome = f"not analysed: {_why_not(ready, apps)}"
    record(session, "not-analysed", row.outcome, study=row.study_instance_uid)


def _add_job(session: Session, study: StudyRow, concern: _Concern, here: Collection[str], now: datetime) -> Job | None:
    _record_selection(session, study.study_instance_uid, concern)
    known = session.scalars(select(Job).where(Job.input_digest == concern.input_digest)).one_or_none()
    if known is not None:
        if take_back_outdated(session, known):
            put_last(session, known)
            return known
        record(
            session,
            "same-input",
            f"{concern.name} has job {known.id} ({known.state.value}) for this very input: no second one",
            study=study.study_instance_uid,
            job=known.id,
        )
        return None
    replaced = _job_on_less(session, study, concern, here)
    job = Job(
        study_instance_uid=study.study_instance_uid,
        app=concern.name,
        app_version=concern.app.manifest.application.version,
        input_digest=concern.input_digest,
        sop_instance_uids=list(concern.sop_instance_uids),
        state=JobState.QUEUED,
        started=now,
        stat=bool(concern.why_stat),
        replaces_job_id=replaced.id if replaced is not None else None,
    )
    # What was said of the study before this job is over; its outcome is still to come.
    if not study.jobs:
        study.outcome = ""
    session.add(job)
    session.flush()
    said = f"job {job.id}: {concern.name} {job.app_version} on {len(job.sop_instance_uids)} instances"
    if replaced is not None:
        said += f", in place of job {replaced.id} ({replaced.state.value})"
        supersede_queued(session, replaced)
    if concern.why_stat:
        said += f"; STAT, as {concern.why_stat}"
    record(session, "queued", said, study=study.study_instance_uid, job=job.id, replaces=job.replaces_job_id)
    return job


def _job_on_less(session: Session, study: StudyRow, concern: _Concern, here: Collection[str]) -> Job | None:
    """Return the app's latest job on the study if the new one is to replace it.

    Where images of that job are gone, as after retention, what came late is less and not more: it replaces nothing.
    """
    latest = latest_job(session, study.study_instance_uid, concern.name)
    if latest is None:
        return None
    gone = set(latest.sop_instance_uids).difference(here, concern.sop_instance_uids)
    asked = select(PriorStudy.prior_study_instance_uid).where(PriorStudy.study_instance_uid == study.study_instance_uid)
    for prior in session.scalars(asked).all() if gone else ():
        gone.difference_update(instance_files(session, prior))
    return None if gone else latest


def _record_selection(session: Session, study_instance_uid: str, concern: _Concern) -> None:
    inputs = concern.app.manifest.inputs
    chosen = concern.selection.series
    parts = [
        f"{role.title} is {chosen[name].description}" if name in chosen else f"no {role.title}"
        for name, role in inputs.items()
    ]
    lacking = missing_roles(concern.selection, concern.app.manifest)
    record(
        session,
        "selected",
        f"{concern.name}: {', '.join(parts)}" + (f"; {lacking}" if lacking else ""),
        study=study_instance_uid,
        app=concern.name,
        decisions=[asdict(decision) for decision in concern.selection.decisions],
    )


def _record_unreadable(session: Session, study: Study) -> None:
    for file in study.unreadable:
        record(
            session,
            "unreadable-instance",
            f"{file.path.name} is left out: {file.problem}",
            study=str(study.study_instance_uid),
        )


def _why_not(ready: ReadyStudy, apps: Mapping[str, RoutedApp]) -> str:
    study = ready.contents.study
    if ready.prior_of is not None:
        return f"it was only fetched as an earlier study, to compare {ready.prior_of.study_instance_uid} with"
    if ready.contents.refused is not None:
        return str(ready.contents.refused)
    if study is None:
        return "the study holds nothing but results of this product"
    if not apps:
        return "no application is configured"
    held = ", ".join(f"{series.description} ({series.header.get('Modality', '?')})" for series in study.series)
    wanted = "; ".join(f"{name} accepts {app.manifest.accepts.strip()}" for name, app in apps.items())
    return f"no application accepts the study with the series {held}; {wanted}"
