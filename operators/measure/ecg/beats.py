"""Find the beats of the ventricles, on all leads together."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from operators.measure.ecg.filtering import bandpassed
from operators.measure.ecg.slow_waves import (
    PEAK_SECONDS,
    are_like,
    highest_around,
    size_of,
    speed_of,
    usual_level,
    without_slow_waves,
)
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]

_BAND_HERTZ = (6.0, 28.0)
_FAST_BAND_HERTZ = (10.0, 30.0)
"""Without the energy of T waves: with a wide QRS at a high rate they lie closer to the next beat than beats ever do."""
_FAST_CYCLE_SECONDS = 0.55
_NEARLY_ALL = 0.95
_WINDOW_SECONDS = 0.09
"""About the length of a QRS complex: energy is averaged over it (Pan & Tompkins, IEEE Trans Biomed Eng 1985;32:230)."""
_REFRACTORY_SECONDS = 0.22
_THRESHOLD = 0.26
_SEARCH_BACK_THRESHOLD = 0.10
_SEARCH_BACK_FACTOR = 1.66
"""A gap of so many usual cycles is looked through again (Pan & Tompkins)."""


def find_beats(leads: EcgLeads) -> Samples:
    """Return the sample of each beat's largest deflection; none for a recording without beats."""
    found = _beats_of(leads, _BAND_HERTZ)
    if len(found) < 2 or np.percentile(np.diff(found), 10) > _FAST_CYCLE_SECONDS * leads.sampling_frequency:
        return found
    again = _beats_of(leads, _FAST_BAND_HERTZ)
    # Wide premature beats have little energy in that band: no beat may be lost by it, and none may be of another shape.
    if len(again) < max(2, len(found)) or are_like(again, again, leads).mean() < _NEARLY_ALL:
        return found
    speed, reach = speed_of(leads), round(PEAK_SECONDS * leads.sampling_frequency)
    faster = highest_around(speed, again, reach).mean() > highest_around(speed, found, reach).mean()
    return again if len(again) > len(found) or faster else found


def _beats_of(leads: EcgLeads, band_hertz: tuple[float, float]) -> Samples:
    frequency = leads.sampling_frequency
    band = bandpassed(leads, *band_hertz)
    # Each lead counts alike: a small one is as good a witness as a large one.
    scale = np.percentile(np.abs(band), 98, axis=1, keepdims=True)
    if not (scale > 0).any():
        return np.empty(0, dtype=np.int64)
    band = band / np.where(scale > 0, scale, np.inf)
    energy = np.sqrt(uniform_filter1d((band**2).mean(axis=0), round(_WINDOW_SECONDS * frequency)))
    level = usual_level(energy, frequency)
    peaks, _ = find_peaks(energy, distance=max(1, round(_REFRACTORY_SECONDS * frequency)))
    found = peaks[energy[peaks] > _THRESHOLD * level[peaks]]
    found = _search_back(found, peaks, energy, level)
    return without_slow_waves(_refined(found, leads), leads)


def _search_back(found: Samples, peaks: Samples, energy: Signal, level: Signal) -> Samples:
    if len(found) < 4:
        return found
    usual = np.median(np.diff(found))
    more = []
    for before, after in itertools.pairwise(found):
        if after - before > _SEARCH_BACK_FACTOR * usual:
            between = peaks[(peaks > before + 0.4 * usual) & (peaks < after - 0.4 * usual)]
            strong = between[energy[between] > _SEARCH_BACK_THRESHOLD * level[between]]
            # Of the peaks in a long pause only those are beats that stand out of everything around them.
            quiet = np.median(energy[before:after])
            more += [peak for peak in strong if energy[peak] > 8 * quiet]
    return np.unique(np.concatenate([found, np.array(more, dtype=np.int64)]))


def _refined(found: Samples, leads: EcgLeads) -> Samples:
    """From the middle of the energy to the largest deflection of all leads."""
    length = size_of(leads)
    speed = speed_of(leads)
    reach = round(PEAK_SECONDS * leads.sampling_frequency)
    refined = []
    for sample in found:
        first = max(0, sample - reach)
        refined.append(first + int(np.argmax(length[first : sample + reach + 1])))
    unique = np.unique(np.array(refined, dtype=np.int64))
    if len(unique) < 2:
        return unique
    # The P wave before a wide QRS may be refined to the beginning of it: the faster deflection is the beat.
    prominence = np.sqrt(highest_around(speed, unique, reach) * highest_around(length, unique, reach))
    alone = np.zeros(len(length))
    alone[unique] = prominence
    dominant = maximum_filter1d(alone, 2 * round(_REFRACTORY_SECONDS * leads.sampling_frequency) - 1)
    return unique[alone[unique] >= dominant[unique]]
