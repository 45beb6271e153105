"""Parametric Map: highdicom, dcmqi and our own reader find the same values at the same places."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.planes import Grid
from operators.write.base.result import save
from operators.write.maps.quantity import Quantity
from operators.write.maps.stored_values import StoredType, stored_values
from operators.write.parametric_map import write_parametric_map
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from tests.operators.read.slices import AXIAL, ramp, rotated
from tests.operators.write.studies import WHITE_MATTER, as_series, make_volume
from tests.peers import dcmtk

OUTPUT = OutputPart(object="parametric_map", title="Diffusion", series_number=9005)
DIFFUSION = codes.DCM.DiffusionImageAnalysis
SHAPE = (3, 8, 10)


def some_values(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(900, 400, shape)


def diffusivity(values: NDArray[Any], **changes: Any) -> Quantity:
    given = {
        "name": codes.DCM.ApparentDiffusionCoefficient,
        "unit": Code("um2/s", "UCUM", "um2/s"),
        "label": "ADC",
        "explanation": "Apparent diffusion coefficient",
        **changes,
    }
    return Quantity(values=values, **given)


def anisotropy(values: NDArray[Any]) -> Quantity:
    return diffusivity(
        values,
        name=codes.DCM.FractionalAnisotropy,
        unit=codes.UCUM.NoUnits,
        label="FA",
        explanation="Fractional anisotropy",
        method=codes.DCM.SingleTensor,
    )


def write(analysis: Analysis, place: Volume | Grid, *quantities: Quantity, **changes: Any) -> Any:
    return write_parametric_map("map", OUTPUT, place, quantities, analysis, **{"derivation": DIFFUSION, **changes})


def by_position(read: highdicom.Image, volume: Volume, **how: Any) -> NDArray[np.float64]:
    """The values that highdicom reads, laid onto the volume's grid by where it says that they lie."""
    found = read.get_volume(apply_real_world_transform=True, dtype=np.float64, **how)
    # highdicom's affine takes (slice, row, column); ours (column, row, slice).
    affine = found.affine[:, [2, 1, 0, 3]]
    slices, rows, columns = np.indices(found.array.shape).reshape(3, -1)
    at = np.linalg.inv(volume.affine) @ affine @ np.stack([columns, rows, slices, np.ones_like(rows)])
    column, row, index = np.round(at[:3]).astype(int)
    np.testing.assert_allclose(at[:3], [column, row, index], atol=1e-3)
    result = np.full(volume.array.shape, np.inf)
    result[index, row, column] = found.array.ravel()
    return result


def in_slicer(path: Path, folder: Path) -> sitk.Image:
    """The image that dcmqi makes of a map, as 3D Slicer does."""
    program = Path(sys.executable).with_name("paramap2itkimage")
    folder.mkdir()
    command = [str(program), "--inputDICOM", str(path), "--outputDirectory", str(folder), "--outputType", "nrrd"]
    subprocess.run(command, check=True, capture_output=True)
    return sitk.ReadImage(str(folder / "pmap.nrrd"))


@pytest.mark.parametrize(
    ("orientation", "reversed_order"),
    [("axial", False), ("oblique", False), ("oblique", True), ("sagittal", False), ("coronal", True)],
)
def test_every_value_lies_where_it_was(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], orientation: str, reversed_order: bool
) -> None:
    volume = make_volume(orientation, SHAPE, reversed_order=reversed_order)
    values = some_values()
    values[1, 2, 3] = np.nan
    path = save(write(analysis, volume, diffusivity(values)), tmp_path)
    validate(path)
    stored = values.astype(np.float32)
    np.testing.assert_array_equal(by_position(highdicom.imread(path), volume), stored)

    image = in_slicer(path, tmp_path / "slicer")
    array = sitk.GetArrayFromImage(image)
    for slice_, row, column in np.ndindex(array.shape):
        point = image.TransformIndexToPhysicalPoint((column, row, slice_))
        at = np.linalg.inv(volume.affine) @ [*point, 1]
        expected = stored[tuple(np.round(at[2::-1]).astype(int))]
        np.testing.assert_allclose(at, np.round(at), atol=1e-3)
        np.testing.assert_equal(array[slice_, row, column], expected)


@pytest.mark.parametrize("stored", ["float32", "float64", "uint16"])
def test_quantities_of_one_object_are_told_apart(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], stored: StoredType
) -> None:
    volume = make_volume("oblique", SHAPE)
    first, second = some_values(), some_values(seed=1) / 2000
    result = write(
        analysis, volume, diffusivity(first), anisotropy(second), stored=stored, anatomic_region=WHITE_MATTER
    )
    path = save(result, tmp_path)
    validate(path)
    read = highdicom.imread(path)
    frames = read.get_frames(apply_real_world_transform=True, dtype=np.float64)
    tolerance = {"float32": 1e-4, "float64": 0.0, "uint16": np.ptp(first) / 65534 / 2 * 1.0001}[stored]
    np.testing.assert_allclose(frames[:3], first, rtol=0, atol=tolerance)
    np.testing.assert_allclose(frames[3:], second, rtol=0, atol=tolerance / 1000 + tolerance * 1e-3)
    raw = dcmread(path)
    indices = [list(item.FrameContentSequence[0].DimensionIndexValues) for item in raw.PerFrameFunctionalGroupsSequence]
    assert indices == [[quantity, slice_] for quantity in (1, 2) for slice_ in (1, 2, 3)]
    for number, quantity in ((0, diffusivity(first)), (5, anisotropy(second))):
        (mapping,) = raw.PerFrameFunctionalGroupsSequence[number].RealWorldValueMappingSequence
        assert (mapping.LUTLabel, mapping.LUTExplanation) == (quantity.label, quantity.explanation)
        assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == quantity.unit.value
        named = {
            item.ConceptNameCodeSequence[0].CodeMeaning: item.ConceptCodeSequence[0].CodeValue
            for item in mapping.QuantityDefinitionSequence
        }
        assert named["Quantity"] == quantity.name.value
        assert named.get("Measurement Method") == (None if quantity.method is None else quantity.method.value)
    (anatomy,) = raw.SharedFunctionalGroupsSequence[0].FrameAnatomySequence
    assert anatomy.AnatomicRegionSequence[0].CodeValue == WHITE_MATTER.value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_integers_are_the_same_in_every_encoding(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], syntax: UID
) -> None:
    volume = make_volume("oblique", (3, 7, 9))
    values = some_values((3, 7, 9))
    result = write(analysis, volume, diffusivity(values), stored="uint16", transfer_syntax=syntax)
    path = save(result, tmp_path)
    validate(path)
    half_step = np.ptp(values) / 65534 / 2
    assert np.abs(by_position(highdicom.imread(path), volume) - values).max() <= half_step * (1 + 1e-9)
    # Our own reader decodes with other libraries than highdicom and pydicom.
    (series,) = read_study([path]).series
    own = read_volume(series)
    assert own.units == "um2/s"
    # It keeps rescaled values as float32.
    assert np.abs(own.array.astype(float) - values).max() <= half_step + 2e-4
    if syntax in (RLELossless, JPEGLSLossless):
        program = {RLELossless: "dcmdrle", JPEGLSLossless: "dcmdjpls"}[syntax]
        subprocess.run([dcmtk(program), str(path), str(tmp_path / "native.dcm")], check=True)
        np.testing.assert_array_equal(dcmread(tmp_path / "native.dcm").pixel_array, dcmread(path).pixel_array)


def test_no_value_is_padding_outside_the_mapped_range(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    values = some_values()
    values[0, :2] = np.nan
    values[2, 3, 4] = np.nan
    path = save(write(analysis, make_volume("axial", SHAPE), diffusivity(values), stored="uint16"), tmp_path)
    validate(path)
    raw = dcmread(path)
    (mapping,) = raw.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert raw.PixelPaddingValue == 0
    assert (mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped) == (1, 65535)
    np.testing.assert_array_equal(raw.pixel_array == 0, np.isnan(values))
    (series,) = read_study([path]).series
    own = read_volume(series)
    np.testing.assert_array_equal(own.padding_mask(), np.isnan(values))
    present = ~np.isnan(values)
    np.testing.assert_allclose(own.array[present].astype(float), values[present], atol=np.ptp(values[present]) / 65534)


def test_a_map_on_a_grid_of_its_own(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    source = make_volume("oblique", (6, 10, 12))
    affine = source.affine @ np.diag([2.0, 2.0, 1.5, 1.0])
    shape = (3, 4, 5)
    values = some_values(shape)
    for handed in (affine, affine @ np.diag([1.0, 1.0, -1.0, 1.0])):
        grid = Grid(handed, shape, source.frame_of_reference_uid)
        path = save(write(analysis, grid, diffusivity(values), source=[as_series(source)]), tmp_path)
        validate(path)
        place = Volume(np.zeros(shape), handed, source.frame_of_reference_uid, ())
        np.testing.assert_array_equal(by_position(highdicom.imread(path), place), values.astype(np.float32))
        raw = dcmread(path)
        (derivation,) = raw.SharedFunctionalGroupsSequence[0].DerivationImageSequence
        assert [image.ReferencedSOPInstanceUID for image in derivation.SourceImageSequence] == [
            instance.sop_instance_uid for instance in source.instances
        ]
        # Readers that do not sort see the slices in the direction of row x column.
        first, *_, last = (
            np.array(item.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
            for item in raw.PerFrameFunctionalGroupsSequence
        )
        assert (last - first) @ np.cross(affine[:3, 0], affine[:3, 1]) > 0


def test_a_map_on_frames_of_an_enhanced_source(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    order = [2, 0, 1]
    write_enhanced_mr(tmp_path / "source", ramp("u2", SHAPE), rotated(AXIAL, 15.0, (1.0, 0.2, 0.1)), order=order)
    (series,) = read_study(tmp_path / "source").series
    volume = read_volume(series)
    values = some_values()
    path = save(write(analysis, volume, diffusivity(values), stored="float64"), tmp_path)
    validate(path)
    np.testing.assert_array_equal(by_position(highdicom.imread(path), volume), values)
    for index, groups in enumerate(dcmread(path).PerFrameFunctionalGroupsSequence):
        (image,) = groups.DerivationImageSequence[0].SourceImageSequence
        assert image.ReferencedFrameNumber == order.index(index) + 1


@settings(deadline=None, max_examples=60)
@given(
    values=arrays.arrays(
        np.float64,
        (1, 3, 4),
        elements=st.one_of(st.floats(-1e30, 1e30), st.integers(-30000, 30000).map(float), st.just(float("nan"))),
    ),
    stored=st.sampled_from(["float32", "float64", "uint16"]),
)
def test_what_is_stored_is_what_was_meant(values: NDArray[np.float64], stored: StoredType) -> None:
    before = values.copy()
    values.flags.writeable = False
    found = stored_values(values, stored, "ADC")
    np.testing.assert_array_equal(values, before)
    missing = np.isnan(values)
    if stored == "uint16":
        np.testing.assert_array_equal(found.pixels == 0, missing)
        inside = found.pixels[~missing]
        assert ((inside >= found.first) & (inside <= found.last)).all()
        back = found.slope * inside + found.intercept
        rounding = 4 * np.spacing(np.abs(values[~missing]).max(initial=0.0))
        np.testing.assert_allclose(back, values[~missing], rtol=0, atol=found.slope / 2 * (1 + 1e-9) + rounding)
        whole = (values[~missing] == np.rint(values[~missing])).all() and np.ptp(values[~missing], axis=None) <= 65534 \
            if (~missing).any() else True  # fmt: skip
        if whole:
            assert found.slope == 1.0
    else:
        np.testing.assert_array_equal(found.pixels, values.astype(stored))
        inside = found.pixels[~missing]
        assert inside.size == 0 or (found.first, found.last) == (inside.min(), inside.max())


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    volume, values = make_volume("axial", SHAPE), some_values()
    grid = Grid(volume.affine, SHAPE, volume.frame_of_reference_uid)
    series = [as_series(volume)]
    beyond = values.copy()
    beyond[0, 0, 0] = np.inf
    for message, place, quantities, changes in (
        ("at least one", volume, [], {}),
        ("slice, row, column", volume, [diffusivity(values[0])], {}),
        ("not on 3 slices", volume, [diffusivity(values.transpose(0, 2, 1))], {}),
        ("different labels", volume, [diffusivity(values), diffusivity(values)], {}),
        ("'FA' is", volume, [diffusivity(values), anisotropy(values[:2])], {}),
        ("infinite", volume, [diffusivity(beyond)], {}),
        ("real numbers", volume, [diffusivity(values.astype(complex))], {}),
        ("label of a quantity", volume, [diffusivity(values, label="a label of seventeen")], {}),
        ("explanation of a quantity", volume, [diffusivity(values, explanation="x" * 65)], {}),
        ("not of UCUM", volume, [diffusivity(values, unit=Code("mm2/s", "99LOCAL", "mm2/s"))], {}),
        ("UCUM does not have", volume, [diffusivity(values, unit=Code("mm^2/s", "UCUM", "mm2/s"))], {}),
        ("is not written in", volume, [diffusivity(values)], {"transfer_syntax": RLELossless}),
        ("is not written in", volume, [diffusivity(values)], {"transfer_syntax": JPEGBaseline8Bit, "stored": "uint16"}),
        ("float32 cannot hold", volume, [diffusivity(values * 1e40)], {}),
        ("no slope covers", volume, [diffusivity(np.sign(values - 900) * 1.7e308)], {"stored": "uint16"}),
        ("needs the series", grid, [diffusivity(values)], {}),
        ("on the grid of", grid, [diffusivity(values[:2])], {"source": series}),
        ("name other series only", volume, [diffusivity(values)], {"source": series}),
        ("span a volume", Grid(np.diag([1.0, 0, 1, 1]), SHAPE, "1.2"), [diffusivity(values)], {"source": series}),
        ("last row", Grid(volume.affine.T, SHAPE, "1.2"), [diffusivity(values)], {"source": series}),
        (
            "not perpendicular",
            Grid(volume.affine + np.array([[0.0, 0.5, 0, 0], *np.zeros((3, 4))]), SHAPE, "1.2"),
            [diffusivity(values)],
            {"source": series},
        ),
    ):
        with pytest.raises(ValueError, match=message):
            write(analysis, place, *quantities, **changes)


@pytest.mark.parametrize("stored", ["float32", "uint16"])
def test_the_window_shows_the_whole_range_of_each_quantity(analysis: Analysis, stored: StoredType) -> None:
    """Frame VOI LUT is mandatory (PS3.3 table A.75-2), in stored values."""
    constant = np.full(SHAPE, 0.5)
    result = write(analysis, make_volume(shape=SHAPE), diffusivity(some_values()), anisotropy(constant), stored=stored)
    for frame in (result.PerFrameFunctionalGroupsSequence[0], result.PerFrameFunctionalGroupsSequence[-1]):
        (window,) = frame.FrameVOILUTSequence
        (mapping,) = frame.RealWorldValueMappingSequence
        kind = "RealWorldValue" if stored == "uint16" else "DoubleFloatRealWorldValue"
        first, last = mapping[f"{kind}FirstValueMapped"].value, mapping[f"{kind}LastValueMapped"].value
        assert window.VOILUTFunction == "LINEAR_EXACT"
        assert float(window.WindowWidth) == pytest.approx(last - first if last > first else 1.0)
        assert float(window.WindowCenter) == pytest.approx((first + last) / 2)
