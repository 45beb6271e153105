"""Everything that is measured on one electrocardiogram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from operators.measure.ecg.atrial import AtrialWaves, find_atrial_waves
from operators.measure.ecg.beat import Beat, describe_beats
from operators.measure.ecg.beats import find_beats
from operators.measure.ecg.fiducials import Fiducials
from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.intervals import corrected_qt
from operators.measure.ecg.leads import INDEPENDENT_LEADS, WORKING_HERTZ, show_all_directions
from operators.measure.ecg.levels import Axes, LeadLevels, frontal_axes, lead_levels
from operators.measure.ecg.pacing import paced_waves, remove_pacing_spikes
from operators.measure.ecg.quality import (
    LEAST_CLEARNESS,
    SURE_CLEARNESS,
    UnmeasurableError,
    clearness,
    require_qrs,
    require_recording,
    require_signal,
)
from operators.measure.ecg.rhythm import Rhythm, RhythmFacts, judge_rhythm, without_intruders
from operators.measure.ecg.shapes import find_shapes
from operators.measure.ecg.templates import MedianBeat, median_beat
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

LEAST_BEATS = 3
FASTEST_MEASURED = 195.0
"""Beats a minute: above, P and T leave no rest before QRS from which its onset could be told (errors of 40 ms)."""
TALLEST_P_MILLIVOLT = 0.25
LEAST_T_MILLIVOLT = 0.1
"""QT is taken from a lead with a clear T wave: where T is flat its end is that of another wave."""
_P_TOLERANCE_SECONDS = 0.03
_ROOM_FOR_P_SECONDS = 0.16
"""A P wave and a rest before and behind it: where T leaves less of the cycle, P begins on T."""
_EARLY, _SURELY_EARLY, _LATE = 0.9, 0.8, 1.1
_ONE_TO_ONE = 1.4
_WIDE_SECONDS = 0.12
_WIDER_SECONDS = 0.02


@dataclass(frozen=True, eq=False)
class EcgAnalysis:
    """What was measured. Rates are beats a minute, intervals and durations ms, ``rr`` s, axes degrees.

    A number that could not be measured is None; ``unmeasured`` says why for PR, QRS and QT. Intervals, levels and axes
    are those of the median beat of the dominant shape.
    """

    beats: tuple[Beat, ...]
    blocked_p: tuple[tuple[float, float], ...]
    """Where a block is told: onset and end (s) of each P wave that no QRS follows."""
    facts: RhythmFacts
    rate: float
    rr: float
    pr: float | None
    p: float | None
    qrs: float | None
    qt: float | None
    qtc: dict[str, float]
    axes: Axes
    levels: dict[str, LeadLevels]
    unmeasured: tuple[str, ...] = ()

    @property
    def ectopic_count(self) -> int:
        """Beats of another shape than the dominant one that are wide, or come early without a P wave before them.

        Over half an hour a usual beat's shape changes too, as with breathing. Where the rhythm is irregular or unknown
        no beat is early; beside wide beats none is told by its width.
        """
        if self.qrs is None:
            return 0
        peaks = np.array([beat.qrs_onset for beat in self.beats])
        before, after = np.diff(peaks, prepend=np.nan), np.diff(peaks, append=np.nan)
        # What stands little out of noise, or of P waves that fall upon it, looks odd and early more easily.
        sure = np.array([beat.clear for beat in self.beats]) & (self.facts.rhythm is not Rhythm.COMPLETE_BLOCK)
        early = before < np.where(sure, _EARLY, _SURELY_EARLY) * np.nanmedian(before)
        # Where noise looks like P waves, some stand before any beat.
        if (self.facts.atrial_rate or 0.0) < _ONE_TO_ONE * self.rate:
            early &= ~np.array([beat.after_p for beat in self.beats])
        # Of the first beat only the pause is known that follows it.
        early[0] = after[0] > _LATE * np.nanmedian(after)
        early &= self.facts.rhythm in (Rhythm.SINUS, Rhythm.COMPLETE_BLOCK)
        # P waves upon some beats of an escape rhythm make them look wider.
        told_by_width = self.qrs < 1000 * _WIDE_SECONDS and self.facts.rhythm is not Rhythm.COMPLETE_BLOCK
        least = max(_WIDE_SECONDS, self.qrs / 1000 + _WIDER_SECONDS)
        return sum(
            beat.shape not in (0, None)
            and bool(is_early or (told_by_width and beat.clear and beat.qrs_end - beat.qrs_onset >= least))
            for beat, is_early in zip(self.beats, early, strict=True)
        )


def analyse_ecg(leads: EcgLeads) -> EcgAnalysis:
    """Measure a recording of any leads in mV. Raises :class:`UnmeasurableError`."""
    require_recording(leads)
    unpaced, spikes = remove_pacing_spikes(with_derived_limb_leads(leads))
    cleaned = without_interference(unpaced.resampled(WORKING_HERTZ))
    independent = cleaned.chosen(INDEPENDENT_LEADS)
    found = find_beats(independent)
    if len(found) < LEAST_BEATS:
        raise UnmeasurableError(f"{len(found)} beats in {leads.duration:.1f} s, {LEAST_BEATS} are needed")
    cycle = float(np.median(np.diff(found))) / WORKING_HERTZ
    shapes = find_shapes(independent, found, cycle)
    require_signal(shapes.dominant.median, int(shapes.is_dominant.sum()), len(found))
    paced = paced_waves(shapes.dominant, spikes)
    waves = paced or shapes.dominant.waves
    require_qrs(waves.qrs_end - waves.qrs_onset)
    atria = find_atrial_waves(independent, shapes, waves)
    onsets = np.array(
        [
            sample / WORKING_HERTZ + shapes.waves_of(number).qrs_onset
            for sample, number in zip(found, shapes.numbers, strict=True)
        ]
    )
    facts = judge_rhythm(
        onsets, shapes.is_dominant, atria.onsets, paced=paced is not None, sees_all=len(independent.names) > 1
    )
    if not facts.rhythm.conducts:
        waves = replace(waves, p_onset=None, p_end=None)
    beats = describe_beats(shapes, atria, facts.rhythm, WORKING_HERTZ)
    median = median_beat(cleaned, shapes.dominant.beats, cycle)
    assert median is not None, "the dominant shape has a median beat in the independent leads"
    rr = float(np.mean(np.diff(found))) / WORKING_HERTZ
    everywhere = show_all_directions(cleaned.names)
    vague = _vague(shapes.dominant.median, rr, facts.rhythm, everywhere=everywhere)
    since = shapes.dominant.beats.usual_since / WORKING_HERTZ
    hidden = facts.rhythm.conducts and (vague is not None or _p_is_hidden(waves, since))
    levels = lead_levels(cleaned.names, median, waves)
    height = max((abs(level.t) for level in levels.values()), default=0.0)
    if hidden and vague is None and height < TALLEST_P_MILLIVOLT + LEAST_T_MILLIVOLT:
        vague = "P lies on T or at QRS, and T is hardly larger than P waves may be"
    flat = not everywhere and height < LEAST_T_MILLIVOLT
    t_end = None if vague or flat else waves.t_end
    qt = None if t_end is None else 1000 * (t_end - waves.qrs_onset)
    pr = None if hidden else _pr(waves, beats, facts.rhythm)
    return EcgAnalysis(
        # What is not measured is not marked on single beats, either.
        beats=tuple(
            replace(
                beat,
                p_onset=None if hidden else beat.p_onset,
                p_end=None if hidden else beat.p_end,
                t_end=None if vague else beat.t_end,
            )
            for beat in beats
        ),
        blocked_p=tuple(_blocked_p(beats, atria)) if facts.rhythm.blocks else (),
        facts=facts,
        rate=60 / rr,
        rr=rr,
        pr=pr,
        p=None if vague else _p_duration(waves, atria, facts.rhythm),
        qrs=None if vague else 1000 * (waves.qrs_end - waves.qrs_onset),
        qt=qt,
        qtc={} if qt is None else corrected_qt(qt, rr),
        axes=Axes(None, None, None) if vague else frontal_axes(cleaned.names, median, waves),
        levels={} if vague else levels,
        unmeasured=tuple(_unmeasured(facts.rhythm, pr, qt, hidden=hidden, flat=flat, vague=vague)),
    )


def _vague(median: MedianBeat, rr: float, rhythm: Rhythm, *, everywhere: bool) -> str | None:
    """Why no wave's onset and end can be told of a median beat, or None where they can be."""
    if 60 / rr > FASTEST_MEASURED:
        return f"more than {FASTEST_MEASURED:.0f} beats a minute"
    size = float(np.ptp(median.signal, axis=1).max())
    if not everywhere and size < TALLEST_P_MILLIVOLT:
        return f"in these few leads QRS is {size:.2f} mV high, no higher than P waves may be"
    alone = everywhere and rhythm is not Rhythm.COMPLETE_BLOCK
    found, needed = clearness(median), LEAST_CLEARNESS if alone else SURE_CLEARNESS
    if found < needed:
        return (
            f"QRS of the median of {median.count} beats is {found:.0f} times as large as the noise that is left in it, "
            f"{needed:.0f} times are needed"
        )
    return None


def _p_is_hidden(waves: Fiducials, since: float) -> bool:
    """Whether P begins on the T wave of the beat ``since`` s before: single beats tell its onset no better."""
    if waves.p_onset is not None:
        return False
    t_end = waves.qrs_end if waves.t_end is None else waves.t_end
    return waves.p_on_t or since - (t_end - waves.qrs_onset) < _ROOM_FOR_P_SECONDS


def _unmeasured(
    rhythm: Rhythm,
    pr: float | None,
    qt: float | None,
    *,
    hidden: bool,
    flat: bool,
    vague: str | None,
) -> Iterator[str]:
    if rhythm is Rhythm.UNDETERMINED:
        yield "Rhythm not told: P waves neither lead to the beats nor go surely a way of their own"
    if vague:
        yield f"PR, QRS, QT, axes and ST levels not measured: {vague}"
        return
    if hidden:
        yield "PR not measured: no P wave begins between the end of T and QRS"
    elif pr is None and rhythm.conducts:
        yield "PR not measured: no P wave stands at one place before the usual beats"
    if flat:
        yield f"QT not measured: T is lower than {LEAST_T_MILLIVOLT:g} mV in these few leads"
    elif qt is None:
        yield "QT not measured: no T wave ends before the next beat"


def _blocked_p(beats: tuple[Beat, ...], atria: AtrialWaves) -> Iterator[tuple[float, float]]:
    conducted = {beat.p_onset for beat in beats}
    for onset in without_intruders(atria.onsets).tolist():
        if onset not in conducted:
            yield onset, onset + atria.duration


def _pr(waves: Fiducials, beats: tuple[Beat, ...], rhythm: Rhythm) -> float | None:
    """PR of the median beat in ms, which averages noise away; the median of single beats where P wanders.

    Where the median beat has no P wave that single beats seem to have, it is not one before QRS but lies on T.
    """
    if rhythm is Rhythm.UNDETERMINED or (waves.p_onset is None and rhythm is not Rhythm.SECOND_DEGREE_TYPE_1):
        return None
    single = [beat.qrs_onset - beat.p_onset for beat in beats if beat.p_onset is not None]
    if waves.p_onset is not None and rhythm is not Rhythm.SECOND_DEGREE_TYPE_1:
        of_median = waves.qrs_onset - waves.p_onset
        if not single or abs(float(np.median(single)) - of_median) < _P_TOLERANCE_SECONDS:
            return 1000 * of_median
    return 1000 * float(np.median(single)) if single else None


def _p_duration(waves: Fiducials, atria: AtrialWaves, rhythm: Rhythm) -> float | None:
    if waves.p_onset is None or waves.p_end is None:
        return None
    smeared = rhythm is Rhythm.SECOND_DEGREE_TYPE_1
    return 1000 * (atria.duration if smeared else waves.p_end - waves.p_onset)
