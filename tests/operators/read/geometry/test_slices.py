"""Frames and tiles as slices: flat headers that say what single-frame ones would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from operators.read.attributes import numbers, text, values
from operators.read.geometry.slice_geometry import missing_slices, slice_spacing
from operators.read.geometry.slices import first_header, slices_of
from operators.read.study import Series, read_study
from operators.read.variables import SeriesVariables
from operators.refused import Reason, Refused
from phantoms.volumes.enhanced_ct import write_enhanced_ct
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.legacy import convert_to_legacy
from phantoms.volumes.mosaic import write_mosaic
from phantoms.volumes.nuclear import write_nm
from phantoms.volumes.single_frame import write_ct, write_mr
from tests.operators.read.slices import AXIAL, ramp, rotated

SHAPE = (5, 6, 8)
OBLIQUE = rotated(AXIAL, 15.0, (1.0, 0.2, 0.1))


def series_of(folder: Path) -> Series:
    (series,) = read_study(folder).series
    return series


def test_a_single_frame_is_its_own_slice(tmp_path: Path) -> None:
    write_mr(tmp_path, ramp("u2", SHAPE), AXIAL)
    series = series_of(tmp_path)
    slices = slices_of(series)
    assert [item.instance for item in slices] == list(series.instances)
    assert all(item.header is item.instance.header for item in slices)
    assert slices[2].name == "instance 3"
    assert first_header(series.instances[0]) is series.header


def test_a_frame_has_its_own_attributes_then_the_shared_ones_then_those_of_the_object(tmp_path: Path) -> None:
    write_enhanced_mr(tmp_path, np.stack([ramp("u2", SHAPE)] * 2), OBLIQUE, b_values=[0, 1000], inversion_time=900.0)
    slices = slices_of(series_of(tmp_path))
    assert len(slices) == 10
    one = slices[7]
    assert (one.frame, one.is_frame, one.name) == (7, True, "instance 1 frame 8")
    header = one.header
    assert isinstance(header, Dataset)
    np.testing.assert_allclose(numbers(header, "ImagePositionPatient"), (OBLIQUE @ [0, 0, 2, 1])[:3], atol=1e-9)
    assert numbers(header, "PixelSpacing") == (1.2, 0.9)
    assert numbers(header, "DiffusionBValue") == (1000.0,)
    assert text(header, "PatientID") == "PHANTOM000001"
    # What single-frame objects call otherwise.
    assert numbers(header, "EchoTime") == (80.0,)
    assert numbers(header, "InversionTime") == (900.0,)
    assert numbers(header, "RepetitionTime") == (4000.0,)
    assert values(header, "ImageType") == ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")
    assert text(header, "AcquisitionDateTime") == "20260203100000"
    # The instance keeps its identity and its own header.
    assert one.instance.header.SOPInstanceUID == header.SOPInstanceUID
    assert "PerFrameFunctionalGroupsSequence" not in header
    assert "PerFrameFunctionalGroupsSequence" in one.instance.header
    assert "ImagePositionPatient" not in one.instance.header


def test_texts_of_other_scripts_survive_in_a_frame(tmp_path: Path) -> None:
    write_enhanced_ct(
        tmp_path, ramp("u2", SHAPE), AXIAL, SpecificCharacterSet="ISO_IR 192", PatientName="Yamada^Tarou=山田^太郎"
    )
    assert str(slices_of(series_of(tmp_path))[3].header.PatientName) == "Yamada^Tarou=山田^太郎"


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_legacy_conversion_says_what_its_sources_said(tmp_path: Path, modality: str) -> None:
    written = {"CT": write_ct, "MR": write_mr}[modality](tmp_path / "single", ramp("u2", SHAPE), OBLIQUE)
    convert_to_legacy(written.paths, tmp_path / "legacy")
    singles, frames = (slices_of(series_of(tmp_path / folder)) for folder in ("single", "legacy"))
    by_position = {numbers(item.header, "ImagePositionPatient"): item.header for item in frames}
    for item in singles:
        header = by_position[numbers(item.header, "ImagePositionPatient")]
        for keyword in ("EchoTime", "RepetitionTime", "KVP", "ConvolutionKernel", "SliceThickness", "FlipAngle"):
            assert values(header, keyword) == values(item.header, keyword), keyword


def test_a_private_macro_does_not_speak_for_the_standard_one(tmp_path: Path) -> None:
    """Philips writes a whole classic header, with other scaling and orientation, into a private functional group."""
    (path,) = write_enhanced_ct(tmp_path, ramp("u2", SHAPE), OBLIQUE).paths
    instance = dcmread(path)
    private = Dataset()
    private.RescaleSlope, private.RescaleIntercept, private.ImageOrientationPatient = 5, 7, [0, 1, 0, 0, 0, 1]
    for groups in instance.PerFrameFunctionalGroupsSequence:
        groups.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(0x0F, "SQ", Sequence([private]))
    instance.save_as(path)
    header = slices_of(series_of(tmp_path))[2].header
    assert numbers(header, "RescaleSlope") == (1.0,)
    np.testing.assert_allclose(numbers(header, "ImageOrientationPatient")[:3], OBLIQUE[:3, 0] / 0.9, atol=1e-9)


def test_a_contrast_agent_that_is_coded_has_a_name(tmp_path: Path) -> None:
    agent = Dataset()
    agent.CodeValue, agent.CodingSchemeDesignator, agent.CodeMeaning = "C-B0322", "SRT", "Gadolinium"
    write_enhanced_mr(tmp_path, ramp("u2", SHAPE), AXIAL, ContrastBolusAgentSequence=Sequence([agent]))
    assert text(first_header(series_of(tmp_path).instances[0]), "ContrastBolusAgent") == "Gadolinium"


def test_tiles_and_nuclear_frames_are_slices(tmp_path: Path) -> None:
    write_mosaic(tmp_path / "mosaic", ramp("u2", SHAPE)[np.newaxis], OBLIQUE)
    tiles = slices_of(series_of(tmp_path / "mosaic"))
    assert [(item.tile.row, item.tile.column) for item in tiles if item.tile] == [
        (0, 0),
        (0, 8),
        (0, 16),
        (6, 0),
        (6, 8),
    ]
    assert tiles[4].name == "instance 1 tile at row 6, column 8"
    write_nm(tmp_path / "nm", ramp("u2", SHAPE), OBLIQUE)
    frames = slices_of(series_of(tmp_path / "nm"))
    for items in (tiles, frames):
        for index, item in enumerate(items):
            expected = (OBLIQUE @ [0, 0, index, 1])[:3]
            np.testing.assert_allclose(numbers(item.header, "ImagePositionPatient"), expected, atol=1e-9)
            assert numbers(item.header, "Rows") == (6.0,)


def test_the_variables_of_an_expression_are_those_of_the_first_frame(tmp_path: Path) -> None:
    write_enhanced_mr(tmp_path, ramp("u2", SHAPE), OBLIQUE, inversion_time=900.0)
    series = series_of(tmp_path)
    variables = SeriesVariables(series)
    assert variables("EchoTime") == 80.0
    assert variables("InversionTime") == 900.0
    assert variables("instances") == 1
    assert variables("slices") == 5
    assert float(variables("voxel_volume") or 0) == pytest.approx(0.9 * 1.2 * 3.0)
    assert variables("acquisition_time") == 36000.0
    assert missing_slices(series) == 0
    assert slice_spacing(series) == pytest.approx(3.0)


def change(folder: Path, **attributes: Any) -> None:
    for path in folder.iterdir():
        instance = dcmread(path)
        for keyword, value in attributes.items():
            if value is None:
                del instance[keyword]
            else:
                setattr(instance, keyword, value)
        instance.save_as(path)


@pytest.mark.parametrize(
    ("kind", "attributes", "reason", "said"),
    [
        ("CT", {"NumberOfFrames": 2}, Reason.UNSUPPORTED_PIXEL_FORMAT, "2 frames in one instance"),
        ("enhanced", {"NumberOfFrames": 4}, Reason.MISSING_GEOMETRY, "5 functional groups describe 4 frames"),
        ("NM", {"ImageType": ["ORIGINAL", "PRIMARY", "TOMO"]}, Reason.MISSING_GEOMETRY, "type TOMO are no slices"),
        ("NM", {"ImageType": ["ORIGINAL", "PRIMARY"]}, Reason.MISSING_GEOMETRY, "type unknown"),
        ("NM", {"SliceVector": [1, 2]}, Reason.MISSING_GEOMETRY, "SliceVector does not tell of each of 5 frames"),
        ("NM", {"SliceVector": None}, Reason.MISSING_GEOMETRY, "Slice Vector"),
        ("NM", {"SpacingBetweenSlices": None}, Reason.MISSING_GEOMETRY, "lack Image Position"),
        ("NM", {"DetectorInformationSequence": None}, Reason.MISSING_GEOMETRY, "lack Image Position"),
        ("NM", {"DetectorVector": [1, 2, 2, 2, 2]}, Reason.MISSING_GEOMETRY, "no item of detector 2"),
        ("mosaic", {"SpacingBetweenSlices": None}, Reason.MISSING_GEOMETRY, "lacks position"),
        ("mosaic", {"Rows": 17}, Reason.MISSING_GEOMETRY, "does not divide into 3 x 3"),
        (
            "mosaic",
            {"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]},
            Reason.MISSING_GEOMETRY,
            "not normal to its slices",
        ),
    ],
)
def test_what_tells_no_slices_is_refused(
    tmp_path: Path, kind: str, attributes: dict[str, Any], reason: Reason, said: str
) -> None:
    array = ramp("u2", SHAPE)
    if kind == "CT":
        write_ct(tmp_path, array, AXIAL)
    elif kind == "enhanced":
        write_enhanced_ct(tmp_path, array, AXIAL)
    elif kind == "NM":
        write_nm(tmp_path, array, AXIAL)
    else:
        write_mosaic(tmp_path, array[np.newaxis], AXIAL)
    change(tmp_path, **attributes)
    series = series_of(tmp_path)
    with pytest.raises(Refused) as refused:
        slices_of(series)
    assert refused.value.reason is reason
    assert said in refused.value.detail
    # Where there are no slices, expressions still see the instance.
    assert SeriesVariables(series)("slices") is None
    assert SeriesVariables(series)("PatientID") == "PHANTOM000001"
    assert missing_slices(series) is None


@pytest.mark.parametrize("content", [b"", b"SV10", b"SV10\4\3\2\1\xff\xff\xff\xff", b"SV10\4\3\2\1\1\0\0\0M\0\0\0abc"])
def test_a_damaged_csa_header_is_refused(tmp_path: Path, content: bytes) -> None:
    write_mosaic(tmp_path, ramp("u2", SHAPE)[np.newaxis], AXIAL)
    for path in tmp_path.iterdir():
        instance = dcmread(path)
        instance.private_block(0x0029, "SIEMENS CSA HEADER")[0x10].value = content
        instance.save_as(path)
    with pytest.raises(Refused) as refused:
        slices_of(series_of(tmp_path))
    assert refused.value.reason is Reason.MISSING_GEOMETRY
