"""What the electrodes pick up beside the heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

Signal = NDArray[np.float64]

_ROLLOFF_HERTZ = (20.0, 150.0)


@dataclass(frozen=True)
class Noise:
    """Noise at each electrode: root mean square of wander of the baseline, mains, muscles and amplifier, in mV."""

    wander: float = 0.0
    mains: float = 0.0
    muscle: float = 0.0
    amplifier: float = 0.0
    mains_frequency: float = 50.0

    def at_electrodes(self, count: int, times: Signal, random: np.random.Generator) -> Signal:
        """Return independent noise (mV) for each electrode, (count, n)."""
        frequency = 1 / (times[1] - times[0])
        shape = (count, len(times))
        found = self.amplifier * random.normal(size=shape)
        if self.muscle:
            band = butter(2, _ROLLOFF_HERTZ, "bandpass", fs=frequency, output="sos")
            found += self.muscle * _unit(sosfiltfilt(band, random.normal(size=shape), axis=1))
        if self.wander:
            found += self.wander * _unit(np.sum([self._slow(times, count, random) for _ in range(3)], axis=0))
        if self.mains:
            phase = random.uniform(0, 2 * np.pi, size=(count, 1))
            hum = np.sin(2 * np.pi * self.mains_frequency * times + phase)
            found += self.mains * np.sqrt(2) * hum * random.uniform(0.5, 1.5, size=(count, 1))
        return np.asarray(found)

    @staticmethod
    def _slow(times: Signal, count: int, random: np.random.Generator) -> Signal:
        frequency = random.uniform(0.05, 0.45, size=(count, 1))
        phase = random.uniform(0, 2 * np.pi, size=(count, 1))
        return random.uniform(0.3, 1.0, size=(count, 1)) * np.sin(2 * np.pi * frequency * times + phase)


def _unit(signal: Signal) -> Signal:
    return signal / np.sqrt(np.mean(signal**2, axis=1, keepdims=True))


NONE = Noise()
RESTING = Noise(wander=0.05, mains=0.005, muscle=0.01, amplifier=0.004)
"""A good resting recording."""
RESTLESS = Noise(wander=0.20, mains=0.02, muscle=0.035, amplifier=0.008)
"""A patient who shivers."""
