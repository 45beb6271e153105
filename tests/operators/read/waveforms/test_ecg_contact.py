"""Electrodes that are off and amplifiers at their end are told; hearts that rest, and crests of waves, are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.read.waveforms.ecg_contact import contact, longest_piece, lost_leads
from phantoms.ecg import NONE, RESTING, Conduction, Heart, Noise, simulate_ecg

FREQUENCY = 500
Signal = NDArray[np.float64]


def digitised(signal: Signal, step: float) -> Signal:
    return np.asarray(step * np.rint(signal / step))


def lost(signal: Signal, step: float, frequency: float = FREQUENCY) -> dict[int, str]:
    return lost_leads(signal, contact(signal, frequency), np.full(len(signal), step), frequency)


@pytest.mark.parametrize("noise", [NONE, RESTING])
@pytest.mark.parametrize("step", [0.0005, 0.0025, 0.02])
@pytest.mark.parametrize("frequency", [100, 500, 1000])
def test_sound_leads_stay(noise: Noise, step: float, frequency: int) -> None:
    hearts = [Heart(), Heart(conduction=Conduction.COMPLETE_BLOCK, rate=34, qt=500)]
    for heart in hearts:
        ecg = simulate_ecg(heart, noise=noise, sampling_frequency=frequency)
        assert lost(digitised(ecg.leads, step), step, frequency) == {}


@pytest.mark.parametrize("limit", [0.2, 0.3, 0.5])
def test_a_lead_whose_waves_are_cut_off_is_saturated(limit: float) -> None:
    signal = simulate_ecg(noise=RESTING).leads
    size = np.abs(signal).max(axis=1)
    found = lost(digitised(np.clip(signal, -limit, limit), 0.0025), 0.0025)
    # Of a wave that is little higher only the crest is missing.
    assert set(np.flatnonzero(size > 1.5 * limit)) <= set(found) <= set(np.flatnonzero(size > limit))
    assert set(found.values()) == {"saturated"}


def test_padding_and_rest_are_no_contact() -> None:
    signal = np.array([[0.0, 1, 2, 3, 4, 5], [np.nan, np.nan, 1, 2, 3, 4], [7, 7, 7, 7, 7, 7]])
    held = contact(signal, 2.0)
    assert held.tolist() == [[True] * 6, [False] * 2 + [True] * 4, [False] * 6]
    assert longest_piece(held, signal) == (2, 6)
    assert lost_leads(signal, held, np.ones(3), 2.0) == {1: "no signal for 1.0 of 3.0 s", 2: "flat"}


def test_nothing_has_no_piece() -> None:
    signal = np.full((2, 5), np.nan)
    assert longest_piece(contact(signal, 1.0), signal) == (0, 0)
