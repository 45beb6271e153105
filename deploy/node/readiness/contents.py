"""What is here of a study: its headers, read once for each set of images, and what apps make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from deploy.node.database import Database, Delivery, Instance, Job
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool
from operators.read.geometry.slice_geometry import missing_slices
from operators.read.instance import number
from operators.read.selection import Selection, is_accepted, is_own_result, select_series
from operators.read.study import Series, Study, read_study
from operators.refused import Refused


@dataclass(frozen=True, eq=False)
class Contents:
    """The images that are here, at one revision of a study.

    ``study`` holds them without results of this product; None when only such results are there or when it cannot be
    read: ``refused`` says why. ``results`` is how many of our own were sent and have not come back. ``selections`` are
    those of the apps that accept the study, ``lacking`` sentences on what the series that each of them chose lack.
    ``arrivals`` are sender and time of each image; ``stated`` is Number of Study Related Instances (0020,1208), where
    the headers have it.
    """

    study: Study | None
    refused: Refused | None
    sop_instance_uids: frozenset[str]
    results: int
    arrivals: tuple[tuple[str, datetime], ...]
    selections: Mapping[str, Selection]
    lacking: Mapping[str, tuple[str, ...]]
    stated: int | None

    @property
    def senders(self) -> frozenset[str]:
        """The calling AE titles of those who sent the images."""
        return frozenset(sender for sender, _ in self.arrivals)


def read_contents(database: Database, spool: Spool, uid: str, apps: Mapping[str, RoutedApp]) -> Contents:
    """Read the headers of what is here of a study, and have each app choose its series."""
    query = (
        select(Instance.sop_instance_uid, Instance.path, Instance.calling_ae_title, Instance.received)
        .where(Instance.study_instance_uid == uid, Instance.conflicting.is_(False))
        .order_by(Instance.id)
    )
    sent = select(Delivery.sop_instance_uid).join(Job)
    with database.read() as session:
        rows = session.execute(query).all()
        results = set(session.scalars(sent.where(Job.study_instance_uid == uid, Delivery.delivered.is_not(None))))
    here = frozenset(row.sop_instance_uid for row in rows)
    contents = Contents(
        study=None,
        refused=None,
        sop_instance_uids=here,
        results=len(results - here),
        arrivals=tuple((row.calling_ae_title, row.received) for row in rows),
        selections={},
        lacking={},
        stated=None,
    )
    try:
        study = read_study([spool.folder / row.path for row in rows])
    except Refused as refused:
        return replace(contents, refused=refused)
    foreign = tuple(series for series in study.series if not is_own_result(series.header))
    if not foreign:
        return contents
    study = replace(study, series=foreign)
    selections = {
        name: select_series(study, app.manifest) for name, app in apps.items() if is_accepted(study, app.manifest)
    }
    lacks = {
        series.series_instance_uid: _lacks(series)
        for selection in selections.values()
        for series in selection.series.values()
    }
    told = (number(series.header, "NumberOfStudyRelatedInstances") for series in foreign)
    stated = [count for count in told if count is not None]
    return replace(
        contents,
        study=study,
        selections=selections,
        lacking={
            name: tuple(
                sentence for series in selection.series.values() for sentence in lacks[series.series_instance_uid]
            )
            for name, selection in selections.items()
        },
        stated=max(stated, default=None),
    )


def _lacks(series: Series) -> tuple[str, ...]:
    """Return in sentences what a series lacks between its slices, and of its acquisitions."""
    found = []
    count = missing_slices(series)
    if count:
        found.append(f"series {series.description} lacks {count} {'slice' if count == 1 else 'slices'}")
    absent = _absent_of_acquisitions(series)
    if absent and not count:
        found.append(f"series {series.description} lacks {absent} of the images that its acquisition resulted in")
    return tuple(found)


def _absent_of_acquisitions(series: Series) -> int:
    """Return how many images are absent by Images in Acquisition (0020,1002), PS3.3 C.7.6.1."""
    if number(series.header, "ImagesInAcquisition") is None:
        return 0
    images: Counter[int | None] = Counter()
    results: dict[int | None, int] = {}
    for instance in series.instances:
        acquisition = number(instance.header, "AcquisitionNumber")
        images[acquisition] += number(instance.header, "NumberOfFrames") or 1
        results[acquisition] = max(results.get(acquisition, 0), number(instance.header, "ImagesInAcquisition") or 0)
    return sum(max(results[acquisition] - images[acquisition], 0) for acquisition in images)
