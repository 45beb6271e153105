from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from operators.write.base.decimals import decimal, decimals


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e12, 1e12))
def test_any_number_fits_and_comes_back(value: float) -> None:
    text = str(decimal(value))
    assert len(text) <= 16
    # A sign, a point, a leading zero and an exponent of four leave at least nine digits.
    assert abs(float(text) - value) <= 1e-8 * abs(value)


def test_zero_has_no_sign() -> None:
    assert [str(value) for value in decimals([-0.0, 1 / 3])] == ["0.0", "0.33333333333333"]
