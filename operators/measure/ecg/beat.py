"""Each beat of a recording with its waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from operators.measure.ecg.atrial import AtrialWaves
from operators.measure.ecg.rhythm import Rhythm, conducted_p
from operators.measure.ecg.shapes import Shapes


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
    after_p: bool = False
    """Whether a P wave may have led to it, whatever its shape."""
    clear: bool = True
    """Whether its shape stands so far out of the noise that its width is known."""

    @property
    def waves(self) -> tuple[tuple[float | None, float | None], ...]:
        """Onset and end of P and QRS, and from the end of QRS to the end of T."""
        return (self.p_onset, self.p_end), (self.qrs_onset, self.qrs_end), (self.qrs_end, self.t_end)


def describe_beats(shapes: Shapes, atria: AtrialWaves, rhythm: Rhythm, frequency: float) -> tuple[Beat, ...]:
    """Return every beat; ``frequency`` (Hz) is that of the shapes' samples."""
    beats: list[Beat] = []
    for sample, number in zip(shapes.samples.tolist(), shapes.numbers, strict=True):
        before = beats[-1].qrs_onset if beats else -np.inf
        beats.append(_describe(sample / frequency, number, before, shapes, atria, rhythm))
    return tuple(beats)


def _describe(
    peak: float, number: int | None, before: float, shapes: Shapes, atria: AtrialWaves, rhythm: Rhythm
) -> Beat:
    waves = shapes.waves_of(number)
    onset = peak + waves.qrs_onset
    led = conducted_p(onset, before, atria.onsets) if rhythm.conducts else None
    p_onset = led if number == 0 else None
    return Beat(
        peak=peak,
        shape=number,
        qrs_onset=onset,
        qrs_end=peak + waves.qrs_end,
        t_end=peak + waves.t_end if waves.t_end is not None and shapes.describes(number) else None,
        p_onset=p_onset,
        p_end=None if p_onset is None else p_onset + atria.duration,
        after_p=led is not None,
        clear=shapes.is_clear(number),
    )
