"""The guides tell every app's series, settings and SOP classes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    KeyObjectSelectionDocumentStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from apps.run import app_manifest, app_names

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = (DOCS / "user-guide.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")

SOP_CLASSES = {
    "ecg_report": ComprehensiveSRStorage,
    "key_object_selection": KeyObjectSelectionDocumentStorage,
    "measurement_report": Comprehensive3DSRStorage,
    "parametric_map": ParametricMapStorage,
    "secondary_capture": SecondaryCaptureImageStorage,
    "segmentation": SegmentationStorage,
    "waveform_annotation_report": "1.2.840.10008.5.1.4.1.1.88.77",
}
"""What the objects of the apps here are."""


def rows(text: str, cells: int) -> list[list[str]]:
    """The rows of tables of so many columns; an empty first cell is that of the row above."""
    found: list[list[str]] = []
    for line in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        row = [cell.strip() for cell in line.split("|")]
        if len(row) == cells:
            found.append([row[0] or found[-1][0], *row[1:]])
    return found


@pytest.mark.parametrize("app", app_names())
def test_every_series_of_an_app_is_told_with_its_number(app: str) -> None:
    told = {(title, number) for name, title, number, _ in rows(GUIDE, 4) if name == f"`{app}`"}
    assert told == {(output.title, str(output.series_number)) for output in app_manifest(app).outputs.values()}


def test_every_setting_is_told_with_its_default() -> None:
    settings = {
        (f"`{key}`", f"`{app}`", f"`{str(value).lower()}`")
        for app in app_names()
        for key, value in app_manifest(app).settings.items()
    }
    told = {(key, app, default) for key, app, default, _ in rows(GUIDE, 4) if app.strip("`") in app_names()}
    assert told == settings


@pytest.mark.parametrize("app", app_names())
def test_an_archive_is_told_every_sop_class_of_an_app(app: str) -> None:
    needs = OPERATIONS.split("\n## What it needs\n")[1].split("\n## ")[0]
    header, _, *classes = rows(needs, 5)
    (column,) = (number for number, cell in enumerate(header) if app in cell)
    # A cell of several apps that names one is about that one.
    told = {row[1] for row in classes if row[column] and (app in row[column] or "`" not in row[column])}
    assert told == {SOP_CLASSES[output.object] for output in app_manifest(app).outputs.values()}
