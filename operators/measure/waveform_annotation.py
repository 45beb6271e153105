"""What is noted on a waveform, as plain data (PS3.16 TID 3750 family)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code

from operators.measure.measurement import Measurement, Modifier
from operators.measure.temporal import TemporalCoordinates, WaveformChannels

PATTERN_EVENT = Code("130860", "DCM", "Pattern Event")
EEG_ANNOTATION = Code("130861", "DCM", "EEG Annotation")
ECG_ANNOTATION = Code("130866", "DCM", "ECG Annotation")


@dataclass(frozen=True, eq=False)
class PatternAnnotation:
    """A pattern or an event (TID 3751): ``classification`` of CID 3047, e.g. ECG annotation, and what it is."""

    classification: Code
    value: Code
    at: TemporalCoordinates | WaveformChannels
    modifiers: tuple[Modifier, ...] = ()


@dataclass(frozen=True, eq=False)
class MeasuredAnnotation:
    """A number that was measured on the waveform (TID 3752)."""

    measurement: Measurement
    at: TemporalCoordinates | WaveformChannels


@dataclass(frozen=True, eq=False)
class NoteAnnotation:
    """A text for people (TID 3753)."""

    text: str
    at: TemporalCoordinates | WaveformChannels


Annotation = PatternAnnotation | MeasuredAnnotation | NoteAnnotation


@dataclass(frozen=True, eq=False)
class AnnotationGroup:
    """Annotations that belong together, e.g. the waves of one beat."""

    annotations: tuple[Annotation, ...]
    label: str = ""
