"""Whatever happens to a file on its way: it is recorded, refused by name or read, and nothing else is raised."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.manifest import Manifest
from operators.read.geometry.slice_geometry import missing_slices
from operators.read.selection import is_accepted, missing_roles, select_series
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.refused import Refused
from tests.operators.read.slices import ramp, write_series

SLICES = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    write_series(
        folder,
        ramp("u2", (SLICES, 4, 3)),
        SeriesDescription="t1 mprage",
        InversionTime=900,
        RepetitionTime=2300,
        EchoTime=3,
        MRAcquisitionType="3D",
        SeriesTime="101010",
        SpecificCharacterSet="ISO_IR 100",
        RescaleSlope=1,
        RescaleIntercept=0,
    )
    return folder


def analyse(folder: Path, manifest: Manifest) -> None:
    study = read_study(folder)
    is_accepted(study, manifest)
    selection = select_series(study, manifest)
    missing_roles(selection, manifest)
    for series in study.series:
        missing_slices(series)
    for series in selection.series.values():
        read_volume(series)


@settings(max_examples=100, deadline=None)
@given(
    index=st.integers(0, SLICES - 1),
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 12),
    inserted=st.binary(max_size=4),
    cut=st.booleans(),
)
def test_a_damaged_file_is_never_a_failure_of_ours(
    folder: Path, manifest: Manifest, index: int, place: float, removed: int, inserted: bytes, cut: bool
) -> None:
    path = folder / f"{index:03d}.dcm"
    content = path.read_bytes()
    at = 132 + int(place * (len(content) - 132))
    path.write_bytes(content[:at] + inserted + (b"" if cut else content[at + removed :]))
    try:
        # pydicom tells of what it finds odd.
        with warnings.catch_warnings(), suppress(Refused):
            warnings.simplefilter("ignore")
            analyse(folder, manifest)
    finally:
        path.write_bytes(content)
