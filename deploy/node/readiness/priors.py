"""Earlier studies of the patient, for apps that compare: found in an archive, fetched, and kept from being analysed.

A study that only came because it was asked for as a prior makes no job of its own, or each new study would have all
earlier ones analysed again. It is one of those if its first image came after it was asked for and all of its images
came from that archive; whoever else sends it, or more of it, has it analysed as any other.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from sqlalchemy import func, select

from deploy.node.config import PriorsConfig
from deploy.node.database import Database, Instance, PriorStudy
from deploy.node.events import record
from deploy.node.index import instance_files
from deploy.node.query import FoundStudy
from deploy.node.readiness.archives import ArchiveServices
from deploy.node.readiness.told import PriorOf
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool
from operators.read.attributes import MalformedAttributeError, text
from operators.read.study import Study, newest_first, read_study
from operators.refused import Refused

if TYPE_CHECKING:
    from operators.read.selection import Selection

_INDEX_SECONDS = 10.0
_POLL_SECONDS = 0.1
"""How long images that an archive has sent may take into the index, and how often to look."""


@dataclass(frozen=True)
class PriorStudies:
    """The earlier studies that are here, the newest first; ``problem`` says in a sentence what went wrong."""

    studies: tuple[Study, ...] = ()
    problem: str = ""


def wants_priors(app: RoutedApp) -> bool:
    """Return whether the app has a role that an earlier study plays."""
    return any(role.origin == "prior" for role in app.manifest.inputs.values())


def bring_priors(
    database: Database,
    services: ArchiveServices,
    config: PriorsConfig,
    uid: str,
    patient_id: str,
    selection: Selection,
    header: Dataset,
) -> None:
    """Find the earlier studies of a study's patient, say that they are priors, and have them fetched.

    Those of the modalities that the app has chosen, the newest ``maximum_studies`` of them, none that is more than
    ``maximum_age_days`` older. Raises what the archive's services raise. May be called again after a kill.
    """
    if not patient_id:
        return
    modalities = sorted({_text(series.header, "Modality") for series in selection.series.values()} - {""})
    found = services.find_earlier(config.archive, patient_id, modalities)
    chosen = earlier_studies(found, uid, _text(header, "StudyDate"), config)
    with database.write() as session:
        for study in chosen:
            if session.get(PriorStudy, (uid, study.study_instance_uid)) is None:
                archive = services.ae_titles[config.archive]
                session.add(
                    PriorStudy(
                        study_instance_uid=uid,
                        prior_study_instance_uid=study.study_instance_uid,
                        archive=archive,
                        asked=datetime.now(timezone.utc),
                    )
                )
        told = f"{len(chosen)} earlier studies of the patient are fetched from {config.archive} for comparison"
        record(session, "priors", told, study=uid, studies=[study.study_instance_uid for study in chosen])
    for study in chosen:
        services.fetch(config.archive, study.study_instance_uid)
        _wait_for_index(database, study)


def earlier_studies(
    found: Iterable[FoundStudy], uid: str, study_date: str, config: PriorsConfig
) -> Sequence[FoundStudy]:
    """Return the studies that are earlier than the one of ``uid`` and not too old, the newest first.

    By Study Date (0008,0020), YYYYMMDD: one without a date, or of the same day, is not known to be earlier.
    """
    own = _date(study_date)
    if own is None:
        return ()
    oldest = own - timedelta(days=config.maximum_age_days) if config.maximum_age_days is not None else date.min
    earlier = [
        (made, study)
        for study in found
        if study.study_instance_uid != uid and (made := _date(study.study_date)) is not None and oldest <= made < own
    ]
    newest = sorted(earlier, key=lambda each: (each[0], each[1].study_instance_uid), reverse=True)
    return [study for _, study in newest[: config.maximum_studies]]


def read_priors(database: Database, spool: Spool, uid: str, problem: str) -> PriorStudies:
    """Return the earlier studies of a study that are here; one that cannot be read is told of and left out."""
    with database.read() as session:
        asked = select(PriorStudy.prior_study_instance_uid).where(PriorStudy.study_instance_uid == uid)
        files = {prior: instance_files(session, prior) for prior in session.scalars(asked)}
    problems = [problem] if problem else []
    studies = []
    for prior, paths in files.items():
        if not paths:
            problems.append(f"nothing has come of the earlier study {prior}")
            continue
        try:
            studies.append(read_study([spool.folder / path for path in paths.values()]))
        except Refused as refused:
            problems.append(f"the earlier study {prior} is left out: {refused}")
    return PriorStudies(newest_first(studies), "; ".join(problems))


def fetched_as_prior(asked: Iterable[PriorOf], first_received: datetime, senders: Collection[str]) -> PriorOf | None:
    """Return for which study this one was fetched, if that is the only reason why it is here."""
    only = (each for each in asked if each.asked <= first_received and set(senders) <= {each.archive})
    return next(only, None)


def _wait_for_index(database: Database, study: FoundStudy) -> None:
    """What comes by C-MOVE is indexed by the receiver: a moment later than the archive says that it has sent it."""
    end = time.monotonic() + _INDEX_SECONDS
    count = select(func.count()).where(Instance.study_instance_uid == study.study_instance_uid)
    while study.instances is not None and time.monotonic() < end:
        with database.read() as session:
            if (session.scalar(count) or 0) >= study.instances:
                return
        time.sleep(_POLL_SECONDS)


def _date(value: str) -> date | None:
    try:
        return datetime.strptime(value, "%Y%m%d").date()
    except ValueError:
        return None


def _text(header: Dataset, keyword: str) -> str:
    try:
        return text(header, keyword) or ""
    # What cannot be read is not known.
    except MalformedAttributeError:
        return ""
