"""A folder with any files: its studies, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.inspect.apps import inspect_apps
from deploy.inspect.file_names import file_name_text
from deploy.inspect.report import FolderReport, PatientReport, Refusal, StudyReport, UnreadableReport
from deploy.inspect.series import inspect_series
from deploy.inspect.tiles import Pictures
from operators.read.attributes import MalformedAttributeError, text
from operators.read.files import files_of
from operators.read.instance import InstanceReader
from operators.read.study import Study, UnreadableFile, read_study
from operators.refused import Refused


@dataclass
class Inspection:
    """What is known of a folder.

    ``pictures`` are (title, pictures) of each series, or of a study that is refused, in the order of the report.
    """

    report: FolderReport
    pictures: list[tuple[str, Pictures]] = field(default_factory=list)


def inspect_folder(folder: Path, apps: Sequence[str], *, with_patient: bool = False) -> Inspection:
    """Inspect every study in a folder (or of one file). ``apps`` are names of installed apps.

    Raises ``ManifestError`` or ``UnknownAppError``; never because of the folder's files.
    """
    studies: list[StudyReport] = []
    pictures: list[tuple[str, Pictures]] = []
    found, unreadable = _studies(folder)
    for place, study in enumerate(found, start=1):
        prefix = f"study {place}: " if len(found) > 1 else ""
        if isinstance(study, StudyReport):
            studies.append(study)
            pictures.append((f"{prefix}{_refused('study', study.refusal)}", Pictures()))
            continue
        inspected = [inspect_series(series) for series in study.series]
        studies.append(
            StudyReport(
                study_instance_uid=str(study.study_instance_uid),
                date=_text(study, "StudyDate"),
                description=_text(study, "StudyDescription"),
                patient=_patient(study) if with_patient else None,
                series=tuple(report for report, _ in inspected),
                apps=inspect_apps(study, apps),
            )
        )
        pictures += [(prefix + _refused(report.description, report.refusal), shown) for report, shown in inspected]
    report = FolderReport(
        folder=file_name_text(str(folder)),
        studies=tuple(studies),
        unreadable=tuple(
            UnreadableReport(path=_relative(file.path, folder), problem=file.problem) for file in unreadable
        ),
    )
    return Inspection(report, pictures)


def _refused(title: str, refusal: Refusal | None) -> str:
    return title if refusal is None else f"{title} (refused: {refusal.reason})"


def _studies(folder: Path) -> tuple[list[Study | StudyReport], list[UnreadableFile]]:
    """The studies of a folder; those that cannot be taken for one study as a report that says why."""
    try:
        study = read_study(folder)
    except Refused:
        return _one_by_one(folder)
    return [study], list(study.unreadable)


def _one_by_one(folder: Path) -> tuple[list[Study | StudyReport], list[UnreadableFile]]:
    """Sort the files into studies first: slower, but one study's trouble is not the others'."""
    members: dict[str, list[Path]] = {}
    unreadable: list[UnreadableFile] = []
    reader = InstanceReader()
    for path in files_of(folder, lambda path, problem: unreadable.append(UnreadableFile(path, problem))):
        read = reader.read(path)
        if isinstance(read, UnreadableFile):
            unreadable.append(read)
        elif read is not None:
            members.setdefault(read.study_instance_uid, []).append(path)
    studies: list[Study | StudyReport] = []
    for uid, paths in sorted(members.items()):
        try:
            studies.append(read_study(paths))
        except Refused as refused:
            refusal = Refusal(reason=refused.reason.value, detail=file_name_text(refused.detail))
            studies.append(StudyReport(study_instance_uid=uid, refusal=refusal))
    return studies, unreadable


def _relative(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder) if path.is_relative_to(folder) and path != folder else Path(path.name)
    return file_name_text(str(relative))


def _patient(study: Study) -> PatientReport:
    return PatientReport(
        name=_text(study, "PatientName"),
        identifier=_text(study, "PatientID"),
        birth_date=_text(study, "PatientBirthDate"),
        sex=_text(study, "PatientSex"),
    )


def _text(study: Study, keyword: str) -> str:
    try:
        return text(study.header, keyword) or ""
    except MalformedAttributeError:
        return ""
