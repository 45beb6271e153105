"""Read the headers of a study: every instance of a folder, sorted into series, pixels left on disk."""

from __future__ import annotations

import filecmp
import gc
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from operators.read.attributes import MalformedAttributeError, text
from operators.read.files import files_of
from operators.read.instance import Identified, Instance, InstanceReader, UnreadableFile, instance_name, number
from operators.refused import Reason, Refused

__all__ = [
    "Instance",
    "Series",
    "Study",
    "UnreadableFile",
    "instance_name",
    "newest_first",
    "read_priors",
    "read_study",
]


@dataclass(frozen=True)
class Series:
    """The instances of one series, in order of Instance Number, then SOP Instance UID."""

    series_instance_uid: UID
    instances: tuple[Instance, ...]

    @property
    def header(self) -> Dataset:
        """The header of the first instance: for attributes that are the same in the whole series."""
        return self.instances[0].header

    @property
    def description(self) -> str:
        """Series number and description, as a person would name the series."""
        found = number(self.header, "SeriesNumber")
        description = _text(self.header, "SeriesDescription") or "(no description)"
        return f"{found} {description}" if found is not None else description


@dataclass(frozen=True)
class Study:
    """All series of one study, in order of Series Number, then Series Instance UID."""

    study_instance_uid: UID
    series: tuple[Series, ...]
    unreadable: tuple[UnreadableFile, ...] = ()

    @property
    def header(self) -> Dataset:
        """The header of the first instance: for patient and study attributes."""
        return self.series[0].header

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance of the study."""
        return tuple(instance for series in self.series for instance in series.instances)


def read_study(source: Path | Iterable[Path]) -> Study:
    """Read the headers of every file in a folder (recursively), or of the files given.

    A file that is not a readable DICOM instance, a folder that may not be read and a link to a folder are recorded in
    ``unreadable`` and never stop the others; a DICOMDIR is passed over. An instance that is there twice with the same
    bytes is kept once. No file stays open. What is read without the preamble of a DICOM file, :class:`HeaderReader`
    says.

    Raises :class:`Refused` with ``NO_READABLE_INSTANCE``, ``SEVERAL_STUDIES``, ``SEVERAL_PATIENTS``, or
    ``CONFLICTING_INSTANCES`` when two different files claim the same SOP Instance UID.
    """
    instances: dict[UID, Identified] = {}
    unreadable: list[UnreadableFile] = []
    reader = InstanceReader()
    files = 0
    with _without_collector():
        for path in files_of(source, lambda path, problem: unreadable.append(UnreadableFile(path, problem))):
            files += 1
            read = reader.read(path)
            if isinstance(read, UnreadableFile):
                unreadable.append(read)
            elif read is not None and (known := instances.setdefault(read.sop_instance_uid, read)) is not read:
                _refuse_different_copies(known.instance, read.instance)
    if not instances:
        shown = "; ".join(f"{file.path.name}: {file.problem}" for file in unreadable[:3])
        raise Refused(Reason.NO_READABLE_INSTANCE, f"{files} files{', e.g. ' + shown if shown else ''}")
    return Study(
        study_instance_uid=_only_study(instances.values()),
        series=_series(instances.values()),
        unreadable=tuple(unreadable),
    )


def read_priors(folder: Path | None) -> tuple[Study, ...]:
    """Read the earlier studies in a folder that holds one folder for each, the newest first; none without a folder.

    Raises :class:`Refused` like :func:`read_study`.
    """
    return newest_first([read_study(each) for each in sorted(folder.iterdir())] if folder is not None else [])


def newest_first(studies: Iterable[Study]) -> tuple[Study, ...]:
    """Return studies by Study Date and Time, the newest first; those without a date last."""
    return tuple(
        sorted(
            studies,
            key=lambda study: (
                _text(study.header, "StudyDate") or "",
                _text(study.header, "StudyTime") or "",
                study.study_instance_uid,
            ),
            reverse=True,
        )
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Spare the garbage collector what is being read: it would look through it again and again, and all of it stays."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _series(instances: Iterable[Identified]) -> tuple[Series, ...]:
    members: dict[UID, list[Identified]] = {}
    for found in instances:
        members.setdefault(found.series_instance_uid, []).append(found)
    series = [
        Series(series_uid, tuple(found.instance for found in sorted(group, key=lambda found: found.order)))
        for series_uid, group in members.items()
    ]
    return tuple(sorted(series, key=_series_order))


def _refuse_different_copies(known: Instance, copy: Instance) -> None:
    if not filecmp.cmp(known.path, copy.path, shallow=False):
        raise Refused(
            Reason.CONFLICTING_INSTANCES,
            f"the files {known.path.name} and {copy.path.name} differ and both claim to be the instance "
            f"{known.sop_instance_uid}",
        )


def _only_study(instances: Collection[Identified]) -> UID:
    studies = {found.study_instance_uid for found in instances}
    if len(studies) > 1:
        raise Refused(Reason.SEVERAL_STUDIES, f"{len(studies)} studies: {', '.join(sorted(studies))}")
    patients = Counter(found.patient for found in instances)
    study = studies.pop()
    if len(patients) > 1:
        usual = patients.most_common(1)[0][0]
        others = sorted(found.instance.path.name for found in instances if found.patient != usual)
        raise Refused(
            Reason.SEVERAL_PATIENTS,
            f"{len(patients)} different patient identifiers within study {study}: {len(others)} of {len(instances)} "
            f"instances do not have that of most, e.g. the file {others[0]}",
        )
    return study


def _text(header: Dataset, keyword: str) -> str | None:
    try:
        return text(header, keyword)
    # Likewise: a description serves for naming only.
    except MalformedAttributeError:
        return None


def _series_order(series: Series) -> tuple[bool, int, str]:
    found = number(series.header, "SeriesNumber")
    return found is None, found or 0, series.series_instance_uid
