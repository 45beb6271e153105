"""What is worked out once for a series must be what each header says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from operators.read.attributes import integer, numbers
from operators.read.headers.remembered import Remembered, raw_key, tags_of
from operators.read.pixels.stored_values import pixel_format
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.refused import Refused
from phantoms.volumes.single_frame import write_mr
from tests.operators.read.slices import AXIAL, ramp


def test_equal_bytes_are_worked_out_once_and_different_ones_anew(tmp_path: Path) -> None:
    write_mr(tmp_path, ramp("u2", (4, 6, 5)), AXIAL, each=lambda index: {"EchoTime": [80, 80, 90, 80][index]})
    calls = []

    def echo_time(header: Dataset) -> tuple[float, ...]:
        calls.append(header)
        return numbers(header, "EchoTime")

    remembered = Remembered(echo_time, ["EchoTime", "FlipAngle"])
    headers = [instance.header for instance in read_study(tmp_path).instances]
    assert [remembered(header) for header in headers] == [(80.0,), (80.0,), (90.0,), (80.0,)]
    assert len(calls) == 2
    # A value that pydicom has converted may have been changed since: it is asked for every time.
    headers[0].EchoTime = 7
    assert remembered(headers[0]) == (7.0,)
    assert remembered(headers[1]) == (80.0,)


def test_absent_and_empty_are_different_keys(tmp_path: Path) -> None:
    write_mr(tmp_path, ramp("u2", (2, 6, 5)), AXIAL, each=lambda index: {"EchoTime": [None, ""][index]})
    absent, empty = (instance.header for instance in read_study(tmp_path).instances)
    assert raw_key(absent, tags_of(["EchoTime"])) != raw_key(empty, tags_of(["EchoTime"]))


def test_an_unknown_keyword_is_an_error() -> None:
    with pytest.raises(KeyError, match="EchoTimes"):
        tags_of(["EchoTime", "EchoTimes"])


@pytest.mark.parametrize(
    "attributes",
    [
        {"BitsStored": 10, "HighBit": 9},
        {"HighBit": 13},
        {"PixelRepresentation": 1},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"NumberOfFrames": 1},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
        {"Columns": 3, "Rows": 10},
    ],
)
def test_the_pixel_format_of_one_slice_is_not_that_of_the_others(tmp_path: Path, attributes: dict[str, Any]) -> None:
    """Whatever decides on an instance's pixel format is looked at in each instance."""
    stored = ramp("u2", (4, 6, 5), start=3)
    paths = write_mr(tmp_path, stored, AXIAL).paths
    instance = dcmread(paths[2])
    for keyword, value in attributes.items():
        setattr(instance, keyword, value)
    instance.save_as(paths[2])
    (series,) = read_study(tmp_path).series
    forms = [pixel_format(one) for one in series.instances]
    try:
        volume = read_volume(series)
    except Refused:
        # Of half the bits the file holds twice the pixels.
        header = series.instances[2].header
        assert integer(header, "Columns") == 3 or integer(header, "BitsAllocated") == 8
        return
    for plane, path, form in zip(volume.array, paths, forms, strict=True):
        source = dcmread(path)
        shift = form.high_bit + 1 - form.bits_stored
        expected = source.pixel_array >> shift
        np.testing.assert_array_equal(plane, expected)
