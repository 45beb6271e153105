"""Physical values come back from stored samples within half the sensitivity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from operators.write.waveforms.stored_samples import StoredSamples, dtype_of, padding_of, stored_samples


def back(stored: StoredSamples) -> NDArray[np.float64]:
    assert stored.sensitivity is not None
    assert stored.baseline is not None
    # By the text that stands in the header.
    return stored.samples.astype(np.float64) * float(str(stored.sensitivity)) + float(str(stored.baseline))


@settings(deadline=None, max_examples=150)
@given(
    values=arrays.arrays(
        np.float64,
        st.integers(1, 12),
        elements=st.one_of(st.floats(-1e6, 1e6, allow_subnormal=False), st.just(float("nan"))),
    ).filter(lambda values: np.abs(values[~np.isnan(values)]).max(initial=0) == 0 or np.nanmax(np.abs(values)) > 1e-6),
    interpretation=st.sampled_from(["SB", "UB", "SS", "SL"]),
)
def test_any_values_come_back(values: NDArray[np.float64], interpretation: str) -> None:
    before = values.copy()
    values.flags.writeable = False
    stored = stored_samples(values, interpretation, "II", has_unit=True, sensitivity=None)
    np.testing.assert_array_equal(values, before)
    missing = np.isnan(values)
    np.testing.assert_array_equal(stored.samples == padding_of(interpretation), missing)
    assert stored.samples.dtype == dtype_of(interpretation)
    assert stored.sensitivity is not None
    assert len(str(stored.sensitivity)) <= 16
    assert len(str(stored.baseline)) <= 16
    present = values[~missing]
    # The texts of header and values have their own last digit, beside the half step.
    digits = 1e-9 * np.abs(present).max(initial=1)
    assert np.abs(back(stored)[~missing] - present).max(initial=0) <= float(stored.sensitivity) / 2 + digits


def test_the_sensitivity_is_as_fine_as_it_can_be() -> None:
    stored = stored_samples(np.array([-1.0, 0.5]), "SS", "II", has_unit=True, sensitivity=None)
    assert stored.sensitivity is not None
    assert 1 / 32767 <= float(stored.sensitivity) <= 1.00002 / 32767
    assert stored.baseline == 0
    # A pressure far from 0 uses all steps between its extremes.
    stored = stored_samples(np.array([80.0, 120.0]), "SS", "P", has_unit=True, sensitivity=None)
    assert stored.baseline == 100
    assert stored.sensitivity is not None
    assert float(stored.sensitivity) <= 20.001 / 32767


def test_a_given_sensitivity_keeps_the_recorders_steps() -> None:
    values = 2.5 * np.arange(-100, 100)
    stored = stored_samples(values, "SS", "II", has_unit=True, sensitivity=2.5)
    np.testing.assert_array_equal(stored.samples, np.arange(-100, 100))
    np.testing.assert_array_equal(back(stored), values)
    with pytest.raises(ValueError, match="does not reach"):
        stored_samples(np.array([1000.0]), "SB", "II", has_unit=True, sensitivity=2.5)


def test_sound_without_a_unit_is_full_scale() -> None:
    values = np.array([-1.0, 0.0, 1.0, np.nan])
    np.testing.assert_array_equal(
        stored_samples(values, "SS", "sound", has_unit=False, sensitivity=None).samples, [-32767, 0, 32767, -32768]
    )
    stored = stored_samples(values, "UB", "sound", has_unit=False, sensitivity=None)
    np.testing.assert_array_equal(stored.samples, [1, 128, 255, 0])
    assert stored.sensitivity is None
    with pytest.raises(ValueError, match="beyond full scale"):
        stored_samples(np.array([1.01]), "UB", "sound", has_unit=False, sensitivity=None)


def test_a_channel_without_any_value_is_padding() -> None:
    stored = stored_samples(np.full(3, np.nan), "SS", "II", has_unit=True, sensitivity=None)
    np.testing.assert_array_equal(stored.samples, [-32768] * 3)
    assert stored.sensitivity == 1
