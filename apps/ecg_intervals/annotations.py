"""Waves of each beat as annotations of the recording (TID 3750)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydicom.sr.coding import Code

from operators.measure.ecg.analysis import EcgAnalysis
from operators.measure.temporal import TemporalCoordinates, WaveformChannels
from operators.measure.waveform_annotation import ECG_ANNOTATION, Annotation, AnnotationGroup, PatternAnnotation
from operators.read.ecg import EcgInstance

_P_WAVE = Code("10:256", "MDC", "P wave")
_QRS = Code("10:1600", "MDC", "Entire QRS (excluding P, T and U)")
_T_WAVE = Code("10:1024", "MDC", "T wave")


def annotation_groups(instance: EcgInstance, ecg: EcgAnalysis, maximum_beats: int) -> list[AnnotationGroup]:
    """Return one group for each beat, of at most ``maximum_beats`` from the start, that says where its waves lie.

    P waves that are blocked so far have a group of their own.
    """
    channels = WaveformChannels(instance.header, ((instance.recording.group, 0),))
    groups = []
    for number, beat in enumerate(ecg.beats[:maximum_beats], start=1):
        waves = zip((_P_WAVE, _QRS, _T_WAVE), beat.waves, strict=True)
        groups.append(AnnotationGroup(tuple(_annotations(waves, channels, instance)), f"Beat {number}"))
    last = (
        ecg.beats[:maximum_beats][-1].qrs_end if len(ecg.beats) > maximum_beats else instance.recording.leads.duration
    )
    blocked = [(_P_WAVE, span) for span in ecg.blocked_p if span[1] <= last]
    groups.append(AnnotationGroup(tuple(_annotations(blocked, channels, instance)), "P waves that no QRS follows"))
    return [group for group in groups if group.annotations]


def _annotations(
    waves: Iterable[tuple[Code, tuple[float | None, float | None]]], channels: WaveformChannels, instance: EcgInstance
) -> Iterator[Annotation]:
    recording = instance.recording
    last_sample = instance.waveform.groups[recording.group - 1].sample_count
    for code, (start, end) in waves:
        if start is None or end is None:
            continue
        first, last = recording.sample(start), recording.sample(end)
        if 1 <= first < last <= last_sample:
            yield PatternAnnotation(ECG_ANNOTATION, code, TemporalCoordinates(channels, "SEGMENT", (first, last)))
