"""The shapes that a recording's beats have, each with its median beat and the waves of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.ecg.fiducials import Fiducials, find_fiducials
from operators.measure.ecg.quality import SURE_CLEARNESS, UnmeasurableError, clearness
from operators.measure.ecg.templates import BeatClass, MedianBeat, median_beat, sort_beats
from operators.read.waveforms.ecg_leads import EcgLeads

Samples = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BeatShape:
    """Beats of one shape, their median and its waves."""

    beats: BeatClass
    median: MedianBeat
    waves: Fiducials


@dataclass(frozen=True, eq=False)
class Shapes:
    """Every beat (``samples``, of its largest deflection) with the number of its shape.

    ``measured`` are shapes of two beats at least, the dominant one first. ``numbers`` count from 0 and go on beyond
    them for beats that are the only one of their shape; None where the recording begins or ends within the beat.
    """

    samples: Samples
    measured: tuple[BeatShape, ...]
    numbers: tuple[int | None, ...]
    single: tuple[Fiducials | None, ...] = ()
    """The waves of the beats that are the only one of their shape, in the order of their numbers, as far as known."""

    @property
    def dominant(self) -> BeatShape:
        """The shape of the usual beats."""
        return self.measured[0]

    @property
    def is_dominant(self) -> NDArray[np.bool_]:
        """Which beats are of the shape of most, (beat,)."""
        return np.array([number == 0 for number in self.numbers], dtype=bool)

    @property
    def alone(self) -> Samples:
        """The samples of beats that no measured shape describes."""
        return np.array(
            [sample for sample, number in zip(self.samples, self.numbers, strict=True) if not self.describes(number)],
            dtype=np.int64,
        )

    def describes(self, number: int | None) -> bool:
        """Whether the number is that of a measured shape."""
        return number is not None and number < len(self.measured)

    def is_clear(self, number: int | None) -> bool:
        """Whether the width of a shape is known: the noise on the dominant one's beats is on all of them."""
        if number is None or (not self.describes(number) and self.waves_of(number) is self.dominant.waves):
            return False
        count = self.measured[number].median.count if self.describes(number) else 1
        return clearness(self.dominant.median, count) >= SURE_CLEARNESS

    def waves_of(self, number: int | None) -> Fiducials:
        """The waves of a shape; those of the dominant one for a beat that has none measured."""
        if number is None or self.describes(number):
            return self.measured[number or 0].waves
        single = self.single[number - len(self.measured)] if self.single else None
        return self.dominant.waves if single is None else single


def find_shapes(leads: EcgLeads, beats: Samples, cycle: float) -> Shapes:
    """Return the shapes of some beats; ``cycle`` (s) is the usual time from beat to beat.

    Raises :class:`UnmeasurableError` where no two beats of one shape lie wholly in the recording.
    """
    measured: list[BeatShape] = []
    others: list[BeatClass] = []
    single: list[Fiducials | None] = []
    for members in sort_beats(leads, beats):
        median = median_beat(leads, members, cycle)
        since = members.usual_since / leads.sampling_frequency
        if median is None or len(members.samples) == 1:
            others.append(members)
            single.append(None if median is None else _waves_of_one(median, cycle, since))
        else:
            measured.append(BeatShape(members, median, find_fiducials(median, cycle, since)))
    if not measured:
        raise UnmeasurableError(f"no two of {len(beats)} beats are of one shape and wholly in the recording")
    classes = [*(shape.beats for shape in measured), *others]
    number_of = {beat: number for number, members in enumerate(classes) for beat in members.numbers}
    numbers = tuple(number_of.get(beat) for beat in range(len(beats)))
    return Shapes(beats, tuple(measured), numbers, tuple(single))


def _waves_of_one(beat: MedianBeat, cycle: float, since: float) -> Fiducials | None:
    """The waves of a single beat: with all its noise, good enough to tell how wide it is."""
    try:
        return find_fiducials(beat, cycle, since)
    except UnmeasurableError:
        return None
