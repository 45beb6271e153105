from __future__ import annotations

import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.write.base.units import require_unit


def test_a_unit_of_ucum_is_returned() -> None:
    assert require_unit("a volume", codes.UCUM.CubicMillimeter) == codes.UCUM.CubicMillimeter


def test_what_is_no_unit_is_an_error() -> None:
    with pytest.raises(ValueError, match="the unit of a volume is of '99LOCAL', not of UCUM"):
        require_unit("a volume", Code("mm3", "99LOCAL", "mm3"))
    with pytest.raises(ValueError, match="which UCUM does not have"):
        require_unit("a volume", Code("mm^3", "UCUM", "mm3"))
