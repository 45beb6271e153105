"""A pacemaker's spikes: found, and taken out before the waves are measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, maximum_filter1d, median_filter, minimum_filter1d

from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]

_WINDOW_SECONDS = 0.026
"""A spike is gone in the median of a window much longer than it and shorter than any wave of the heart."""
_LEAST_MILLIVOLT = 0.25
_DEVIATIONS = 12.0
_REST_SECONDS = 0.020
_AT_REST = 3.0
_LEADS = 2


def remove_pacing_spikes(leads: EcgLeads) -> tuple[EcgLeads, Samples]:
    """Return the leads without spikes, and the sample of each spike.

    A spike stands out in at least two leads (in one, if there is only one) by 0.25 mV, by 12 times the usual deviation
    of a sample from its neighbours, and by three times what the lead did in the 20 ms before: a sharp QRS complex is
    under way by then, and a pacemaker waits for none.
    """
    frequency = leads.sampling_frequency
    width = 2 * round(_WINDOW_SECONDS * frequency / 2) + 1
    smooth = median_filter(leads.signal, size=(1, width), mode="nearest")
    deviation = np.abs(leads.signal - smooth)
    usual = 1.48 * np.median(deviation, axis=1, keepdims=True)
    out = deviation > np.maximum(_LEAST_MILLIVOLT, _DEVIATIONS * usual)
    out &= deviation > _AT_REST * _activity_before(smooth, round(_REST_SECONDS * frequency))
    spikes = out.sum(axis=0) >= min(_LEADS, len(leads.names))
    if not spikes.any():
        return leads, np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(spikes.astype(np.int8), prepend=0) == 1)
    hidden = binary_dilation(spikes, iterations=max(1, round(0.006 * frequency)))
    return EcgLeads(leads.names, np.where(hidden, smooth, leads.signal), frequency), starts


def _activity_before(smooth: Signal, reach: int) -> Signal:
    """The range of each lead within the samples just before each sample."""
    origin = (reach - 1) // 2
    highest = maximum_filter1d(smooth, reach, axis=1, origin=origin, mode="nearest")
    lowest = minimum_filter1d(smooth, reach, axis=1, origin=origin, mode="nearest")
    return np.asarray(highest - lowest)
