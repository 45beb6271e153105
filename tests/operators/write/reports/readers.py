"""Second readers of reports, as plain trees: pydicom's parse and DCMTK's dsrdump."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ComprehensiveSRStorage

from operators.write.base.result import save
from tests.peers import dcmtk


def items(node: Dataset) -> Iterator[Dataset]:
    """Every content item under a node, depth first."""
    for child in node.get("ContentSequence", ()):
        yield child
        yield from items(child)


def meaning(item: Dataset) -> str:
    """The meaning of an item's concept name; of an item by reference, none."""
    return str(item.ConceptNameCodeSequence[0].CodeMeaning) if "ConceptNameCodeSequence" in item else ""


def named(node: Dataset, name: str) -> list[Dataset]:
    """The items of this name under a node."""
    return [item for item in items(node) if meaning(item) == name]


def value(item: Dataset) -> str | float | None:
    """The value of an item, a code as its meaning; None of a number that could not be measured."""
    if item.ValueType == "NUM":
        measured = item.MeasuredValueSequence
        return float(measured[0].get("FloatingPointValue", measured[0].NumericValue)) if measured else None
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].CodeMeaning)
    keyword = {"TEXT": "TextValue", "UIDREF": "UID", "PNAME": "PersonName", "DATETIME": "DateTime"}[item.ValueType]
    return str(item[keyword].value)


def said(node: Dataset, name: str) -> list[str | float | None]:
    """The values of the items of this name under a node."""
    return [value(item) for item in named(node, name)]


def dsrdump(path: Path, *options: str) -> str:
    """What DCMTK reads: it refuses a document whose relationships its IOD does not allow (PS3.3 A.35)."""
    done = subprocess.run([dcmtk("dsrdump"), *options, str(path)], capture_output=True, check=False, timeout=60)
    problems = [line for line in done.stderr.decode(errors="replace").splitlines() if line[:2] in ("E:", "F:")]
    assert done.returncode == 0, problems
    assert not problems
    return done.stdout.decode(errors="replace")


def as_comprehensive(report: FileDataset, folder: Path) -> Path:
    """The same tree as a Comprehensive SR, for readers that do not know the report's SOP class."""
    folder.mkdir()
    copy = dcmread(save(report, folder))
    copy.SOPClassUID = copy.file_meta.MediaStorageSOPClassUID = ComprehensiveSRStorage
    path = folder / "comprehensive.dcm"
    copy.save_as(path)
    return path
