"""What is told of a folder, its studies, series and apps: plain data that becomes tables or JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from operators.outcome import Decision, Gate


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Refusal(_Part):
    """Why something must not be analysed: the reason's code, and the sentence with the figures."""

    reason: str
    detail: str


class ChannelReport(_Part):
    """One channel of a waveform; ``unit`` is its UCUM code, empty where it has none."""

    name: str
    unit: str


class GroupReport(_Part):
    """One multiplex group of a waveform: ``sampling_frequency`` in Hz, ``duration`` in s."""

    label: str
    sampling_frequency: float
    duration: float
    channels: tuple[ChannelReport, ...]


class SeriesReport(_Part):
    """One series: what its headers say and what reading it came to.

    ``matrix`` is (rows, columns); ``planes`` counts slices of one volume, or frames; ``volumes`` says what each volume
    of a series of several is; ``spacing_mm`` is (slices, rows, columns), or (rows, columns) of frames. ``notes`` are
    other facts, as sentences. ``gates`` judged the volume, of several the first. ``refusal`` is why the series cannot
    be read as what it is, ``failure`` an error of ours.
    """

    series_instance_uid: str
    description: str
    modality: str
    sop_classes: tuple[str, ...]
    instances: int
    transfer_syntaxes: tuple[str, ...]
    kind: Literal["volume", "frames", "waveform", "other"]
    matrix: tuple[int, int] | None = None
    planes: int | None = None
    volumes: tuple[str, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    orientation: str = ""
    units: str = ""
    groups: tuple[GroupReport, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    refusal: Refusal | None = None
    failure: str = ""


class AppReport(_Part):
    """Whether an app would analyse a study, and each decision about its series.

    ``verdict``: "runs"; "not concerned", when nothing in the study is the app's business; "refuses"; "undecided", when
    a chosen series cannot be read and the app itself decides whether it does without.
    """

    name: str
    title: str
    version: str
    verdict: Literal["runs", "refuses", "not concerned", "undecided"]
    why: str
    decisions: tuple[Decision, ...] = ()
    gates: tuple[Gate, ...] = ()


class PatientReport(_Part):
    """Who the patient is: told only where it is asked for."""

    name: str
    identifier: str
    birth_date: str
    sex: str


class StudyReport(_Part):
    """One study; ``refusal`` is why its files cannot be taken for one study."""

    study_instance_uid: str
    date: str = ""
    description: str = ""
    patient: PatientReport | None = None
    series: tuple[SeriesReport, ...] = ()
    apps: tuple[AppReport, ...] = ()
    refusal: Refusal | None = None


class UnreadableReport(_Part):
    """A file that is no readable DICOM instance, and why."""

    path: str
    problem: str


class FolderReport(_Part):
    """Everything in a folder."""

    folder: str
    studies: tuple[StudyReport, ...]
    unreadable: tuple[UnreadableReport, ...]

    @property
    def failures(self) -> list[str]:
        """What went wrong by our fault, series by series."""
        return [series.failure for study in self.studies for series in study.series if series.failure]
