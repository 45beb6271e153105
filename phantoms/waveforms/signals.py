"""Signals with a known formula: a heart's dipole, pressure, breath, tone and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

# One beat as five Gaussian waves (McSharry et al., IEEE Trans Biomed Eng 2003;50:289): phase in rad, height in mV of
# lead II, width in rad.
_ECG_WAVES = (
    ("P", -np.pi / 3, 0.15, 0.25),
    ("Q", -np.pi / 12, -0.12, 0.08),
    ("R", 0.0, 1.2, 0.08),
    ("S", np.pi / 12, -0.25, 0.08),
    ("T", np.pi / 2, 0.35, 0.4),
)


def ecg(times: Signal, *, rate: float = 72.0, gain: float = 1.0) -> Signal:
    """An electrocardiogram in mV at `times` (s) with `rate` beats a minute; R peaks lie at 0, 60/rate, ..."""
    phase = np.mod(times * rate / 60.0 * 2 * np.pi + np.pi, 2 * np.pi) - np.pi
    beat = sum(height * np.exp(-((phase - centre) ** 2) / (2 * width**2)) for _, centre, height, width in _ECG_WAVES)
    return np.asarray(gain * beat)


def pressure(times: Signal, *, rate: float = 72.0, diastolic: float = 80.0, systolic: float = 120.0) -> Signal:
    """An arterial pressure in mmHg: a steep rise and an exponential fall in each beat."""
    phase = np.mod(times * rate / 60.0, 1.0)
    pulse = np.where(phase < 0.15, np.sin(phase / 0.15 * np.pi / 2), np.exp(-(phase - 0.15) / 0.3))
    return diastolic + (systolic - diastolic) * pulse


def breath(times: Signal, *, rate: float = 14.0) -> Signal:
    """An air flow of up to 0.5 l/s with `rate` breaths a minute."""
    return 0.5 * np.sin(2 * np.pi * rate / 60.0 * times)


def tone(times: Signal, *, frequency: float = 440.0) -> Signal:
    """A tone of amplitude 1."""
    return np.sin(2 * np.pi * frequency * times)


def noise(times: Signal, *, seed: int, amplitude: float = 1.0) -> Signal:
    """Noise with the spectrum of an electroencephalogram: strong where it is slow."""
    white = np.random.default_rng(seed).normal(size=len(times))
    slow = np.convolve(white, np.ones(8) / 8, mode="same")
    return np.asarray(amplitude * slow)
