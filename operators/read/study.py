"""Read the headers of a study: every instance of a folder, sorted into series, pixels left on disk."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from operators.read.attributes import MalformedAttributeError, integer, text, uid
from operators.read.header import HeaderReader
from operators.read.reference import MediaStorageDirectoryError, NotAnInstanceError
from operators.refused import Reason, Refused

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True)
class Instance:
    """One DICOM instance: its file and its header (all attributes before the pixel data).

    ``pixel_data_offset`` is the position of the tag of Pixel Data (7FE0,0010), Float or Double Float Pixel Data in the
    file; None when the instance has no pixel data or its whole data set is deflated.
    """

    path: Path
    header: Dataset
    file_meta: FileMetaDataset
    pixel_data_offset: int | None = None

    @property
    def sop_instance_uid(self) -> UID:
        """SOP Instance UID (0008,0018)."""
        return _required_uid(self.header, "SOPInstanceUID")

    @property
    def sop_class_uid(self) -> UID:
        """SOP Class UID (0008,0016)."""
        return _required_uid(self.header, "SOPClassUID")

    @property
    def name(self) -> str:
        """The instance as a person would name it in a message: its number, else its UID."""
        return instance_name(self.header)


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
        number = _number(self.header, "SeriesNumber")
        description = _text(self.header, "SeriesDescription") or "(no description)"
        return f"{number} {description}" if number is not None else description


@dataclass(frozen=True)
class UnreadableFile:
    """A file that is not a readable DICOM instance, and why."""

    path: Path
    problem: str


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


def instance_name(header: Dataset) -> str:
    """Return an instance as a person would name it in a message: its number, else its UID."""
    number = _number(header, "InstanceNumber")
    return f"instance {number if number is not None else _required_uid(header, 'SOPInstanceUID')}"


def read_study(source: Path | Iterable[Path]) -> Study:
    """Read the headers of every file in a folder (recursively), or of the files given.

    A file that is not a readable DICOM instance, a folder that may not be read and a link to a folder are recorded in
    ``unreadable`` and never stop the others; a DICOMDIR is passed over. An instance that is there twice with the same
    bytes is kept once. No file stays open. What is read without the preamble of a DICOM file, :class:`HeaderReader`
    says.

    Raises :class:`Refused` with ``NO_READABLE_INSTANCE``, ``SEVERAL_STUDIES``, ``SEVERAL_PATIENTS``, or
    ``CONFLICTING_INSTANCES`` when two different files claim the same SOP Instance UID.
    """
    instances: dict[str, Instance] = {}
    unreadable: list[UnreadableFile] = []
    reader = HeaderReader()
    files = 0
    for path in _files(source, unreadable):
        files += 1
        read = _read_instance(reader, path)
        if isinstance(read, UnreadableFile):
            unreadable.append(read)
        elif read is not None and (known := instances.setdefault(read.sop_instance_uid, read)) is not read:
            _refuse_different_copies(known, read)
    if not instances:
        shown = "; ".join(f"{file.path.name}: {file.problem}" for file in unreadable[:3])
        raise Refused(Reason.NO_READABLE_INSTANCE, f"{files} files{', e.g. ' + shown if shown else ''}")
    _refuse_several(instances.values())
    members: dict[UID, list[Instance]] = {}
    for instance in instances.values():
        members.setdefault(_required_uid(instance.header, "SeriesInstanceUID"), []).append(instance)
    series = [Series(number, tuple(sorted(group, key=_instance_order))) for number, group in members.items()]
    return Study(
        study_instance_uid=_required_uid(series[0].header, "StudyInstanceUID"),
        series=tuple(sorted(series, key=_series_order)),
        unreadable=tuple(unreadable),
    )


def _files(source: Path | Iterable[Path], unreadable: list[UnreadableFile]) -> Iterable[Path]:
    """Every file, folder by folder; what keeps a folder from being read is added to ``unreadable``."""
    if not isinstance(source, Path):
        yield from source
        return
    if not _is_folder(source):
        yield source
        return

    def note(error: OSError) -> None:
        unreadable.append(UnreadableFile(Path(error.filename), error.strerror or str(error)))

    for folder, subfolders, names in os.walk(source, onerror=note):
        subfolders.sort()
        path = Path(folder)
        # A link may lead anywhere, even back to where it is.
        links = [path / name for name in subfolders if (path / name).is_symlink()]
        unreadable.extend(UnreadableFile(link, "a link to a folder is not followed") for link in links)
        yield from (path / name for name in sorted(names))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    # Reading it will tell what is wrong.
    except OSError:
        return False


def _read_instance(reader: HeaderReader, path: Path) -> Instance | UnreadableFile | None:
    """Read one file; None for a DICOMDIR, the table of contents of a medium (PS3.10 section 8)."""
    try:
        header, pixel_data_offset = reader.read(path)
        absent = [keyword for keyword in _IDENTIFIERS if not _has_uid(header, keyword)]
        if not _has_uid(header.file_meta, "TransferSyntaxUID"):
            absent.append("TransferSyntaxUID")
        # An instance whose patient cannot be told belongs to nobody.
        _patient(header)
    except MediaStorageDirectoryError:
        return None
    except OSError as error:
        problem = error.strerror or str(error)
    except NotAnInstanceError as error:
        problem = str(error)
    # A damaged file can make the parser raise nearly anything; whatever it is, this file cannot be read.
    except Exception as error:
        problem = f"cannot be parsed: {type(error).__name__}: {error}"
    else:
        if not absent:
            return Instance(path, header, header.file_meta, pixel_data_offset)
        problem = f"no valid {', '.join(absent)}: the header is incomplete"
    return None if path.name.upper() == "DICOMDIR" else UnreadableFile(path, problem)


def _refuse_different_copies(known: Instance, copy: Instance) -> None:
    if not filecmp.cmp(known.path, copy.path, shallow=False):
        raise Refused(
            Reason.CONFLICTING_INSTANCES,
            f"the files {known.path.name} and {copy.path.name} differ and both claim to be the instance "
            f"{known.sop_instance_uid}",
        )


def _refuse_several(instances: Iterable[Instance]) -> None:
    studies = {str(uid(instance.header, "StudyInstanceUID")) for instance in instances}
    if len(studies) > 1:
        raise Refused(Reason.SEVERAL_STUDIES, f"{len(studies)} studies: {', '.join(sorted(studies))}")
    patients = {_patient(instance.header) for instance in instances}
    if len(patients) > 1:
        raise Refused(
            Reason.SEVERAL_PATIENTS, f"{len(patients)} different patient identifiers within study {studies.pop()}"
        )


def _patient(header: Dataset) -> tuple[str, str | None]:
    # Names are often spelt differently within one study, so they decide only where there is no identifier.
    identifier = text(header, "PatientID")
    return ("identifier", identifier) if identifier else ("name", text(header, "PatientName"))


def _has_uid(header: Dataset, keyword: str) -> bool:
    try:
        return uid(header, keyword) is not None
    # What is no identifier identifies nothing.
    except MalformedAttributeError:
        return False


def _required_uid(header: Dataset, keyword: str) -> UID:
    found = uid(header, keyword)
    if found is None:
        raise MalformedAttributeError(f"{keyword} is absent")
    return found


def _number(header: Dataset, keyword: str) -> int | None:
    try:
        return integer(header, keyword)
    # A number that cannot be read must not lose the instance: it serves for ordering and naming only.
    except MalformedAttributeError:
        return None


def _text(header: Dataset, keyword: str) -> str | None:
    try:
        return text(header, keyword)
    # Likewise: a description serves for naming only.
    except MalformedAttributeError:
        return None


def _instance_order(instance: Instance) -> tuple[bool, int, str]:
    number = _number(instance.header, "InstanceNumber")
    return number is None, number or 0, instance.sop_instance_uid


def _series_order(series: Series) -> tuple[bool, int, str]:
    number = _number(series.header, "SeriesNumber")
    return number is None, number or 0, series.series_instance_uid
