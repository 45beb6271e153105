"""The gates let electrocardiograms through, and nothing that only looks like some numbers in a waveform object."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.ecg_findings.classify import Model
from apps.ecg_findings.rate import ACCEPTED_RATES
from apps.ecg_findings.training.samples import simulate_recording
from operators.learn.scores import area_under_curve
from operators.measure.ecg.profile import signal_profile
from operators.read.waveforms.ecg_leads import EcgLeads
from phantoms.ecg import FIVE_ELECTRODES

Signal = NDArray[np.float64]
COUNT = 16
MANY = 64
FIRST_SEED = 3_000_000


def distance(model: Model, leads: EcgLeads) -> float:
    return model.profile.distance(signal_profile(leads)) / model.profile.limit


@pytest.fixture(scope="module")
def many() -> list[EcgLeads]:
    """Of hearts that the gate on the rate lets through."""
    drawn = (simulate_recording(FIRST_SEED + number) for number in count())
    low, high = ACCEPTED_RATES
    return [each.leads for each in islice((each for each in drawn if low <= each.rate <= high), MANY)]


@pytest.fixture(scope="module")
def recordings(many: list[EcgLeads]) -> list[EcgLeads]:
    return many[:COUNT]


@pytest.fixture(scope="module")
def own(model: Model, recordings: list[EcgLeads]) -> Signal:
    return np.array([distance(model, leads) for leads in recordings])


def noise(signal: Signal, random: np.random.Generator) -> Signal:
    return random.normal(0, 0.1, signal.shape)


def brain_waves(signal: Signal, random: np.random.Generator) -> Signal:
    """An EEG: power that falls with the frequency, and an alpha rhythm of 10 Hz."""
    spectrum = np.fft.rfft(random.normal(size=signal.shape), axis=1)
    slow = np.fft.irfft(spectrum / np.maximum(np.fft.rfftfreq(signal.shape[1], 1 / 500), 1.0), axis=1)
    times = np.arange(signal.shape[1]) / 500
    alpha = np.sin(2 * np.pi * 10 * times + random.uniform(0, 6, (len(signal), 1)))
    return np.asarray(0.03 * slow / slow.std() + 0.02 * alpha)


def upside_down(signal: Signal, random: np.random.Generator) -> Signal:
    return -signal


def railway_mains(signal: Signal, random: np.random.Generator) -> Signal:
    """0.15 mV of 16.7 Hz, which no notch takes out."""
    return np.asarray(signal + 0.15 * np.sin(2 * np.pi * 16.7 * np.arange(signal.shape[1]) / 500))


def twenty_times_too_large(signal: Signal, random: np.random.Generator) -> Signal:
    """As where steps of 50 uV are told and those of 2.5 uV stored."""
    return 20 * signal


def twenty_times_too_small(signal: Signal, random: np.random.Generator) -> Signal:
    return signal / 20


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (noise, 1.0),
        (brain_waves, 1.0),
        (upside_down, 0.5),
        (railway_mains, 0.5),
        (twenty_times_too_large, 0.9),
        (twenty_times_too_small, 0.9),
    ],
)
def test_recordings_of_another_kind_are_told(
    change: Callable[[Signal, np.random.Generator], Signal],
    refused: float,
    model: Model,
    recordings: list[EcgLeads],
    own: Signal,
) -> None:
    random = np.random.default_rng(1)
    others = [EcgLeads(leads.names, change(leads.signal, random), 500.0) for leads in recordings]
    found = np.array([distance(model, leads) for leads in others])
    truth = np.concatenate([np.ones(COUNT), np.zeros(COUNT)])
    assert area_under_curve(np.concatenate([found, own]), truth) >= 0.95
    assert (found > 1).mean() >= refused


@pytest.mark.parametrize("names", [None, FIVE_ELECTRODES, ("II", "V5"), ("II",), ("I",)])
def test_electrocardiograms_pass_with_any_leads(
    names: tuple[str, ...] | None, model: Model, many: list[EcgLeads]
) -> None:
    found = [distance(model, leads.chosen(names) if names else leads) for leads in many]
    assert np.mean(np.array(found) <= 1) >= 0.93
