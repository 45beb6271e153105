"""Units of measurement have to be codes of UCUM that exist."""

from __future__ import annotations

from pydicom.sr.coding import Code

from operators.measure.units import is_unit


def require_unit(what: str, unit: Code) -> Code:
    """Return ``unit`` if it is a code of UCUM (PS3.16 section 7.2.2); ``what`` names what is measured in it.

    Raises :class:`ValueError` for another coding scheme and for a code that UCUM does not have.
    """
    if unit.scheme_designator != "UCUM":
        raise ValueError(f"the unit of {what} is of {unit.scheme_designator!r}, not of UCUM: {unit.value!r}")
    if not is_unit(unit.value):
        raise ValueError(f"the unit of {what} is {unit.value!r}, which UCUM does not have")
    return unit
