"""Route: which apps a study concerns, on which series, and the jobs that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.run import Setting, analysis_of, app_manifest, merged_settings
from deploy.node.config import NodeConfig
from deploy.node.database import Database, Job, JobState
from deploy.node.database import Study as StudyRow
from deploy.node.events import record
from deploy.node.jobs import take_back_outdated
from deploy.node.readiness import Readiness, ReadyStudy
from operators.manifest import Manifest
from operators.read.selection import Selection, is_accepted, missing_roles, select_series
from operators.read.study import Study


@dataclass(frozen=True)
class RoutedApp:
    """An app that the node runs: its manifest, and its settings with the site's own values in their place."""

    manifest: Manifest
    settings: Mapping[str, Setting]


@dataclass(frozen=True)
class _Concern:
    """An app that accepts a study: the series it chose, and its input."""

    name: str
    app: RoutedApp
    selection: Selection
    sop_instance_uids: tuple[str, ...]
    input_digest: str


def routed_apps(config: NodeConfig) -> dict[str, RoutedApp]:
    """Load the manifest of every configured app. Raises ``UnknownAppError``, ``ManifestError`` or ``ValueError``."""
    manifests = {name: app_manifest(name) for name in config.apps}
    return {
        name: RoutedApp(manifest, merged_settings(manifest, config.apps[name].settings))
        for name, manifest in manifests.items()
    }


def decide(database: Database, readiness: Readiness, apps: Mapping[str, RoutedApp]) -> tuple[int, ...]:
    """Decide over every study that is ready now; return the new jobs' ids. One study's trouble stops no other."""
    jobs: list[int] = []
    for ready in readiness.ready_studies():
        try:
            jobs += route_study(database, ready, apps)
        # Whatever is wrong with this study or with us, the others are to be decided over.
        except Exception as error:
            readiness.failed(ready.study_instance_uid, error)
    return tuple(jobs)


def route_study(database: Database, ready: ReadyStudy, apps: Mapping[str, RoutedApp]) -> tuple[int, ...]:
    """Decide over a ready study: one job for each app that it concerns, or an outcome that says why there is none.

    All in one transaction: the study counts as decided only together with its jobs. An input that has a job already
    gets no second one. If an image came since readiness looked, nothing is decided. Returns the ids of the jobs
    to be run.
    """
    now = datetime.now(timezone.utc)
    concerns = _concerns(ready.study, apps, now) if ready.study is not None else ()
    with database.write() as session:
        row = session.get_one(StudyRow, ready.study_instance_uid)
        if row.decided is not None or row.last_received != ready.last_received:
            return ()
        row.decided = now
        record(session, "ready", ready.why, study=ready.study_instance_uid)
        if ready.study is not None:
            _record_unreadable(session, ready.study)
        if concerns:
            jobs = [_add_job(session, row, concern, now) for concern in concerns]
            return tuple(job.id for job in jobs if job is not None)
        # A study that has results already keeps its outcome, whatever comes later without concerning any app.
        if not row.jobs:
            row.outcome = f"not analysed: {_why_not(ready, apps)}"
            record(session, "not-analysed", row.outcome, study=ready.study_instance_uid)
        return ()


def _concerns(study: Study, apps: Mapping[str, RoutedApp], now: datetime) -> tuple[_Concern, ...]:
    found = []
    for name, app in apps.items():
        if not is_accepted(study, app.manifest):
            continue
        selection = select_series(study, app.manifest)
        # Where nothing suits the app gets everything, and reports in the study why it refuses.
        uids = selection.sop_instance_uids or tuple(instance.sop_instance_uid for instance in study.instances)
        analysis = analysis_of(app.manifest, study, selection, settings=app.settings, started=now)
        found.append(_Concern(name, app, selection, tuple(map(str, uids)), analysis.input_digest))
    return tuple(found)


def _add_job(session: Session, study: StudyRow, concern: _Concern, now: datetime) -> Job | None:
    _record_selection(session, study.study_instance_uid, concern)
    known = session.scalars(select(Job).where(Job.input_digest == concern.input_digest)).one_or_none()
    if known is not None:
        if take_back_outdated(session, known):
            return known
        record(
            session,
            "same-input",
            f"{concern.name} has job {known.id} ({known.state.value}) for this very input: no second one",
            study=study.study_instance_uid,
            job=known.id,
        )
        return None
    job = Job(
        study_instance_uid=study.study_instance_uid,
        app=concern.name,
        app_version=concern.app.manifest.application.version,
        input_digest=concern.input_digest,
        sop_instance_uids=list(concern.sop_instance_uids),
        state=JobState.QUEUED,
        started=now,
    )
    # What was said of the study before this job is over; its outcome is still to come.
    if not study.jobs:
        study.outcome = ""
    session.add(job)
    session.flush()
    record(
        session,
        "queued",
        f"job {job.id}: {concern.name} {job.app_version} on {len(job.sop_instance_uids)} instances",
        study=study.study_instance_uid,
        job=job.id,
    )
    return job


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
    if ready.refused is not None:
        return str(ready.refused)
    if ready.study is None:
        return "the study holds nothing but results of this product"
    if not apps:
        return "no application is configured"
    held = ", ".join(f"{series.description} ({series.header.get('Modality', '?')})" for series in ready.study.series)
    wanted = "; ".join(f"{name} accepts {app.manifest.accepts.strip()}" for name, app in apps.items())
    return f"no application accepts the study with the series {held}; {wanted}"
