"""One DICOM instance: its file, its header, and what tells it from others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from operators.read.attributes import MalformedAttributeError, integer, text, uid
from operators.read.headers.reader import HeaderReader
from operators.read.headers.reference import MediaStorageDirectoryError, NotAnInstanceError
from operators.read.headers.remembered import Remembered

_IDENTIFIERS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "SOPClassUID", "TransferSyntaxUID")


@dataclass(frozen=True)
class Instance:
    """One DICOM instance: its file and its header (all attributes before the pixel data).

    ``pixel_data_offset`` is the position of the tag of Pixel Data (7FE0,0010), Float or Double Float Pixel Data in the
    file; None when the instance has no pixel data or its whole data set is deflated.
    """

    path: Path
    # Not in the repr: it would put the patient into every log and notebook that shows an instance.
    header: Dataset = field(repr=False)
    file_meta: FileMetaDataset = field(repr=False)
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
class UnreadableFile:
    """A file that is not a readable DICOM instance, and why."""

    path: Path
    problem: str


class Identified(NamedTuple):
    """An instance with what sorts it into a study: whose it is, where it belongs, and its place in the series."""

    instance: Instance
    sop_instance_uid: UID
    series_instance_uid: UID
    study_instance_uid: UID
    patient: tuple[str, str | None]
    number: int | None

    @property
    def order(self) -> tuple[bool, int, str]:
        """Instance Number, where there is one, then SOP Instance UID."""
        return self.number is None, self.number or 0, self.sop_instance_uid


def instance_name(header: Dataset) -> str:
    """Return an instance as a person would name it in a message: its number, else its UID."""
    found = number(header, "InstanceNumber")
    return f"instance {found if found is not None else _required_uid(header, 'SOPInstanceUID')}"


class InstanceReader:
    """Reads the instances of one or more studies, each with the help of those before it."""

    def __init__(self) -> None:
        self._headers = HeaderReader()
        self._transfer_syntax = Remembered(
            lambda file_meta: _uid(file_meta, "TransferSyntaxUID"), ["TransferSyntaxUID"]
        )
        self._belonging = Remembered(_belonging, _BELONGING_KEYWORDS)

    def read(self, path: Path) -> Identified | UnreadableFile | None:
        """Read the header of one file; None for a DICOMDIR, the table of contents of a medium (PS3.10 section 8)."""
        try:
            header, file_meta, pixel_data_offset = self._headers.read_lazily(path)
            syntax = self._transfer_syntax(file_meta)
            sop_instance = _uid(header, "SOPInstanceUID")
            series, study, sop_class, patient = self._belonging(header)
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
            if sop_instance and series and study and sop_class and syntax:
                instance = Instance(path, header, file_meta, pixel_data_offset)
                return Identified(instance, sop_instance, series, study, patient, number(header, "InstanceNumber"))
            found = zip(_IDENTIFIERS, (sop_instance, series, study, sop_class, syntax), strict=True)
            absent = ", ".join(keyword for keyword, value in found if value is None)
            problem = f"no valid {absent}: the header is incomplete"
        return None if path.name.upper() == "DICOMDIR" else UnreadableFile(path, problem)


def number(header: Dataset, keyword: str) -> int | None:
    """Return an integer attribute; None also where it cannot be read."""
    try:
        return integer(header, keyword)
    # A number that cannot be read must not lose the instance: it serves for ordering and naming only.
    except MalformedAttributeError:
        return None


_BELONGING_KEYWORDS = (
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "SOPClassUID",
    "PatientID",
    "PatientName",
    "SpecificCharacterSet",
)


def _belonging(header: Dataset) -> tuple[UID | None, UID | None, UID | None, tuple[str, str | None]]:
    """Series, study, SOP class and patient: what the instances of a series have in common."""
    series, study, sop_class = (_uid(header, keyword) for keyword in _BELONGING_KEYWORDS[:3])
    # An instance whose patient cannot be told belongs to nobody.
    return series, study, sop_class, _patient(header)


def _patient(header: Dataset) -> tuple[str, str | None]:
    # Names are often spelt differently within one study, so they decide only where there is no identifier.
    identifier = text(header, "PatientID")
    return ("identifier", identifier) if identifier else ("name", text(header, "PatientName"))


def _uid(header: Dataset, keyword: str) -> UID | None:
    try:
        return uid(header, keyword)
    # What is no identifier identifies nothing.
    except MalformedAttributeError:
        return None


def _required_uid(header: Dataset, keyword: str) -> UID:
    found = uid(header, keyword)
    if found is None:
        raise MalformedAttributeError(f"{keyword} is absent")
    return found
