"""Read the headers of a study: every instance of a folder, sorted into series, pixels left on disk."""

from __future__ import annotations

import filecmp
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from operators.read.attributes import MalformedAttributeError, integer, text
from operators.refused import Reason, Refused

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")

# Tags of Pixel Data, Float and Double Float Pixel Data as they stand in a little endian and in a big endian file.
_PIXEL_DATA_TAGS = frozenset(
    tag
    for element in (0x0010, 0x0008, 0x0009)
    for tag in (struct.pack("<HH", 0x7FE0, element), struct.pack(">HH", 0x7FE0, element))
)

# Most headers fit into one read of this size; Python's default of 8 KiB costs several.
_BUFFER_BYTES = 1 << 16


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
        return UID(self.header.SOPInstanceUID)

    @property
    def sop_class_uid(self) -> UID:
        """SOP Class UID (0008,0016)."""
        return UID(self.header.SOPClassUID)

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
    return f"instance {number}" if number is not None else f"instance {header.SOPInstanceUID}"


def read_study(source: Path | Iterable[Path]) -> Study:
    """Read the headers of every file in a folder (recursively), or of the files given.

    A file that is not a readable DICOM instance is recorded in ``unreadable`` and never stops the others; a file
    named DICOMDIR is passed over. An instance that is there twice with the same bytes is kept once. No file stays
    open.

    Raises :class:`Refused` with ``NO_READABLE_INSTANCE``, ``SEVERAL_STUDIES``, ``SEVERAL_PATIENTS``, or
    ``CONFLICTING_INSTANCES`` when two different files claim the same SOP Instance UID.
    """
    instances: dict[str, Instance] = {}
    unreadable = []
    paths = list(_files(source))
    for path in paths:
        read = _read_instance(path)
        if isinstance(read, UnreadableFile):
            unreadable.append(read)
        elif (known := instances.setdefault(read.sop_instance_uid, read)) is not read:
            _refuse_different_copies(known, read)
    if not instances:
        shown = "; ".join(f"{file.path.name}: {file.problem}" for file in unreadable[:3])
        raise Refused(Reason.NO_READABLE_INSTANCE, f"{len(paths)} files{', e.g. ' + shown if shown else ''}")
    _refuse_several(instances.values())
    members: dict[str, list[Instance]] = {}
    for instance in instances.values():
        members.setdefault(instance.header.SeriesInstanceUID, []).append(instance)
    series = [Series(UID(uid), tuple(sorted(group, key=_instance_order))) for uid, group in members.items()]
    return Study(
        study_instance_uid=UID(series[0].header.StudyInstanceUID),
        series=tuple(sorted(series, key=_series_order)),
        unreadable=tuple(unreadable),
    )


def _files(source: Path | Iterable[Path]) -> Iterable[Path]:
    if not isinstance(source, Path):
        yield from (path for path in source if path.name.upper() != "DICOMDIR")
    elif not source.is_dir():
        yield source
    else:
        for folder, subfolders, names in os.walk(source):
            subfolders.sort()
            yield from (Path(folder) / name for name in sorted(names) if name.upper() != "DICOMDIR")


def _read_instance(path: Path) -> Instance | UnreadableFile:
    try:
        status = path.stat()
        # Opening a named pipe would wait for a writer for ever.
        if not stat.S_ISREG(status.st_mode):
            return UnreadableFile(path, "not a regular file")
        if status.st_size == 0:
            return UnreadableFile(path, "the file is empty")
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            header = dcmread(file, stop_before_pixels=True)
            end = file.tell()
            stopped_at = file.read(4)
        absent = [keyword for keyword in _IDENTIFIERS if not _is_one_text(header, keyword)]
        if not _is_one_text(header.file_meta, "TransferSyntaxUID"):
            absent.append("TransferSyntaxUID")
        # An instance whose patient cannot be told belongs to nobody.
        _patient(header)
    except InvalidDicomError:
        return UnreadableFile(path, "not a DICOM file (no 'DICM' after the preamble, PS3.10 section 7.1)")
    except OSError as error:
        return UnreadableFile(path, error.strerror or str(error))
    # A damaged file can make the parser raise nearly anything; whatever it is, this file cannot be read.
    except Exception as error:
        return UnreadableFile(path, f"cannot be parsed: {type(error).__name__}: {error}")
    if absent:
        return UnreadableFile(path, f"no valid {', '.join(absent)}: the header is incomplete")
    deflated = header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    has_pixel_data = not deflated and stopped_at in _PIXEL_DATA_TAGS
    return Instance(path, header, header.file_meta, end if has_pixel_data else None)


def _refuse_different_copies(known: Instance, copy: Instance) -> None:
    if not filecmp.cmp(known.path, copy.path, shallow=False):
        raise Refused(
            Reason.CONFLICTING_INSTANCES,
            f"the files {known.path.name} and {copy.path.name} differ and both claim to be the instance "
            f"{known.sop_instance_uid}",
        )


def _refuse_several(instances: Iterable[Instance]) -> None:
    studies = {str(instance.header.StudyInstanceUID) for instance in instances}
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


def _is_one_text(header: Dataset, keyword: str) -> bool:
    value = header.get(keyword)
    return isinstance(value, str) and value != ""


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
