"""What kind of signal a recording is: a few numbers by which electrocardiograms are told from anything else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from operators.measure.ecg.beats import find_beats
from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.leads import INDEPENDENT_LEADS, WORKING_HERTZ
from operators.measure.ecg.quality import signal_to_noise
from operators.measure.ecg.templates import median_beat, sort_beats
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

Signal = NDArray[np.float64]

_BANDS_HERTZ = ((0.5, 3.0), (3.0, 8.0), (8.0, 15.0), (15.0, 25.0), (25.0, 45.0))
_UPRIGHT_LEADS = ("I", "II", "V4", "V5", "V6")
"""Leads that look at the left ventricle from where its excitation goes to: QRS is positive in most of them."""
_LINE_REACH_HERTZ = 3.0


def signal_profile(leads: EcgLeads) -> Signal:
    """Return how large a recording is, how its power is spread, how spiky, upright and repetitive it is, (12,).

    Every number is the same for any choice of leads, as far as the heart allows; sizes and powers are logarithms.
    """
    cleaned = without_interference(with_derived_limb_leads(leads).resampled(WORKING_HERTZ)).chosen(INDEPENDENT_LEADS)
    signal = cleaned.signal
    spectrum = np.asarray((np.abs(np.fft.rfft(signal, axis=1)) ** 2).sum(axis=0), dtype=np.float64)
    hertz = np.asarray(np.fft.rfftfreq(signal.shape[1], 1 / WORKING_HERTZ))
    powers = np.array([spectrum[(hertz >= low) & (hertz < high)].sum() for low, high in _BANDS_HERTZ])
    size = float(np.median(np.percentile(np.abs(signal), 99.5, axis=1)))
    return np.array(
        [
            np.log10(max(size, 1e-6)),
            *np.log10(np.maximum(powers / max(powers.sum(), 1e-12), 1e-6)),
            np.log10(_strongest_line(spectrum, hertz)),
            np.log10(max(float(np.median(kurtosis(signal, axis=1))) + 3, 0.1)),
            _uprightness(cleaned),
            *_repetition(cleaned),
        ]
    )


def _strongest_line(spectrum: Signal, hertz: Signal) -> float:
    """How far a single frequency from 12 to 45 Hz stands out of its surroundings: hum that no filter knows."""
    resolution = hertz[1]
    reach = max(2, round(_LINE_REACH_HERTZ / resolution))
    places = np.flatnonzero((hertz > 12) & (hertz < 45))
    ratios = [spectrum[place] / max(np.median(spectrum[place - reach : place + reach + 1]), 1e-12) for place in places]
    return float(max(ratios, default=1.0)) + 1e-6


def _uprightness(leads: EcgLeads) -> float:
    """The mean skewness of the leads in which QRS is upright, or of all."""
    chosen = leads.chosen(_UPRIGHT_LEADS)
    return float(np.mean(np.clip(skew(chosen.signal, axis=1), -3, 3)))


def _repetition(leads: EcgLeads) -> tuple[float, float, float]:
    """How much of the beats the dominant shape has, how far it stands out of the noise, and the beats' rate."""
    found = find_beats(leads)
    shapes = sort_beats(leads, found) if len(found) > 1 else ()
    if not shapes or len(shapes[0].samples) < 2:
        return 0.0, 0.0, 0.0
    cycle = float(np.median(np.diff(found))) / WORKING_HERTZ
    median = median_beat(leads, shapes[0], cycle)
    if median is None:
        return 0.0, 0.0, 0.0
    part = len(shapes[0].samples) / len(found)
    return part, float(np.log10(np.clip(signal_to_noise(median), 1.0, 100.0))), float(np.log10(60 / cycle))
