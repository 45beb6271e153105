"""Windows and VOI lookup tables: the standard's own formulas, pydicom, and DCMTK's rendering."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi, apply_windowing

from operators.read.attributes import MalformedAttributeError
from operators.read.frames import read_frames
from operators.read.values.display import Window, is_inverted, shown, values_of_interest
from phantoms.frames.pictures import greys
from phantoms.frames.radiography import write_radiograph
from tests.operators.read.encoded_pictures import instance_at, picture
from tests.operators.read.slices import decimals, save
from tests.peers import dcmtk


def test_the_examples_of_the_standard() -> None:
    """PS3.3 section C.11.2.1.2.1, output 0 to 255."""
    full = Window(2048, 4096)(np.array([-5.0, 0.0, 4095.0, 5000.0])) * 255
    np.testing.assert_allclose(full, [0, 0, 255, 255])
    unit = Window(2048, 1)(np.array([2047.0, 2048.0]))
    np.testing.assert_array_equal(unit, [0, 1])
    three = Window(0, 100)(np.array([-50.0, -49.5, 49.5 - 0.5, 50.0])) * 255
    np.testing.assert_allclose(three, [0, 255 * (-49.5 + 0.5) / 99 + 127.5, 255.0, 255])
    exact = Window(0, 100, "LINEAR_EXACT")(np.array([-51.0, -50.0, 0.0, 50.0])) * 255
    np.testing.assert_allclose(exact, [0, 0, 127.5, 255])
    sigmoid = Window(10, 4, "SIGMOID")(np.array([10.0, 12.0]))
    np.testing.assert_allclose(sigmoid, [0.5, 1 / (1 + np.exp(-2))])


@settings(max_examples=60, deadline=None)
@given(
    center=st.floats(-500, 3000),
    width=st.floats(1.5, 4000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_pydicom_windows_likewise(center: float, width: float, function: str) -> None:
    stored = greys(16, 16, bits=12)[0]
    header = picture(stored[None], bits=12)
    (header.WindowCenter, header.WindowWidth), header.VOILUTFunction = decimals([center, width]), function
    (window,) = values_of_interest(header, "1.2.840.10008.1.2.1", is_signed=False)  # type: ignore[arg-type]
    assert isinstance(window, Window)
    expected = apply_windowing(stored, header)
    np.testing.assert_allclose(window(stored) * 4095, expected, atol=1e-6)


def voi_header(entries: list[int], first: int, bits: int, **attributes: Any) -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(entries), first, bits], entries
    item.LUTExplanation = "soft"
    header = picture(greys(4, 4, bits=12), bits=12)
    header.VOILUTSequence = [item]
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return header


def test_a_lookup_table_comes_before_windows(tmp_path: Path) -> None:
    entries = [int(1023 * (index / 63) ** 2) for index in range(64)]
    header = voi_header(entries, 1000, 10, WindowCenter=5, WindowWidth=10)
    header.VOILUTSequence[0]["LUTDescriptor"].VR = "US"
    header.VOILUTSequence[0]["LUTData"].VR = "US"
    frames = read_frames(instance_at(save(header, tmp_path / "image.dcm")))
    table, window = frames.voi[0]
    assert (table.explanation, window) == ("soft", Window(5, 10))
    expected = apply_voi(frames.array[0], header).astype(float) / 1023
    np.testing.assert_allclose(table(frames.array[0]), expected)
    np.testing.assert_array_equal(frames.shown(0), np.round(expected * 255))


def test_a_signed_first_value_follows_the_values(tmp_path: Path) -> None:
    """The parser may take it for unsigned: 65526 is -10 where values may be negative (C.11.2.1.1)."""
    header = voi_header(list(range(0, 2000, 100)), 65526, 12)
    header.VOILUTSequence[0]["LUTDescriptor"].VR = "US"
    header.VOILUTSequence[0]["LUTData"].VR = "US"
    header.RescaleSlope, header.RescaleIntercept = 1, -10
    header.PixelData = np.arange(16, dtype="u2").tobytes()
    frames = read_frames(instance_at(save(header, tmp_path / "image.dcm")))
    assert frames.array.min() == -10
    np.testing.assert_allclose(frames.voi[0][0](frames.array[0]).ravel() * 4095, np.arange(16) * 100)


def test_windows_that_mean_nothing_are_left_out() -> None:
    header = Dataset()
    header.WindowCenter, header.WindowWidth = [40, 50, 60], [0, 0.5, 400]
    header.WindowCenterWidthExplanation = ["a", "b", "soft tissue"]
    syntax: Any = "1.2.840.10008.1.2.1"
    assert values_of_interest(header, syntax, is_signed=True) == (Window(60, 400, "LINEAR", "soft tissue"),)
    header.VOILUTFunction = "LINEAR_EXACT"
    assert len(values_of_interest(header, syntax, is_signed=True)) == 2
    header.VOILUTFunction = "CUBIC"
    with pytest.raises(MalformedAttributeError):
        values_of_interest(header, syntax, is_signed=True)
    header.VOILUTFunction, header.WindowCenter = "LINEAR", [40]
    with pytest.raises(MalformedAttributeError):
        values_of_interest(header, syntax, is_signed=True)


def test_inversion_is_said_once_or_twice_and_done_once() -> None:
    header = Dataset()
    for photometric, shape, inverted in (
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
    ):
        header.PhotometricInterpretation, header.PresentationLUTShape = photometric, shape
        assert is_inverted(header) is inverted


def test_without_a_window_the_whole_range_is_shown() -> None:
    assert shown(np.array([[-5, 0, 5]]), None, inverted=False).tolist() == [[0, 128, 255]]
    assert shown(np.array([[3, 3]]), None, inverted=True).tolist() == [[128, 128]]


@pytest.mark.peer
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [(2048, 4096), (1000, 700), (3000, 1)])
def test_dcmtk_shows_the_same(tmp_path: Path, photometric: str, window: tuple[int, int]) -> None:
    written = write_radiograph(tmp_path, photometric=photometric, WindowCenter=window[0], WindowWidth=window[1])
    target = tmp_path / "shown.pgm"
    subprocess.run([dcmtk("dcm2pnm"), "+Wi", "1", str(written.path), str(target)], check=True, capture_output=True)
    frames = read_frames(instance_at(written.path))
    np.testing.assert_array_equal(frames.array, written.array)
    second = np.array(Image.open(target)).astype(int)
    np.testing.assert_allclose(frames.shown(0).astype(int), second, atol=1)
