"""Read the headers of a study: every instance of a folder, sorted into series, pixels left on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID


@dataclass(frozen=True)
class Instance:
    """One DICOM instance: its file and its header (all attributes before the pixel data)."""

    path: Path
    header: Dataset
    file_meta: FileMetaDataset

    @property
    def sop_instance_uid(self) -> UID:
        """SOP Instance UID (0008,0018)."""
        return UID(self.header.SOPInstanceUID)

    @property
    def sop_class_uid(self) -> UID:
        """SOP Class UID (0008,0016)."""
        return UID(self.header.SOPClassUID)


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
        number = self.header.get("SeriesNumber")
        text = self.header.get("SeriesDescription") or "(no description)"
        return f"{number} {text}" if number is not None else str(text)


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


def read_study(source: Path | Iterable[Path]) -> Study:
    """Read the headers of every file in a folder (recursively), or of the files given."""
    raise NotImplementedError
