"""From stored values to values: signs, tables, mappings, padding, units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_rescale
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes

from operators.read.rules import ReadingRules
from operators.refused import Reason, Refused
from phantoms.volumes.single_frame import write_ct, write_mr, write_pet
from tests.operators.read.second_readers import volume_of
from tests.operators.read.slices import AXIAL, ramp

SHAPE = (4, 6, 5)


def refusal(folder: Path, **rules: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        volume_of(folder, ReadingRules(**rules))
    return refused.value


def table(data: list[int] | bytes, descriptor: list[int], vr: str = "US") -> Sequence:
    item = Dataset()
    item.add_new(0x00283002, "US" if descriptor[1] >= 0 else "SS", descriptor)
    item.ModalityLUTType = "HU"
    item.add_new(0x00283006, vr, data)
    return Sequence([item])


@settings(deadline=None, max_examples=40)
@given(
    bits=st.integers(2, 16),
    signed=st.booleans(),
    slope=st.sampled_from([1, 2, -3, 0.25, 1.37, 40000]),
    intercept=st.sampled_from([0, -1024, 32767, -40000, 0.5]),
    seed=st.integers(0, 99),
)
def test_any_pixel_format_and_rescale_is_what_pydicom_calculates(
    tmp_path_factory: pytest.TempPathFactory, bits: int, signed: bool, slope: float, intercept: float, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("series")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    dtype = ("i" if signed else "u") + ("1" if bits <= 8 else "2")
    stored = np.random.default_rng(seed).integers(low, high, (2, 4, 4), endpoint=True).astype(dtype)
    stored[0, 0, 0], stored[0, 0, 1] = low, high
    written = write_ct(folder, stored, AXIAL, slope=slope, intercept=intercept, bits_stored=bits)
    volume = volume_of(folder)
    instances = [dcmread(path) for path in written.paths]
    expected = np.stack([apply_rescale(instance.pixel_array, instance) for instance in instances])
    assert volume.units == "HU"
    if volume.array.dtype.kind == "f":
        np.testing.assert_array_equal(volume.array, expected.astype(np.float32))
    else:
        np.testing.assert_array_equal(volume.array, expected)
        assert float(slope).is_integer()


@pytest.mark.parametrize(("descriptor", "dtype"), [([6, 0, 16], "u2"), ([6, 3, 8], "u2"), ([6, -2, 16], "u2")])
def test_a_modality_lut_is_applied_as_pydicom_applies_it(tmp_path: Path, descriptor: list[int], dtype: str) -> None:
    signed = descriptor[1] < 0
    stored = np.arange(-5 * signed, 40 - 5 * signed).reshape(2, 4, 5).astype("i2" if signed else "u2")
    data = [10, 20, 25, 90, 200, 255]
    written = write_mr(tmp_path, stored, AXIAL, ModalityLUTSequence=table(data, descriptor))
    volume = volume_of(tmp_path)
    assert (volume.array.dtype, volume.units) == (np.dtype(dtype), "HU")
    for plane, path in zip(volume.array, written.paths, strict=True):
        instance = dcmread(path)
        np.testing.assert_array_equal(plane, apply_modality_lut(instance.pixel_array, instance))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"ModalityLUTSequence": table([1, 2], [6, 0, 16])}, "16 bits with 2 of 6 entries"),
        ({"ModalityLUTSequence": Sequence([Dataset()])}, "Modality LUT without descriptor"),
        ({"ModalityLUTSequence": table([1, 2], [2, 0, 16]), "RescaleSlope": 2}, "as well as a Rescale Slope"),
        ({"RescaleSlope": 0}, "Rescale Slope of 0"),
    ],
)
def test_what_cannot_be_applied_is_refused(tmp_path: Path, attributes: dict[str, Any], said: str) -> None:
    write_mr(tmp_path, ramp("u2", SHAPE), AXIAL, **attributes)
    refused = refusal(tmp_path)
    assert refused.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert said in refused.detail


def mapping(slope: float, intercept: float = 0.0) -> Dataset:
    item = Dataset()
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = 0, 4095
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, intercept
    unit = Dataset()
    code = codes.UCUM.SquareMillimeterPerSecond
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = code.value, "UCUM", code.meaning
    item.MeasurementUnitsCodeSequence = Sequence([unit])
    return item


def test_a_real_world_value_mapping_is_the_calibration_where_there_is_no_other(tmp_path: Path) -> None:
    stored = ramp("u2", SHAPE)
    write_mr(tmp_path / "only", stored, AXIAL, RealWorldValueMappingSequence=Sequence([mapping(1e-6, 0.25)]))
    volume = volume_of(tmp_path / "only")
    np.testing.assert_array_equal(volume.array, (stored * 1e-6 + 0.25).astype(np.float32))
    assert volume.units == "mm2/s"

    write_mr(
        tmp_path / "both",
        stored,
        AXIAL,
        RealWorldValueMappingSequence=Sequence([mapping(1e-6)]),
        RescaleSlope=2,
        RescaleIntercept=1,
    )
    volume = volume_of(tmp_path / "both")
    np.testing.assert_array_equal(volume.array, stored * 2 + 1)
    assert volume.units == ""

    write_mr(tmp_path / "two", stored, AXIAL, RealWorldValueMappingSequence=Sequence([mapping(1e-6), mapping(2.0)]))
    refused = refusal(tmp_path / "two")
    assert refused.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert "2 Real World Value Mappings" in refused.detail


def test_slices_of_different_units_are_refused(tmp_path: Path) -> None:
    write_ct(tmp_path, ramp("u2", SHAPE), AXIAL, each=lambda index: {"RescaleType": "US" if index == 2 else "HU_MOD"})
    refused = refusal(tmp_path)
    assert refused.reason is Reason.MIXED_UNITS
    assert "HU (instance 3), HU_MOD" in refused.detail


def test_presentation_changes_no_value(tmp_path: Path) -> None:
    stored = ramp("u2", SHAPE)
    write_mr(tmp_path, stored, AXIAL, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    np.testing.assert_array_equal(volume_of(tmp_path).array, stored)


def padded(value: int, dtype: str) -> np.ndarray[Any, Any]:
    stored = ramp(dtype, SHAPE, start=100)
    stored[:, 0, :2] = value
    return stored


@pytest.mark.parametrize("written", [-2000, 63536])
def test_the_volume_tells_which_voxels_are_padding(tmp_path: Path, written: int) -> None:
    """GE pads CT with -2000, and systems on the way turn that into 63536."""
    stored = padded(-2000, "i2")
    write_ct(tmp_path, stored, AXIAL, bits_stored=16)
    for path in tmp_path.iterdir():
        instance = dcmread(path)
        instance.add_new(0x00280120, "SS" if written < 0 else "US", written)
        instance.save_as(path)
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.padding_mask(), stored == -2000)
    assert volume.array.min() == -3024
    assert volume.padding is not None
    assert volume.padding.tolist() == [[-3024.0, -3024.0]] * 4

    filled = volume_of(tmp_path, ReadingRules(padding=-1024))
    expected = np.where(stored == -2000, -1024, stored.astype(int) - 1024)
    np.testing.assert_array_equal(filled.array, expected)
    assert filled.padding is None
    assert not filled.padding_mask().any()


def test_a_range_of_padding_and_slopes_of_each_slice(tmp_path: Path) -> None:
    stored = ramp("i2", SHAPE, start=-30, step=1)
    slopes = [0.37, 0.5, 1.9, 1.1]
    write_pet(tmp_path, stored, AXIAL, slopes=slopes)
    for path in tmp_path.iterdir():
        instance = dcmread(path)
        if instance.InstanceNumber != 2:
            instance.add_new(0x00280120, "SS", -3)
            instance.add_new(0x00280121, "SS", -20)
            instance.save_as(path)
    volume = volume_of(tmp_path)
    expected = (stored >= -20) & (stored <= -3)
    expected[1] = False
    np.testing.assert_array_equal(volume.padding_mask(), expected)
    assert volume.padding is not None
    assert np.isnan(volume.padding[1]).all()

    filled = volume_of(tmp_path, ReadingRules(padding=np.nan))
    np.testing.assert_array_equal(np.isnan(filled.array), expected)


def test_a_volume_without_padding_says_so(tmp_path: Path) -> None:
    write_ct(tmp_path, ramp("u2", SHAPE), AXIAL)
    volume = volume_of(tmp_path)
    assert volume.padding is None
    assert not volume.padding_mask().any()


def test_rescaled_values_are_those_of_itk(tmp_path: Path) -> None:
    stored = ramp("i2", SHAPE, start=-60)
    written = write_ct(tmp_path, stored, AXIAL, slope=0.5, intercept=-10.25, bits_stored=16)
    volume = volume_of(tmp_path)
    for plane, path in zip(volume.array, written.paths, strict=True):
        image = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]
        np.testing.assert_array_equal(plane, image.astype(np.float32))
