"""Einthoven's and Goldberger's algebra, and what leads refuse."""

from __future__ import annotations

import numpy as np
import pytest

from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads, with_derived_limb_leads
from phantoms.ecg import simulate_ecg


@pytest.mark.parametrize("pair", [("I", "II"), ("I", "III"), ("II", "III")])
def test_two_limb_leads_give_the_other_four(pair: tuple[str, str]) -> None:
    ecg = simulate_ecg()
    complete = with_derived_limb_leads(EcgLeads(pair, np.stack([ecg.lead(name) for name in pair]), 500.0))
    assert complete.names == STANDARD_LEADS[:6]
    for name in complete.names:
        found = complete.lead(name)
        assert found is not None
        assert np.abs(found - ecg.lead(name)).max() < 1e-9


def test_recorded_leads_are_never_replaced() -> None:
    signal = np.arange(12.0).reshape(3, 4)
    complete = with_derived_limb_leads(EcgLeads(("I", "II", "aVF"), signal, 500.0))
    np.testing.assert_array_equal(complete.lead("aVF"), signal[2])


def test_one_limb_lead_gives_no_other() -> None:
    leads = EcgLeads(("II", "V5"), np.zeros((2, 4)), 500.0)
    assert with_derived_limb_leads(leads) is leads


@pytest.mark.parametrize("names", [("I",), ("I", "I"), ()])
def test_names_that_do_not_go_with_the_signal(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="lead"):
        EcgLeads(names, np.zeros((2, 4)), 500.0)


@pytest.mark.parametrize("frequency", [100.0, 128.0, 360.0, 1000.0])
def test_resampling_keeps_time_and_size(frequency: float) -> None:
    times = np.arange(round(4 * frequency)) / frequency
    wave = np.sin(2 * np.pi * 3 * times)
    found = EcgLeads(("I",), wave[None], frequency).resampled(500.0)
    expected = np.sin(2 * np.pi * 3 * np.arange(found.signal.shape[1]) / 500)
    assert found.duration == pytest.approx(4.0, abs=0.01)
    np.testing.assert_allclose(found.signal[0, 250:-250], expected[250:-250], atol=0.01)
