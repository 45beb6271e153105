"""Query SCU: what an archive has (C-FIND, Study Root, PS3.4 annex C)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from pydicom.dataset import Dataset
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind
from pynetdicom.status import QR_FIND_SERVICE_CLASS_STATUS

from deploy.node.query.archive import Archive
from deploy.node.query.requestor import PeerError, associate

SUCCESS = 0x0000
PENDING = (0xFF00, 0xFF01)
"""Matches are continuing; with 0xFF01 without regard to optional keys that the archive does not know."""


@dataclass(frozen=True)
class FoundStudy:
    """A study that an archive has; None and empty are what it has not told.

    ``study_date`` is YYYYMMDD, ``study_time`` HHMMSS.FFFFFF (PS3.5 table 6.2-1).
    """

    study_instance_uid: str
    patient_id: str
    study_date: str
    study_time: str
    description: str
    accession_number: str
    modalities: tuple[str, ...]
    sop_classes: tuple[str, ...]
    instances: int | None


@dataclass(frozen=True)
class FoundSeries:
    """A series that an archive has; None and empty are what it has not told."""

    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    instances: int | None


def find_studies(
    archive: Archive,
    *,
    patient_id: str = "",
    study_instance_uid: str = "",
    accession_number: str = "",
    study_date: str = "",
    modalities: Collection[str] = (),
) -> tuple[FoundStudy, ...]:
    """Return the studies that match every key given, the newest first.

    ``patient_id`` is that of one patient, no pattern: what an archive returns of other patients is left out.
    ``study_date`` is a day (YYYYMMDD) or a range (PS3.4 C.2.2.2.5). A study matches ``modalities`` if it has one of
    them, or if the archive does not tell what it has.

    Raises :class:`ValueError` without any of the first four keys, which would ask for the whole archive, and
    :class:`deploy.node.query.requestor.PeerError`.
    """
    if not (patient_id or study_instance_uid or accession_number or study_date):
        raise ValueError("a query names a patient, a study, an accession number or a date")
    with _finding(archive) as find:
        found = [
            _study(match)
            for match in find(
                "STUDY",
                PatientID=patient_id,
                StudyInstanceUID=study_instance_uid,
                AccessionNumber=accession_number,
                StudyDate=study_date,
                StudyTime="",
                StudyDescription="",
                ModalitiesInStudy="",
                SOPClassesInStudy="",
                NumberOfStudyRelatedInstances="",
            )
        ]
    matching = [
        study
        for study in found
        if (not patient_id or study.patient_id == patient_id.strip())
        and (not modalities or not study.modalities or set(modalities) & set(study.modalities))
    ]
    return tuple(sorted(matching, key=lambda study: (study.study_date, study.study_time), reverse=True))


def find_series(archive: Archive, study_instance_uid: str) -> tuple[FoundSeries, ...]:
    """Return the series of a study, by their numbers. Raises :class:`deploy.node.query.requestor.PeerError`."""
    with _finding(archive) as find:
        return _find_series(find, study_instance_uid)


def find_sop_classes(archive: Archive, study_instance_uid: str, series_instance_uid: str | None = None) -> set[str]:
    """Return the SOP classes of a study's or a series' instances, asked image by image.

    Raises :class:`deploy.node.query.requestor.PeerError`.
    """
    with _finding(archive) as find:
        matches = _find_images(find, study_instance_uid, series_instance_uid, SOPClassUID="")
        return {_text(match, "SOPClassUID") for match in matches} - {""}


def count_instances(archive: Archive, study_instance_uid: str) -> int:
    """Return how many instances of a study the archive has, 0 if none.

    By Number of Study Related Instances (0020,1208), else by Number of Series Related Instances (0020,1209) of each
    series, else, where the archive tells neither, image by image. Raises
    :class:`deploy.node.query.requestor.PeerError`.
    """
    with _finding(archive) as find:
        studies = [
            _study(match)
            for match in find("STUDY", StudyInstanceUID=study_instance_uid, NumberOfStudyRelatedInstances="")
        ]
        if not studies:
            return 0
        if (told := studies[0].instances) is not None:
            return told
        series = [each.instances for each in _find_series(find, study_instance_uid)]
        known = [count for count in series if count is not None]
        if series and len(known) == len(series):
            return sum(known)
        return len({_text(match, "SOPInstanceUID") for match in _find_images(find, study_instance_uid, None)})


class _Find(Protocol):
    def __call__(self, level: str, /, **keys: str) -> list[Dataset]: ...


@contextmanager
def _finding(archive: Archive) -> Iterator[_Find]:
    """One association for several queries."""
    with associate(
        archive.address,
        [build_context(StudyRootQueryRetrieveInformationModelFind)],
        answer_seconds=archive.config.answer_seconds,
    ) as association:

        def find(level: str, /, **keys: str) -> list[Dataset]:
            return _matches(association, archive, level, keys)

        yield find


def _matches(association: Association, archive: Archive, level: str, keys: dict[str, str]) -> list[Dataset]:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    if any(not value.isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    if not association.is_established:
        raise PeerError(f"{archive.address} ended the association")
    matches = []
    for status, match in association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind):
        if "Status" not in status:
            raise PeerError(f"{archive.address} did not answer to a query")
        if status.Status in PENDING:
            if match is None:
                raise PeerError(f"{archive.address} answered to a query with what cannot be read")
            matches.append(match)
        elif status.Status != SUCCESS:
            _, meaning = QR_FIND_SERVICE_CLASS_STATUS.get(status.Status, ("", "unknown status"))
            comment = status.get("ErrorComment") or meaning
            raise PeerError(f"{archive.address} answered to a query with 0x{status.Status:04X}: {comment}")
    return matches


def _find_series(find: _Find, study_instance_uid: str) -> tuple[FoundSeries, ...]:
    found = [
        FoundSeries(
            series_instance_uid=_text(match, "SeriesInstanceUID"),
            modality=_text(match, "Modality"),
            description=_text(match, "SeriesDescription"),
            number=_number(match, "SeriesNumber"),
            instances=_number(match, "NumberOfSeriesRelatedInstances"),
        )
        for match in find(
            "SERIES",
            StudyInstanceUID=study_instance_uid,
            SeriesInstanceUID="",
            Modality="",
            SeriesDescription="",
            SeriesNumber="",
            NumberOfSeriesRelatedInstances="",
        )
    ]
    return tuple(sorted(found, key=lambda series: (series.number or 0, series.series_instance_uid)))


def _find_images(
    find: _Find, study_instance_uid: str, series_instance_uid: str | None, **keys: str
) -> Iterator[Dataset]:
    # A hierarchical query needs the unique keys of the levels above (PS3.4 C.4.1.2.1).
    series = (
        [series_instance_uid]
        if series_instance_uid is not None
        else [each.series_instance_uid for each in _find_series(find, study_instance_uid)]
    )
    for uid in series:
        yield from find("IMAGE", StudyInstanceUID=study_instance_uid, SeriesInstanceUID=uid, SOPInstanceUID="", **keys)


def _study(match: Dataset) -> FoundStudy:
    return FoundStudy(
        study_instance_uid=_text(match, "StudyInstanceUID"),
        patient_id=_text(match, "PatientID"),
        study_date=_text(match, "StudyDate"),
        study_time=_text(match, "StudyTime"),
        description=_text(match, "StudyDescription"),
        accession_number=_text(match, "AccessionNumber"),
        modalities=_texts(match, "ModalitiesInStudy"),
        sop_classes=_texts(match, "SOPClassesInStudy"),
        instances=_number(match, "NumberOfStudyRelatedInstances"),
    )


def _texts(match: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an attribute; none where it is absent or cannot be read, as with an archive that answers amiss."""
    try:
        element = match[keyword]
        values = element.value if element.VM > 1 else [element.value]
    # pydicom decodes a value when it is looked at, and can raise nearly anything over a wrong one.
    except Exception:
        return ()
    return tuple(text for value in values if value is not None and (text := str(value).strip("\0 ")))


def _text(match: Dataset, keyword: str) -> str:
    return next(iter(_texts(match, keyword)), "")


def _number(match: Dataset, keyword: str) -> int | None:
    text = _text(match, keyword)
    return int(text) if text.isascii() and text.isdigit() else None
