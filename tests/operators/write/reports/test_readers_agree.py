"""Every item of every report is to DCMTK what it is to pydicom: relationship, type, name, value and unit, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from operators.provenance import Analysis
from operators.write.base.result import save
from tests.operators.write.every_object import EVERY_OBJECT
from tests.operators.write.reports.readers import as_comprehensive, dsrdump, items, meaning

REPORTS = [name for name in EVERY_OBJECT if name.endswith("report") or name.startswith("measurement report")]

_LINE = re.compile(r' *<(?P<relationship>[a-z ]+) (?P<type>[A-Z0-9]+):\(,,"(?P<name>.*?)"\)=(?P<value>.*)>')


def as_dcmtk_reads(path: Path) -> Iterator[tuple[str, ...]]:
    for line in dsrdump(path, "-q", "+U8", "+Pl").splitlines():
        if match := _LINE.fullmatch(line):
            kind, value = match["type"], match["value"]
            # Of graphics and references the dump shows parts; other tests compare them.
            shown = value if kind in ("NUM", "CODE", "TEXT", "UIDREF", "PNAME", "DATE", "TIME", "DATETIME") else ""
            yield match["relationship"].upper(), kind, match["name"], shown


def as_pydicom_reads(report: Dataset) -> Iterator[tuple[str, ...]]:
    for item in items(report):
        if "ValueType" in item:
            yield item.RelationshipType, item.ValueType, meaning(item), shown(item)


def shown(item: Dataset) -> str:
    """A value as dsrdump prints it."""
    match item.ValueType:
        case "NUM" if not item.MeasuredValueSequence:
            return f"empty {coded(item.NumericValueQualifierCodeSequence[0])}"
        case "NUM":
            (measured,) = item.MeasuredValueSequence
            # dsrdump prints the floating point value where there is one.
            exact = measured.get("FloatingPointValue")
            number = measured.NumericValue.original_string if exact is None else f"{exact:.16g}"
            return f'"{number}" {coded(measured.MeasurementUnitsCodeSequence[0])}'
        case "CODE":
            return coded(item.ConceptCodeSequence[0])
        case "TEXT" | "UIDREF" | "PNAME" | "DATE" | "TIME" | "DATETIME" as kind:
            keyword = {"TEXT": "TextValue", "UIDREF": "UID", "PNAME": "PersonName", "DATETIME": "DateTime"}
            return f'"{item[keyword.get(kind, kind.title())].value}"'
    return ""


def coded(item: Dataset) -> str:
    value = item.get("CodeValue") or item.get("LongCodeValue")
    return f'({value},{item.CodingSchemeDesignator},"{item.CodeMeaning}")'


@pytest.mark.peer
@pytest.mark.parametrize("name", REPORTS)
def test_readers_agree(name: str, analysis: Analysis, tmp_path: Path) -> None:
    made = EVERY_OBJECT[name](analysis).object
    # Debian's DCMTK does not know Waveform Annotation SR.
    annotation = name == "waveform annotation report"
    path = as_comprehensive(made, tmp_path / "made") if annotation else save(made, tmp_path)
    expected = list(as_pydicom_reads(dcmread(path)))
    assert len(expected) > 15
    assert list(as_dcmtk_reads(path)) == expected
