"""Headers that no scanner writes: refused by a reason, never a failure of the reader's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError
from operators.read.rules import ReadingRules
from operators.read.study import read_study
from operators.read.variables import SeriesVariables
from operators.read.volume import read_volumes
from operators.refused import Refused
from phantoms.volumes.common import WrittenVolume
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.enhanced_pet import write_enhanced_pet
from phantoms.volumes.mosaic import write_mosaic
from phantoms.volumes.nuclear import write_nm
from phantoms.volumes.single_frame import write_ct, write_pet
from tests.operators.read.slices import AXIAL, ramp

STORED = ramp("u2", (4, 3, 5))
SIGNED = STORED.astype("i2")

WRITERS: dict[str, Callable[[Path], WrittenVolume]] = {
    "CT": lambda folder: write_ct(folder, STORED, AXIAL, PixelPaddingValue=7, GantryDetectorTilt=0),
    "PT": lambda folder: write_pet(folder, SIGNED, AXIAL, slopes=[1.5, 2.0, 0.5, 1.0], PatientWeight=70),
    "NM": lambda folder: write_nm(folder, STORED, AXIAL),
    "mosaic": lambda folder: write_mosaic(folder, np.stack([STORED, STORED]), AXIAL, b_values=[0, 1000]),
    "enhanced MR": lambda folder: write_enhanced_mr(folder, np.stack([STORED] * 2), AXIAL, b_values=[0, 1000]),
    "enhanced PT": lambda folder: write_enhanced_pet(folder, SIGNED, AXIAL, slopes=[1.5, 2.0, 0.5, 1.0]),
}

TEXTS = [
    "",
    "***",
    "0",
    "-1",
    "1",
    "1e308",
    "-1e308",
    "1e-308",
    "nan",
    "inf",
    "1\\2",
    "1\\2\\3",
    "0\\0\\0\\0\\0\\0",
    "99999999",
]
NUMBERS = [0, 1, 2, 255, 65535]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("originals")
    return {kind: write(folder / kind).folder for kind, write in WRITERS.items()}


def elements(dataset: Dataset) -> Iterator[tuple[Dataset, DataElement]]:
    for element in dataset:
        if element.keyword in (
            "SpecificCharacterSet",
            "PixelData",
            "SOPInstanceUID",
            "SOPClassUID",
            "StudyInstanceUID",
            "SeriesInstanceUID",
        ):
            continue
        yield dataset, element
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=150)
@given(kind=st.sampled_from(list(WRITERS)), data=st.data())
def test_any_value_in_any_element_is_read_or_refused(
    originals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(originals[kind], folder, dirs_exist_ok=True)
    for path in sorted(folder.iterdir())[: data.draw(st.integers(1, 2))]:
        instance = dcmread(path)
        places = list(elements(instance))
        for _ in range(data.draw(st.integers(1, 3))):
            parent, element = places[data.draw(st.integers(0, len(places) - 1))]
            change(parent, element, data)
        instance.save_as(path)
    try:
        study = read_study(folder)
    except Refused:
        return
    for series in study.series:
        for name in ("slices", "voxel_volume", "acquisition_time", "EchoTime"):
            try:
                SeriesVariables(series)(name)
            except MalformedAttributeError:
                continue
        for rules in (
            ReadingRules(),
            ReadingRules(gantry_tilt="resample", padding=-5.0, maximum_gap=0.5, suv="body weight"),
            ReadingRules(choose={"b_value": "highest"}),
        ):
            try:
                volumes = read_volumes(series, rules)
            except Refused:
                continue
            assert all(np.isfinite(volume.affine).all() for volume in volumes)


def change(parent: Dataset, element: DataElement, data: st.DataObject) -> None:
    """Remove the element, put another value into it, or another element into its place."""
    new: Any
    if element.VR in ("DS", "IS", "CS", "DA", "TM", "DT", "LO", "SH", "UI", "AS", "ST"):
        # As a text first, so that pydicom does not judge the value before it is written.
        new = DataElement(element.tag, "UC", data.draw(st.sampled_from(TEXTS)))
        new.VR = element.VR
    elif element.VR in ("US", "SS", "UL", "SL", "FD", "FL"):
        number = data.draw(st.sampled_from(NUMBERS)) % (32767 if element.VR == "SS" else 65536)
        new = DataElement(element.tag, element.VR, number)
    elif element.VR == "SQ":
        new = data.draw(
            st.sampled_from([None, DataElement(element.tag, "SQ", []), DataElement(element.tag, "LO", "x")])
        )
    else:
        new = None
    if new is None:
        parent.pop(element.tag, None)
    else:
        parent[element.tag] = new
