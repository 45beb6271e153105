"""Tell beats from T and P waves among deflections: by speed, by size and by shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from operators.measure.ecg.filtering import bandpassed, spatial_velocity
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]
Mask = NDArray[np.bool_]

PEAK_SECONDS = 0.075
"""How far from the middle of its energy a beat's largest deflection may be."""

_PIECE_SECONDS = 2.2
"""At 27 beats a minute there is still one in each piece."""
_LEVEL_SECONDS = 12.0
_SLOWEST_BEAT = 0.33
"""A beat of any shape is at least so fast, compared with most: a wide one half as fast as a narrow one."""
_SLOW_WAVE_SECONDS = 0.52
_SLOW_WAVE_SPEED = 0.5
"""A T wave has at most half the slope of its QRS (Pan & Tompkins); a P wave, too."""
_SLOW_WAVE_SIZE = 0.8
"""And it is smaller. A premature ventricular beat is as slow, and at least about as large."""
_P_SPEED, _P_SIZE = 0.85, 0.6
"""Where QRS is low or wide, P waves are nearly as fast as it, and still smaller."""
_TALLEST_P_MILLIVOLT = 0.3
"""What is higher in any lead is no P wave: 0.25 mV is tall, and noise may add to it."""
_VENTRICULAR_REFRACTORY_SECONDS = 0.30
"""So soon after a beat no other follows but in the fastest tachycardias, whose beats are all of one shape."""
_SHAPE_SECONDS = 0.10
_SHIFT_SECONDS = 0.050
_SAME_SHAPE = 0.93


def without_slow_waves(found: Samples, leads: EcgLeads) -> Samples:
    """Leave out of some deflections those that are T or P waves: slower than the beats around them, and smaller."""
    if not len(found):
        return found
    frequency = leads.sampling_frequency
    reach, near = round(PEAK_SECONDS * frequency), round(_SLOW_WAVE_SECONDS * frequency)
    speed, size = (highest_around(each, found, reach) for each in (speed_of(leads), size_of(leads)))
    fast, large = (values / _level_of(values, found, leads) for values in (speed, size))
    kept = fast > _SLOWEST_BEAT
    tall = highest_around(np.abs(bandpassed(leads, 1.0, 40.0)).max(axis=0), found, reach) > _TALLEST_P_MILLIVOLT
    small = (fast < _P_SPEED) & (large < _P_SIZE) & ~tall
    kept &= ~small | are_like(found, found[kept & ~small], leads)
    for place, sample in enumerate(found):
        beside = np.abs(found - sample) < near
        slower = speed[place] < _SLOW_WAVE_SPEED * speed
        smaller = size[place] < _SLOW_WAVE_SIZE * size
        kept[place] &= not np.any(beside & slower & smaller)
    found, prominence = found[kept], (speed * size)[kept]
    like = are_like(found, found, leads)
    reach = round(_VENTRICULAR_REFRACTORY_SECONDS * frequency)
    larger = (np.abs(found[:, None] - found[None]) < reach) & (prominence[None] > prominence[:, None])
    return found[like | ~larger.any(axis=1)]


def are_like(found: Samples, beats: Samples, leads: EcgLeads) -> Mask:
    """Which deflections have the shape of some beats: those are beats, however small, as where the heart swings."""
    reach, shift = (round(seconds * leads.sampling_frequency) for seconds in (_SHAPE_SECONDS, _SHIFT_SECONDS))
    whole = [beat for beat in beats if reach <= beat < leads.signal.shape[1] - reach]
    if not whole:
        return np.zeros(len(found), dtype=bool)
    usual = np.median([leads.signal[:, beat - reach : beat + reach + 1] for beat in whole], axis=0)
    size = max(float(np.sqrt((usual**2).sum())), 1e-12)

    def likeness(sample: int) -> float:
        places = range(max(reach, sample - shift), min(leads.signal.shape[1] - reach, sample + shift + 1), 2)
        windows = [leads.signal[:, place - reach : place + reach + 1] for place in places]
        return max(
            (float((each * usual).sum() / max(np.sqrt((each**2).sum()), 1e-12)) / size for each in windows), default=0.0
        )

    return np.array([likeness(int(sample)) > _SAME_SHAPE for sample in found], dtype=bool)


def _level_of(values: Signal, found: Samples, leads: EcgLeads) -> Signal:
    alone = np.zeros(leads.signal.shape[1])
    alone[found] = values
    return np.maximum(usual_level(alone, leads.sampling_frequency)[found], 1e-9)


def usual_level(energy: Signal, frequency: float) -> Signal:
    """How high the energy of a beat is around each moment: the usual maximum of pieces that hold a beat each."""
    piece = max(1, round(_PIECE_SECONDS * frequency))
    maxima = np.array([energy[start : start + piece].max() for start in range(0, len(energy), piece)])
    reach = max(1, round(_LEVEL_SECONDS / (2 * _PIECE_SECONDS)))
    smooth = np.array([np.percentile(maxima[max(0, n - reach) : n + reach + 1], 60) for n in range(len(maxima))])
    centres = np.arange(len(maxima)) * piece + piece / 2
    return np.asarray(np.interp(np.arange(len(energy)), centres, smooth))


def highest_around(signal: Signal, samples: Samples, reach: int) -> Signal:
    """The largest value of a signal (n,) within ``reach`` samples of some samples, (sample,)."""
    return np.array([signal[max(0, sample - reach) : sample + reach + 1].max() for sample in samples])


def speed_of(leads: EcgLeads) -> Signal:
    """How fast all leads together change, mV/s, (n,)."""
    return spatial_velocity(leads.signal, leads.sampling_frequency, 0.006)


def size_of(leads: EcgLeads) -> Signal:
    """How far all leads together are from the baseline, mV, (n,)."""
    return np.asarray(np.sqrt((bandpassed(leads, 1.0, 40.0) ** 2).sum(axis=0)))
