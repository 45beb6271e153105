"""Concepts and units that the reports of several apps have in common."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.refused import CODING_SCHEME

PRESENT, ABSENT = codes.SCT.Present, codes.SCT.Absent
"""Whether there is what an evaluation names (PS3.16 CID 240)."""

MILLIMETRE, SQUARE_MILLIMETRE = codes.UCUM.Millimeter, codes.UCUM.SquareMillimeter
NO_UNITS = Code("1", "UCUM", "no units")

CONFIDENCE = Code("mean-probability", CODING_SCHEME, "Mean probability inside the outline")
SCALE = Code("scale-of-picture", CODING_SCHEME, "Scale of the picture")
STATEMENT = Code("statement", CODING_SCHEME, "Statement")
