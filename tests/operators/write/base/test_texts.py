from __future__ import annotations

import pytest

from operators.write.base.texts import require_text


@pytest.mark.parametrize(
    ("value", "vr"), [("Läsion", "LO"), ("x" * 64, "LO"), ("LESION_1", "CS"), ("two\nlines", "ST"), ("x" * 9999, "UT")]
)
def test_what_fits_is_returned(value: str, vr: str) -> None:
    assert require_text("the title", value, vr) == value


@pytest.mark.parametrize(
    ("value", "vr"),
    [
        ("x" * 65, "LO"),
        ("lesion", "CS"),
        ("A" * 17, "CS"),
        ("a\\b", "LO"),
        ("a\nb", "SH"),
        ("x" * 1025, "ST"),
        (" ", "UT"),
    ],
)
def test_what_does_not_fit_is_named(value: str, vr: str) -> None:
    with pytest.raises(ValueError, match="the title"):
        require_text("the title", value, vr)


def test_a_text_may_be_empty_where_that_is_said() -> None:
    assert require_text("the title", "", "LO", empty=True) == ""
