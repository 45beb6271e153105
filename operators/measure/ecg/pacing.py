"""A pacemaker's spikes: found, and taken out before the waves are measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, maximum_filter1d, median_filter, minimum_filter1d

from operators.measure.ecg.fiducials import Fiducials
from operators.measure.ecg.shapes import BeatShape
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Seconds = NDArray[np.float64]

_WINDOW_SECONDS = 0.026
"""A spike is gone in the median of a window much longer than it and shorter than any wave of the heart."""
_LEAST_HERTZ = 125.0
"""With fewer samples that window is half of a narrow QRS complex, whose peak would be taken for a spike."""
_LEAST_MILLIVOLT = 0.25
_DEVIATIONS = 8.0
_REST_SECONDS = 0.020
_AT_REST = 3.0
_WITNESSES = 2
_FEW_LEADS = 3
"""So few leads may all but one stand at a right angle to the spike."""
_BEFORE_PEAK_SECONDS = 0.12
"""A beat whose largest deflection comes so soon after a spike was paced."""


def remove_pacing_spikes(leads: EcgLeads) -> tuple[EcgLeads, Seconds]:
    """Return the leads without spikes, and the time of each spike in s.

    A spike stands out in at least two leads (in one, if there are three or fewer) by 0.25 mV, by 8 times the usual
    deviation of a sample from its neighbours, and by three times what the lead did in the 20 ms before: a sharp QRS
    complex is under way by then, and a pacemaker waits for none. None is told of leads sampled below 125 Hz.
    """
    frequency = leads.sampling_frequency
    if frequency < _LEAST_HERTZ:
        return leads, np.empty(0)
    width = 2 * round(_WINDOW_SECONDS * frequency / 2) + 1
    smooth = median_filter(leads.signal, size=(1, width), mode="nearest")
    deviation = np.abs(leads.signal - smooth)
    usual = 1.48 * np.median(deviation, axis=1, keepdims=True)
    out = deviation > np.maximum(_LEAST_MILLIVOLT, _DEVIATIONS * usual)
    out &= deviation > _AT_REST * _activity_before(smooth, round(_REST_SECONDS * frequency))
    spikes = out.sum(axis=0) >= (_WITNESSES if len(leads.names) > _FEW_LEADS else 1)
    if not spikes.any():
        return leads, np.empty(0)
    starts = np.flatnonzero(np.diff(spikes.astype(np.int8), prepend=0) == 1)
    hidden = binary_dilation(spikes, iterations=max(1, round(0.006 * frequency)))
    return EcgLeads(leads.names, np.where(hidden, smooth, leads.signal), frequency), starts / frequency


def paced_waves(shape: BeatShape, spikes: Seconds) -> Fiducials | None:
    """Return the waves of beats that spikes precede: QRS begins with the spike, and no P wave led to it.

    None where no spike stands just before most of the beats.
    """
    peaks = shape.beats.samples / shape.median.sampling_frequency
    delays = peaks[:, None] - spikes[None]
    near = (delays > 0) & (delays < _BEFORE_PEAK_SECONDS)
    if not np.mean(near.any(axis=1)) > 0.5:
        return None
    return replace(shape.waves, p_onset=None, p_end=None, qrs_onset=-float(np.median(delays[near])))


def _activity_before(smooth: Signal, reach: int) -> Signal:
    """The range of each lead within the samples just before each sample."""
    origin = (reach - 1) // 2
    highest = maximum_filter1d(smooth, reach, axis=1, origin=origin, mode="nearest")
    lowest = minimum_filter1d(smooth, reach, axis=1, origin=origin, mode="nearest")
    return np.asarray(highest - lowest)
