"""Zero-phase filters: nothing is shifted in time, and the ST segment keeps its level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, filtfilt, iirnotch, sosfiltfilt

from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]

_WANDER_HERTZ = 0.5
"""AHA/ACCF/HRS 2007 (Kligfield et al.) allows up to 0.67 Hz for a filter without phase distortion."""

_RINGING_SECONDS = 2.0
_MAINS_HERTZ = (50.0, 60.0)
_NOTCH_QUALITY = 25.0
_HIGHEST_HERTZ = 100.0


def without_interference(leads: EcgLeads) -> EcgLeads:
    """Remove wander of the baseline, mains where there is any, and what lies above the heart's frequencies."""
    frequency, signal = leads.sampling_frequency, leads.signal - leads.signal.mean(axis=1, keepdims=True)
    wander = butter(2, _WANDER_HERTZ, "highpass", fs=frequency, output="sos")
    # Mirrored for as long as the filter rings: a beat that the end cuts through would shake the last second.
    padding = min(round(_RINGING_SECONDS * frequency), signal.shape[1] - 1)
    signal = sosfiltfilt(wander, signal, axis=1, padtype="even", padlen=padding)
    for mains in _MAINS_HERTZ:
        if mains < frequency / 2 and _has_mains(signal, frequency, mains):
            signal = filtfilt(*iirnotch(mains, _NOTCH_QUALITY, fs=frequency), signal, axis=1)
    if frequency / 2 > _HIGHEST_HERTZ:
        signal = sosfiltfilt(butter(2, _HIGHEST_HERTZ, "lowpass", fs=frequency, output="sos"), signal, axis=1)
    return EcgLeads(leads.names, np.ascontiguousarray(signal), frequency)


def _has_mains(signal: Signal, frequency: float, mains: float) -> bool:
    """Whether a line stands out of the spectrum: a notch rings after each QRS, and is used only where it is needed."""
    spectrum = np.abs(np.fft.rfft(signal, axis=1)).sum(axis=0)
    hertz = np.fft.rfftfreq(signal.shape[1], 1 / frequency)
    line = spectrum[np.abs(hertz - mains) < 0.4].max(initial=0.0)
    beside = np.median(spectrum[(np.abs(hertz - mains) > 1.5) & (np.abs(hertz - mains) < 6)])
    return bool(line > 6 * beside)


def bandpassed(leads: EcgLeads, low: float, high: float) -> Signal:
    """The leads between two frequencies (Hz), second order, zero phase."""
    band = butter(
        2, (low, min(high, 0.45 * leads.sampling_frequency)), "bandpass", fs=leads.sampling_frequency, output="sos"
    )
    return np.asarray(sosfiltfilt(band, leads.signal, axis=1))


def spatial_velocity(signal: Signal, frequency: float, smoothing: float = 0.003) -> Signal:
    """How fast all leads together change, mV/s, (sample,): the length of the derivative after a Gaussian (s)."""
    derivative = gaussian_filter1d(signal, smoothing * frequency, axis=1, order=1) * frequency
    return np.asarray(np.sqrt((derivative**2).sum(axis=0)))
