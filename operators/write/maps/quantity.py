"""One quantity of a Parametric Map, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.write.base.texts import require_text
from operators.write.base.units import require_unit


@dataclass(frozen=True, eq=False)
class Quantity:
    """What is mapped: a coded quantity (``name``) in a ``unit`` (UCUM), and where it was found.

    ``values`` is (slice, row, column) in that unit, NaN where there is none. ``label`` (at most 16 characters) tells
    the quantities of one object apart, ``explanation`` (at most 64) says what the numbers are; ``method`` is how they
    were measured, where that is coded.
    """

    name: Code
    unit: Code
    values: NDArray[np.number[Any]]
    label: str
    explanation: str
    method: Code | None = None


def check_quantities(quantities: Sequence[Quantity]) -> tuple[int, int, int]:
    """Return the shape (slice, row, column) that all quantities have.

    Raises :class:`ValueError` if there are none, shapes differ, labels are equal, a unit is not of UCUM, a text does
    not fit or a value is infinite or no real number.
    """
    if not quantities:
        raise ValueError("a parametric map needs at least one quantity")
    shape = quantities[0].values.shape
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"values are (slice, row, column), not {shape}")
    if len({quantity.label for quantity in quantities}) != len(quantities):
        raise ValueError("quantities must have different labels")
    for quantity in quantities:
        require_text("the label of a quantity", quantity.label, "SH")
        require_text("the explanation of a quantity", quantity.explanation, "LO")
        require_unit(repr(quantity.label), quantity.unit)
        if quantity.values.shape != shape:
            raise ValueError(f"{quantity.label!r} is {quantity.values.shape}, {quantities[0].label!r} is {shape}")
        if quantity.values.dtype.kind not in "uif":
            raise ValueError(f"the values of {quantity.label!r} are {quantity.values.dtype}, not real numbers")
        if np.isinf(quantity.values).any():
            raise ValueError(f"{quantity.label!r} has an infinite value; where there is none, it is NaN")
    return shape[0], shape[1], shape[2]
