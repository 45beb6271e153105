"""Waves of each beat as annotations of the recording (TID 3750)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.sr.coding import Code

from apps.ecg_intervals.recording import Recording
from operators.measure.ecg.analysis import Beat, EcgAnalysis
from operators.measure.temporal import TemporalCoordinates, WaveformChannels
from operators.measure.waveform_annotation import ECG_ANNOTATION, Annotation, AnnotationGroup, PatternAnnotation

_P_WAVE = Code("10:256", "MDC", "P wave")
_QRS = Code("10:1600", "MDC", "Entire QRS (excluding P, T and U)")
_T_WAVE = Code("10:1024", "MDC", "T wave")


def annotation_groups(recording: Recording, ecg: EcgAnalysis, maximum_beats: int) -> list[AnnotationGroup]:
    """Return one group for each beat, of at most ``maximum_beats`` from the start, that says where its waves lie."""
    ecg_group = recording.ecg
    channels = WaveformChannels(recording.header, ((ecg_group.group, 0),))
    groups = []
    for number, beat in enumerate(ecg.beats[:maximum_beats], start=1):
        waves = tuple(_waves(beat, channels, recording))
        if waves:
            groups.append(AnnotationGroup(waves, f"Beat {number}"))
    return groups


def _waves(beat: Beat, channels: WaveformChannels, recording: Recording) -> Iterator[Annotation]:
    for code, start, end in (
        (_P_WAVE, beat.p_onset, beat.p_end),
        (_QRS, beat.qrs_onset, beat.qrs_end),
        (_T_WAVE, beat.qrs_end, beat.t_end),
    ):
        if start is None or end is None:
            continue
        first, last = (_sample(recording, seconds) for seconds in (start, end))
        if 1 <= first < last <= recording.waveform.groups[recording.ecg.group - 1].sample_count:
            segment = TemporalCoordinates(channels, "SEGMENT", sample_positions=(first, last))
            yield PatternAnnotation(ECG_ANNOTATION, code, segment)


def _sample(recording: Recording, seconds: float) -> int:
    """The sample of the multiplex group, from 1, of a time in the leads."""
    return 1 + recording.ecg.first_sample + round(seconds * recording.ecg.leads.sampling_frequency)
