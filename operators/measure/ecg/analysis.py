"""Everything that is measured on one electrocardiogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.ecg.atrial import VentricularWaves, find_atrial_waves
from operators.measure.ecg.beats import find_beats
from operators.measure.ecg.fiducials import Fiducials, find_fiducials
from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.intervals import corrected_qt, frontal_axis
from operators.measure.ecg.leads import INDEPENDENT_LEADS, WORKING_HERTZ
from operators.measure.ecg.pacing import remove_pacing_spikes
from operators.measure.ecg.rhythm import Rhythm, RhythmFacts, judge_rhythm
from operators.measure.ecg.templates import MedianBeat, median_beat, sort_beats
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

Signal = NDArray[np.float64]

LEAST_BEATS = 3

_PACED_SECONDS = 0.12
_ST_SECONDS = 0.060
_P_TOLERANCE_SECONDS = 0.03


class TooFewBeatsError(ValueError):
    """The recording does not hold beats enough to measure: the message tells how many."""


@dataclass(frozen=True)
class Beat:
    """One beat: times in s from the start of the recording, None for a wave that was not found.

    ``shape`` counts from 0, the shape of most beats; None where the recording begins or ends within the beat.
    """

    peak: float
    shape: int | None
    qrs_onset: float
    qrs_end: float
    t_end: float | None
    p_onset: float | None
    p_end: float | None

    @property
    def waves(self) -> tuple[tuple[float | None, float | None], ...]:
        """Onset and end of P and QRS, and from the end of QRS to the end of T."""
        return (self.p_onset, self.p_end), (self.qrs_onset, self.qrs_end), (self.qrs_end, self.t_end)


@dataclass(frozen=True)
class LeadLevels:
    """One lead of the median beat, in mV against the level at the onset of QRS."""

    r: float
    """Its largest positive deflection within QRS."""
    s: float
    """Its largest negative deflection within QRS."""
    q: float
    """Its largest negative deflection before the positive one."""
    late: float
    """Its largest deflection in the last third of QRS."""
    j: float
    """At the end of QRS."""
    st: float
    """60 ms later."""
    t: float
    """The largest deflection of the T wave."""


@dataclass(frozen=True, eq=False)
class EcgAnalysis:
    """What was measured. Rates are beats a minute, intervals and durations ms, ``rr`` s, axes degrees.

    A number that could not be measured is None. ``median`` is the median beat of the dominant shape with all leads of
    the recording and those that follow from them, ``fiducials`` its waves.
    """

    beats: tuple[Beat, ...]
    facts: RhythmFacts
    rate: float
    rr: float
    pr: float | None
    p: float | None
    qrs: float
    qt: float | None
    qtc: dict[str, float]
    p_axis: float | None
    qrs_axis: float | None
    t_axis: float | None
    levels: dict[str, LeadLevels]
    median: MedianBeat
    median_leads: tuple[str, ...]
    fiducials: Fiducials

    @property
    def ectopic_count(self) -> int:
        """Beats of another shape than the dominant one."""
        return sum(beat.shape not in (0, None) for beat in self.beats)


def analyse_ecg(leads: EcgLeads) -> EcgAnalysis:
    """Measure a recording of any leads in mV. Raises :class:`TooFewBeatsError`."""
    complete = with_derived_limb_leads(leads)
    cleaned, spikes = remove_pacing_spikes(complete)
    cleaned = without_interference(cleaned.resampled(WORKING_HERTZ))
    chosen = cleaned.chosen(INDEPENDENT_LEADS)
    found = find_beats(chosen)
    classes = sort_beats(chosen, found)
    if len(found) < LEAST_BEATS or not classes or len(classes[0].samples) < 2:
        raise TooFewBeatsError(f"{len(found)} beats in {leads.duration:.1f} s, at least {LEAST_BEATS} are needed")
    cycle = float(np.median(np.diff(found))) / WORKING_HERTZ
    shapes: list[VentricularWaves] = []
    shape_of: dict[int, int] = {}
    for shape in classes:
        if len(shape.samples) < 2:
            continue
        try:
            median = median_beat(chosen, shape.samples, cycle)
        # The recording begins or ends within each of them.
        except ValueError:
            continue
        for number in shape.numbers:
            shape_of[number] = len(shapes)
        shapes.append(VentricularWaves(shape, median, find_fiducials(median, cycle)))
    if not shapes:
        raise TooFewBeatsError(f"no two beats of one shape lie wholly in the recording of {leads.duration:.1f} s")
    dominant = shapes[0]
    seconds_of_spikes = spikes / complete.sampling_frequency
    paced = _is_paced(dominant, seconds_of_spikes)
    fiducials = _with_pacing(dominant.fiducials, dominant, seconds_of_spikes) if paced else dominant.fiducials
    alone = np.array([sample for number, sample in enumerate(found) if number not in shape_of], dtype=np.int64)
    for shape in classes:
        if shape.numbers[0] not in shape_of:
            shape_of.update(dict.fromkeys(shape.numbers, len(shapes) + len(shape_of)))
    waves = find_atrial_waves(chosen, shapes, alone)
    p_length = _p_length(fiducials)
    p_onsets = waves.crests / WORKING_HERTZ - p_length / 2
    onsets = np.array([_onset(number, sample, shapes, shape_of) for number, sample in enumerate(found)])
    normal = np.array([shape_of.get(number) == 0 for number in range(len(found))])
    facts = judge_rhythm(onsets, normal, p_onsets, paced=paced)
    beats = tuple(
        _beat(number, int(sample), shapes, shape_of, p_onsets, p_length, facts) for number, sample in enumerate(found)
    )
    return _measure(cleaned, dominant, fiducials, beats, facts, cycle)


def _is_paced(dominant: VentricularWaves, spikes: NDArray[np.float64]) -> bool:
    """Whether a spike stands just before most of the dominant beats."""
    peaks = dominant.beats.samples / WORKING_HERTZ
    before = [np.any((peak - spikes > 0) & (peak - spikes < _PACED_SECONDS)) for peak in peaks]
    return bool(np.mean(before) > 0.5)


def _with_pacing(fiducials: Fiducials, dominant: VentricularWaves, spikes: NDArray[np.float64]) -> Fiducials:
    """QRS begins with the spike; no P wave led to it."""
    peaks = dominant.beats.samples / WORKING_HERTZ
    distance = [float(np.min((peak - spikes)[(peak - spikes) > 0])) for peak in peaks if np.any(peak > spikes)]
    return Fiducials(None, None, -float(np.median(distance)), fiducials.qrs_end, fiducials.t_peak, fiducials.t_end)


def _p_length(fiducials: Fiducials) -> float:
    if fiducials.p_onset is None or fiducials.p_end is None:
        return 0.10
    return fiducials.p_end - fiducials.p_onset


def _onset(number: int, sample: int, shapes: list[VentricularWaves], shape_of: dict[int, int]) -> float:
    waves = _waves(shapes, shape_of.get(number)).fiducials
    return sample / WORKING_HERTZ + waves.qrs_onset


def _waves(shapes: list[VentricularWaves], shape: int | None) -> VentricularWaves:
    """The waves of a shape; a beat that is the only one of its shape is given those of the dominant one."""
    return shapes[shape if shape is not None and shape < len(shapes) else 0]


def _beat(
    number: int,
    sample: int,
    shapes: list[VentricularWaves],
    shape_of: dict[int, int],
    p_onsets: NDArray[np.float64],
    p_length: float,
    facts: RhythmFacts,
) -> Beat:
    shape = shape_of.get(number)
    waves = _waves(shapes, shape).fiducials
    peak = sample / WORKING_HERTZ
    onset = peak + waves.qrs_onset
    p_onset = None
    if shape == 0 and facts.rhythm not in (Rhythm.ATRIAL_FIBRILLATION, Rhythm.PACED, Rhythm.COMPLETE_BLOCK):
        before = p_onsets[(onset - p_onsets > 0.08) & (onset - p_onsets < 0.42)]
        p_onset = float(before[-1]) if len(before) else None
    return Beat(
        peak=peak,
        shape=shape,
        qrs_onset=onset,
        qrs_end=peak + waves.qrs_end,
        t_end=None if waves.t_end is None or shape is None or shape >= len(shapes) else peak + waves.t_end,
        p_onset=p_onset,
        p_end=None if p_onset is None else p_onset + p_length,
    )


def _measure(
    cleaned: EcgLeads,
    dominant: VentricularWaves,
    fiducials: Fiducials,
    beats: tuple[Beat, ...],
    facts: RhythmFacts,
    cycle: float,
) -> EcgAnalysis:
    median = median_beat(cleaned, dominant.beats.samples, cycle)
    levels, areas = _levels(cleaned.names, median, fiducials)
    peaks = [beat.peak for beat in beats]
    rr = (peaks[-1] - peaks[0]) / (len(peaks) - 1)
    has_p = facts.rhythm not in (Rhythm.ATRIAL_FIBRILLATION, Rhythm.PACED, Rhythm.COMPLETE_BLOCK)
    qt = None if fiducials.t_end is None else 1000 * (fiducials.t_end - fiducials.qrs_onset)
    return EcgAnalysis(
        beats=beats,
        facts=facts,
        rate=60 / rr,
        rr=rr,
        pr=_pr(fiducials, beats) if has_p else None,
        p=1000 * _p_length(fiducials) if has_p and fiducials.p_onset is not None else None,
        qrs=1000 * (fiducials.qrs_end - fiducials.qrs_onset),
        qt=qt,
        qtc={} if qt is None else corrected_qt(qt, rr),
        p_axis=_axis(areas, "p") if has_p else None,
        qrs_axis=_axis(areas, "qrs"),
        t_axis=_axis(areas, "t"),
        levels=levels,
        median=median,
        median_leads=cleaned.names,
        fiducials=fiducials,
    )


def _pr(fiducials: Fiducials, beats: tuple[Beat, ...]) -> float | None:
    """PR of the median beat in ms, which averages noise away; of single beats where the P wave wanders."""
    single = [beat.qrs_onset - beat.p_onset for beat in beats if beat.p_onset is not None]
    if fiducials.p_onset is not None:
        of_median = fiducials.qrs_onset - fiducials.p_onset
        if not single or abs(float(np.median(single)) - of_median) < _P_TOLERANCE_SECONDS:
            return 1000 * of_median
    return 1000 * float(np.median(single)) if single else None


def _levels(
    names: tuple[str, ...], median: MedianBeat, fiducials: Fiducials
) -> tuple[dict[str, LeadLevels], dict[str, dict[str, float]]]:
    frequency, reference = median.sampling_frequency, median.reference

    def place(seconds: float) -> int:
        return int(np.clip(reference + round(seconds * frequency), 0, median.signal.shape[1] - 1))

    onset, end = place(fiducials.qrs_onset), place(fiducials.qrs_end)
    t_end = place(fiducials.t_end) if fiducials.t_end is not None else median.signal.shape[1] - 1
    levels, areas = {}, {}
    for name, lead in zip(names, median.signal, strict=True):
        # The level just before QRS, where the heart is at rest.
        lead = lead - float(np.median(lead[max(0, onset - round(0.01 * frequency)) : onset + 1]))
        after = lead[end:t_end] if t_end > end else lead[end : end + 1]
        qrs = lead[onset : end + 1]
        late = qrs[2 * len(qrs) // 3 :]
        levels[name] = LeadLevels(
            r=float(max(0.0, qrs.max())),
            s=float(min(0.0, qrs.min())),
            q=float(min(0.0, qrs[: np.argmax(qrs) + 1].min())),
            late=float(late[np.argmax(np.abs(late))]),
            j=float(lead[end]),
            st=float(lead[place(fiducials.qrs_end + _ST_SECONDS)]),
            t=float(after[np.argmax(np.abs(after))]),
        )
        areas[name] = {"qrs": float(qrs.sum()), "t": float(after.sum())}
        if fiducials.p_onset is not None and fiducials.p_end is not None:
            areas[name]["p"] = float(lead[place(fiducials.p_onset) : place(fiducials.p_end)].sum())
    return levels, areas


def _axis(areas: dict[str, dict[str, float]], wave: str) -> float | None:
    if "I" not in areas or "aVF" not in areas or wave not in areas["I"]:
        return None
    return frontal_axis(areas["I"][wave], areas["aVF"][wave])
