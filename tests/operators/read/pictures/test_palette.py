"""Palette colour against pydicom, and its segments against the standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRBigEndian

from operators.read.frames import read_frames
from operators.refused import Reason, Refused
from tests.operators.read.encoded_pictures import instance_at, picture
from tests.operators.read.slices import save

Array = NDArray[Any]

COLOURS = ("Red", "Green", "Blue")


def palette_picture(
    indices: Array, tables: Array, *, first: int = 0, bits: int = 16, in_words: bool = True, **attributes: Any
) -> Any:
    """An image whose palettes are the columns of ``tables``."""
    instance = picture(indices, photometric="PALETTE COLOR", **attributes)
    for channel, colour in enumerate(COLOURS):
        entries = tables[:, channel]
        setattr(instance, f"{colour}PaletteColorLookupTableDescriptor", [len(entries) % 65536, first, bits])
        data = entries.astype("<u2").tobytes() if in_words else entries.astype("u1").tobytes()
        setattr(instance, f"{colour}PaletteColorLookupTableData", data + b"\0" * (len(data) % 2))
    return instance


@settings(max_examples=40, deadline=None)
@given(
    entries=st.integers(1, 300),
    first=st.integers(-40, 40),
    bits=st.sampled_from([8, 16]),
    in_words=st.booleans(),
    signed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_colours_are_those_of_the_table(
    tmp_path_factory: pytest.TempPathFactory,
    entries: int,
    first: int,
    bits: int,
    in_words: bool,
    signed: bool,
    seed: int,
) -> None:
    first = first if signed else abs(first)
    random = np.random.default_rng(seed)
    tables = random.integers(0, 1 << bits, (entries, 3))
    tables[0] = (1 << bits) - 1
    indices = random.integers(-50 if signed else 0, 400, (2, 5, 6)).astype("i2" if signed else "u2")
    instance = palette_picture(indices, tables, first=first, bits=bits, in_words=in_words or bits == 16)
    frames = read_frames(instance_at(save(instance, tmp_path_factory.getbasetemp() / "palette.dcm")))
    expected = tables[np.clip(indices.astype(int) - first, 0, entries - 1)]
    np.testing.assert_array_equal(frames.array, expected)
    assert (frames.photometric_interpretation, frames.bits_stored) == ("RGB", bits)
    assert frames.array.dtype == np.dtype(f"u{bits // 8}")


def test_pydicom_makes_the_same_colours(tmp_path: Path) -> None:
    tables = np.random.default_rng(1).integers(0, 1 << 16, (256, 3))
    indices = np.arange(64, dtype=np.uint8).reshape(1, 8, 8) * 4
    path = save(palette_picture(indices, tables), tmp_path / "image.dcm")
    dataset = dcmread(path)
    np.testing.assert_array_equal(
        read_frames(instance_at(path)).array[0], apply_color_lut(dataset.pixel_array, dataset)
    )


def test_a_full_table_has_zero_entries_by_name(tmp_path: Path) -> None:
    tables = np.stack([np.arange(65536), np.arange(65536)[::-1], np.full(65536, 7)], axis=-1)
    indices = np.array([[[0, 1, 65535]]], dtype=np.uint16)
    frames = read_frames(instance_at(save(palette_picture(indices, tables), tmp_path / "image.dcm")))
    np.testing.assert_array_equal(frames.array[0, 0], [[0, 65535, 7], [1, 65534, 7], [65535, 0, 7]])


def test_big_endian_tables(tmp_path: Path) -> None:
    tables = np.random.default_rng(1).integers(0, 1 << 16, (16, 3))
    indices = np.arange(16, dtype=">u2").reshape(1, 4, 4)
    instance = palette_picture(indices, tables)
    for channel, colour in enumerate(COLOURS):
        setattr(instance, f"{colour}PaletteColorLookupTableData", tables[:, channel].astype(">u2").tobytes())
    path = save(instance, tmp_path / "image.dcm", ExplicitVRBigEndian)
    np.testing.assert_array_equal(read_frames(instance_at(path)).array[0], tables.reshape(4, 4, 3))


def segmented(entries: int, words: list[int], bits: int = 16) -> Any:
    indices = np.arange(entries, dtype=np.uint8).reshape(1, 1, entries)
    instance = palette_picture(indices, np.zeros((entries, 3), int), bits=bits)
    for colour in COLOURS:
        delattr(instance, f"{colour}PaletteColorLookupTableData")
        data = np.array(words, "<u2" if bits == 16 else "u1").tobytes()
        setattr(instance, f"Segmented{colour}PaletteColorLookupTableData", data + b"\0" * (len(data) % 2))
    return instance


@pytest.mark.parametrize("bits", [8, 16])
def test_segments_are_expanded(tmp_path: Path, bits: int) -> None:
    """Discrete 10, 20; linear to 50 in three steps; the first two segments again (PS3.3 section C.7.9.2)."""
    offset = [0, 0] if bits == 16 else [0, 0, 0, 0]
    words = [0, 2, 10, 20, 1, 3, 50, 2, 2, *offset, 0, 1, 7]
    path = save(segmented(11, words, bits), tmp_path / "image.dcm")
    found = read_frames(instance_at(path)).array[0, 0, :, 1].tolist()
    assert found == [10, 20, 30, 40, 50, 10, 20, 30, 40, 50, 7]


def test_pydicom_expands_discrete_and_linear_segments_likewise(tmp_path: Path) -> None:
    path = save(segmented(9, [0, 1, 3, 1, 7, 60000, 1, 1, 5]), tmp_path / "image.dcm")
    dataset = dcmread(path)
    expected = apply_color_lut(dataset.pixel_array, dataset)
    np.testing.assert_array_equal(read_frames(instance_at(path)).array[0], expected)


@pytest.mark.parametrize(
    "words",
    [
        [1, 3, 50],
        [0, 20, 1, 2],
        [0, 1, 5, 3, 1, 1],
        [0, 1, 5],
        [0, 1, 5, 2, 1, 6, 0, 0, 0],
        [0, 0, 5, 5],
        [0, 1, 5, 2, 65535, 0, 0, 2, 65535, 0, 0, 2, 65535, 0, 0],
    ],
)
def test_wrong_segments_are_refused(tmp_path: Path, words: list[int]) -> None:
    with pytest.raises(Refused) as refused:
        read_frames(instance_at(save(segmented(9, words), tmp_path / "image.dcm")))
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_absent_or_different_tables_are_refused(tmp_path: Path) -> None:
    indices = np.zeros((1, 2, 2), np.uint8)
    tables = np.zeros((16, 3), int)
    for number, (keyword, value) in enumerate(
        {
            "RedPaletteColorLookupTableDescriptor": None,
            "GreenPaletteColorLookupTableData": None,
            "BluePaletteColorLookupTableDescriptor": [16, 1, 16],
            "RedPaletteColorLookupTableData": b"\0\0",
        }.items()
    ):
        instance = palette_picture(indices, tables)
        if value is None:
            delattr(instance, keyword)
        else:
            setattr(instance, keyword, value)
        with pytest.raises(Refused) as refused:
            read_frames(instance_at(save(instance, tmp_path / f"{number}.dcm")))
        assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
