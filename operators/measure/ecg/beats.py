"""Find the beats of the ventricles, on all leads together."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from operators.measure.ecg.filtering import bandpassed, spatial_velocity
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BAND_HERTZ = (6.0, 28.0)
_WINDOW_SECONDS = 0.09
"""About the length of a QRS complex: energy is averaged over it (Pan & Tompkins, IEEE Trans Biomed Eng 1985;32:230)."""
_REFRACTORY_SECONDS = 0.22
_PIECE_SECONDS = 2.2
"""At 27 beats a minute there is still one in each piece."""
_LEVEL_SECONDS = 12.0
_THRESHOLD = 0.26
_SEARCH_BACK_THRESHOLD = 0.10
_SEARCH_BACK_FACTOR = 1.66
"""A gap of so many usual cycles is looked through again (Pan & Tompkins)."""
_PEAK_SECONDS = 0.075
_SLOW_WAVE_SECONDS = 0.52
_SLOW_WAVE_SPEED = 0.5
"""A T wave is slower than its QRS (Pan & Tompkins: half its slope); so is a P wave."""
_SLOW_WAVE_SIZE = 0.8
_P_SPEED = 0.85
_P_SIZE = 0.6
_TALLEST_P_MILLIVOLT = 0.3
_VENTRICULAR_REFRACTORY_SECONDS = 0.30
"""So soon after a beat no other follows but in the fastest tachycardias, whose beats are all of one shape."""
_SHAPE_SECONDS = 0.10
_SHIFT_SECONDS = 0.050
_SAME_SHAPE = 0.93
_SLOWEST_BEAT = 0.33
"""How fast a beat of any shape is at least, compared with most; what is slower is a P wave that no beat follows."""


def find_beats(leads: EcgLeads) -> Samples:
    """Return the sample of each beat's largest deflection; none for a recording without beats."""
    frequency = leads.sampling_frequency
    band = bandpassed(leads, *_BAND_HERTZ)
    # Each lead counts alike: a small one is as good a witness as a large one.
    scale = np.percentile(np.abs(band), 98, axis=1, keepdims=True)
    if not (scale > 0).any():
        return np.empty(0, dtype=np.int64)
    band = band / np.where(scale > 0, scale, np.inf)
    energy = np.sqrt(uniform_filter1d((band**2).mean(axis=0), round(_WINDOW_SECONDS * frequency)))
    level = _level(energy, frequency)
    peaks, _ = find_peaks(energy, distance=max(1, round(_REFRACTORY_SECONDS * frequency)))
    found = peaks[energy[peaks] > _THRESHOLD * level[peaks]]
    found = _search_back(found, peaks, energy, level)
    return _without_slow_waves(_refined(found, leads), leads)


def _level(energy: Signal, frequency: float) -> Signal:
    """How high the energy of a beat is around each moment: the usual maximum of pieces that hold a beat each."""
    piece = max(1, round(_PIECE_SECONDS * frequency))
    maxima = np.array([energy[start : start + piece].max() for start in range(0, len(energy), piece)])
    reach = max(1, round(_LEVEL_SECONDS / (2 * _PIECE_SECONDS)))
    smooth = np.array([np.percentile(maxima[max(0, n - reach) : n + reach + 1], 60) for n in range(len(maxima))])
    centres = np.arange(len(maxima)) * piece + piece / 2
    return np.asarray(np.interp(np.arange(len(energy)), centres, smooth))


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
    length = _size(leads)
    speed = _speed(leads)
    reach = round(_PEAK_SECONDS * leads.sampling_frequency)
    refined = []
    for sample in found:
        first = max(0, sample - reach)
        refined.append(first + int(np.argmax(length[first : sample + reach + 1])))
    unique = np.unique(np.array(refined, dtype=np.int64))
    if len(unique) < 2:
        return unique
    # The P wave before a wide QRS may be refined to the beginning of it: the faster deflection is the beat.
    prominence = np.sqrt(_highest(speed, unique, reach) * _highest(length, unique, reach))
    alone = np.zeros(len(length))
    alone[unique] = prominence
    dominant = maximum_filter1d(alone, 2 * round(_REFRACTORY_SECONDS * leads.sampling_frequency) - 1)
    return unique[alone[unique] >= dominant[unique]]


def _without_slow_waves(found: Samples, leads: EcgLeads) -> Samples:
    """Leave out T and P waves: deflections that change much more slowly than the beats around them, or are smaller too.
    """
    if not len(found):
        return found
    frequency = leads.sampling_frequency
    reach, near = round(_PEAK_SECONDS * frequency), round(_SLOW_WAVE_SECONDS * frequency)
    speed, size = (_highest(each, found, reach) for each in (_speed(leads), _size(leads)))
    fast, large = (values / _level_of(values, found, leads) for values in (speed, size))
    kept = fast > _SLOWEST_BEAT
    tall = _highest(np.abs(bandpassed(leads, 1.0, 40.0)).max(axis=0), found, reach) > _TALLEST_P_MILLIVOLT
    small = (fast < _P_SPEED) & (large < _P_SIZE) & ~tall
    kept &= ~small | _are_like(found, found[kept & ~small], leads)
    for place, sample in enumerate(found):
        beside = np.abs(found - sample) < near
        slower = speed[place] < _SLOW_WAVE_SPEED * speed
        smaller = size[place] < _SLOW_WAVE_SIZE * size
        kept[place] &= not np.any(beside & slower & smaller)
    found, prominence = found[kept], (speed * size)[kept]
    like = _are_like(found, found, leads)
    reach = round(_VENTRICULAR_REFRACTORY_SECONDS * frequency)
    larger = (np.abs(found[:, None] - found[None]) < reach) & (prominence[None] > prominence[:, None])
    return found[like | ~larger.any(axis=1)]


def _are_like(found: Samples, beats: Samples, leads: EcgLeads) -> Mask:
    """Which deflections have the shape of some beats: those are beats, however small, as where the heart swings."""
    reach, shift = (round(seconds * leads.sampling_frequency) for seconds in (_SHAPE_SECONDS, _SHIFT_SECONDS))
    whole = [beat for beat in beats if reach <= beat < leads.signal.shape[1] - reach]
    if not whole:
        return np.zeros(len(found), dtype=bool)
    usual = np.median([leads.signal[:, beat - reach : beat + reach + 1] for beat in whole], axis=0)
    size = float(np.sqrt((usual**2).sum()))

    def likeness(sample: int) -> float:
        places = range(max(reach, sample - shift), min(leads.signal.shape[1] - reach, sample + shift + 1), 2)
        windows = [leads.signal[:, place - reach : place + reach + 1] for place in places]
        return max((float((each * usual).sum() / max(np.sqrt((each**2).sum()), 1e-12)) / size for each in windows), default=0.0)

    return np.array([likeness(int(sample)) > _SAME_SHAPE for sample in found], dtype=bool)


def _level_of(values: Signal, found: Samples, leads: EcgLeads) -> Signal:
    alone = np.zeros(leads.signal.shape[1])
    alone[found] = values
    return _level(alone, leads.sampling_frequency)[found]


def _highest(signal: Signal, samples: Samples, reach: int) -> Signal:
    return np.array([signal[max(0, sample - reach) : sample + reach + 1].max() for sample in samples])


def _speed(leads: EcgLeads) -> Signal:
    return spatial_velocity(leads.signal, leads.sampling_frequency, 0.006)


def _size(leads: EcgLeads) -> Signal:
    return np.asarray(np.sqrt((bandpassed(leads, 1.0, 40.0) ** 2).sum(axis=0)))
