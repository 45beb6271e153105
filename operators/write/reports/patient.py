"""Whom the numbers are of: the patient characteristics of TID 3704 and 5201 of PS3.16."""

from __future__ import annotations

import math
import re

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.write.reports.content import CONTAINS, code, container, number

_AGE = re.compile(r"(\d{3})([DWMY])")
# PS3.16 CID 7456
_AGE_UNITS = {
    "D": Code("d", "UCUM", "day"),
    "W": Code("wk", "UCUM", "week"),
    "M": Code("mo", "UCUM", "month"),
    "Y": Code("a", "UCUM", "year"),
}
# PS3.16 CID 7455
_SEXES = {
    "M": Code("M", "DCM", "Male"),
    "F": Code("F", "DCM", "Female"),
    "O": Code("121103", "DCM", "Undetermined sex"),
}
_SUBJECT_AGE = Code("121033", "DCM", "Subject Age")
_SUBJECT_SEX = Code("121032", "DCM", "Subject Sex")
_HEIGHT = Code("8302-2", "LN", "Patient Height")
_WEIGHT = Code("29463-7", "LN", "Patient Weight")


def patient_characteristics(source: Dataset, template: str) -> list[Dataset]:
    """Return a container of age, sex, height and weight, as far as a study's header tells; nothing if it does not."""
    items = []
    if age := _AGE.fullmatch(str(source.get("PatientAge") or "")):
        items.append(number(CONTAINS, _SUBJECT_AGE, int(age[1]), _AGE_UNITS[age[2]]))
    if (sex := source.get("PatientSex")) in _SEXES:
        items.append(code(CONTAINS, _SUBJECT_SEX, _SEXES[sex]))
    for keyword, name, factor, unit in (
        # Patient's Size (0010,1020) is in m.
        ("PatientSize", _HEIGHT, 100.0, codes.UCUM.Centimeter),
        ("PatientWeight", _WEIGHT, 1.0, Code("kg", "UCUM", "kilogram")),
    ):
        try:
            value = float(source.get(keyword) or math.nan) * factor
        # What an anonymiser left in place of the number.
        except (TypeError, ValueError):
            continue
        if math.isfinite(value):
            items.append(number(CONTAINS, name, round(value, 6), unit))
    return [container(CONTAINS, codes.DCM.PatientCharacteristics, *items, template=template)] if items else []
