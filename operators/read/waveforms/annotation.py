"""What a device or a person noted about a waveform (PS3.3 section C.10.10)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.headers.coded import coded_entries, coded_entry


@dataclass(frozen=True)
class Annotation:
    """One annotation: a text, a coded concept or a number, and the part of the waveform that it concerns.

    ``name`` is the concept, ``value`` its coded value, ``number`` its number in ``unit`` (UCUM). ``channels`` are
    pairs (group, channel), the first of each being 0; channel None stands for every channel of the group.
    ``temporal_range`` tells how ``samples`` (index of the sample, the first being 0), ``offsets`` (s after the start
    of the acquisition) or ``datetimes`` (DICOM DT) are meant: POINT, MULTIPOINT, SEGMENT, MULTISEGMENT, BEGIN, END.
    """

    text: str
    name: Code | None
    value: Code | None
    modifiers: tuple[Code, ...]
    number: float | None
    unit: Code | None
    channels: tuple[tuple[int, int | None], ...]
    temporal_range: str | None
    samples: tuple[int, ...]
    offsets: tuple[float, ...]
    datetimes: tuple[str, ...]
    group_number: int | None


def read_annotation(item: Dataset) -> Annotation:
    """Return an annotation from its item of Waveform Annotation Sequence (0040,B020).

    Raises :class:`MalformedAttributeError`.
    """
    referenced = [int(value) for value in numbers(item, "ReferencedWaveformChannels")]
    if len(referenced) % 2 or any(group < 1 for group in referenced[::2]) or any(value < 0 for value in referenced):
        raise MalformedAttributeError(f"ReferencedWaveformChannels {referenced} are not pairs of group and channel")
    positions = [int(value) for value in numbers(item, "ReferencedSamplePositions")]
    number = numbers(item, "NumericValue")
    return Annotation(
        text=text(item, "UnformattedTextValue") or "",
        name=coded_entry(item, "ConceptNameCodeSequence"),
        value=coded_entry(item, "ConceptCodeSequence"),
        modifiers=coded_entries(item, "ModifierCodeSequence"),
        number=number[0] if number else None,
        unit=coded_entry(item, "MeasurementUnitsCodeSequence"),
        # Groups, channels and samples count from 1 in the header; channel 0 means all of them.
        channels=tuple(
            (group - 1, channel - 1 if channel else None)
            for group, channel in zip(referenced[::2], referenced[1::2], strict=True)
        ),
        temporal_range=text(item, "TemporalRangeType"),
        samples=tuple(position - 1 for position in positions),
        offsets=numbers(item, "ReferencedTimeOffsets"),
        datetimes=tuple(str(value) for value in values(item, "ReferencedDateTime")),
        group_number=integer(item, "AnnotationGroupNumber"),
    )
