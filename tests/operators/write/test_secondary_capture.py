from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from operators.provenance import Analysis
from operators.read.pictures.projection import PixelSpacing, SpacingOrigin, pixel_spacing
from operators.write.base.result import save
from operators.write.secondary_capture import write_secondary_capture
from tests.operators.write.studies import SUMMARY, as_series, as_study, make_volume


def test_the_page_comes_back(tmp_path: Path, analysis: Analysis) -> None:
    page = np.random.default_rng(0).integers(0, 256, (31, 41, 3)).astype(np.uint8)
    volume = make_volume()
    result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    read = dcmread(save(result, tmp_path))
    np.testing.assert_array_equal(read.pixel_array, page)
    assert [item.ReferencedSOPInstanceUID for item in read.SourceImageSequence] == [
        instance.sop_instance_uid for instance in volume.instances
    ]
    assert read.BurnedInAnnotation == "NO"


@pytest.mark.parametrize(
    "body_part", ["BRAIN", "KNEE", "ORBIT", "CALF", "SHOULDER", "KIDNEY", "CHEST", "TMJ", "", None]
)
@pytest.mark.parametrize("laterality", ["R", "", None])
def test_the_side_is_given_where_it_must_be(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    body_part: str | None,
    laterality: str | None,
) -> None:
    paired = body_part not in ("BRAIN", "CHEST")
    volume = make_volume()
    header = volume.instances[0].header
    header.BodyPartExamined = body_part
    if body_part is None:
        del header.BodyPartExamined
    if laterality is not None:
        header.Laterality = laterality
    page = np.zeros((4, 4, 3), np.uint8)
    result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    validate(save(result, tmp_path))
    assert ("Laterality" in result) == paired
    assert (result.get("Laterality") or "") == (laterality or "" if paired else "")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_pages_come_back(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], dtype: type[np.uint8] | type[np.uint16]
) -> None:
    page: NDArray[Any] = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (7, 9)).astype(dtype)
    volume = make_volume()
    result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    path = save(result, tmp_path)
    validate(path)
    np.testing.assert_array_equal(dcmread(path).pixel_array, page)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0], page)


@pytest.mark.parametrize(
    ("origin", "calibration"),
    [
        (SpacingOrigin.PATIENT, ""),
        (SpacingOrigin.GEOMETRY, "source-image distance"),
        (SpacingOrigin.FIDUCIAL, "a ruler"),
    ],
)
def test_the_scale_is_read_as_it_was_meant(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], origin: SpacingOrigin, calibration: str
) -> None:
    volume, spacing = make_volume(), PixelSpacing(0.45, 0.7, origin)
    page = np.zeros((4, 4, 3), np.uint8)
    result = write_secondary_capture(
        "summary",
        SUMMARY,
        as_study(volume),
        page,
        [as_series(volume)],
        analysis,
        spacing=spacing,
        calibration=calibration,
    )
    path = save(result, tmp_path)
    validate(path)
    assert pixel_spacing(dcmread(path)) == spacing
    assert dcmread(path).get("PixelSpacingCalibrationDescription", "") == calibration


def test_loss_and_identification_of_a_source_are_told(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    volume, page = make_volume(), np.zeros((4, 4, 3), np.uint8)

    def written() -> Dataset:
        result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
        path = save(result, tmp_path)
        validate(path)
        return dcmread(path)

    assert (written().LossyImageCompression, written().BurnedInAnnotation) == ("00", "NO")
    third = volume.instances[2]
    third.header.BurnedInAnnotation = "YES"
    third.header.LossyImageCompression = "01"
    third.header.LossyImageCompressionRatio = "12.5"
    third.header.LossyImageCompressionMethod = "ISO_15444_1"
    told = written()
    assert (told.LossyImageCompression, told.BurnedInAnnotation) == ("01", "YES")
    assert (told.LossyImageCompressionRatio, told.LossyImageCompressionMethod) == (12.5, "ISO_15444_1")
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        delattr(third.header, keyword)
    volume.instances[1].file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    told = written()
    assert (told.LossyImageCompression, told.LossyImageCompressionMethod) == ("01", "ISO_10918_1")


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    volume = make_volume()

    def write(page: NDArray[Any], **how: Any) -> None:
        write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis, **how)

    colour: NDArray[Any] = np.zeros((4, 4, 3), np.uint8)
    for wrong in (colour.astype(float), np.zeros((4, 4, 4), np.uint8), colour.astype(np.uint16), colour[0, 0]):
        with pytest.raises(ValueError, match="a page is"):
            write(wrong)
    page = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="rows and columns"):
        write(page[:0])
    for spacing, calibration, said in (
        (PixelSpacing(0.0, 1.0, SpacingOrigin.PATIENT), "", "two positive numbers"),
        (PixelSpacing(1.0, 1.0, SpacingOrigin.DETECTOR), "", "not one in the patient"),
        (PixelSpacing(1.0, 1.0, SpacingOrigin.GEOMETRY), "", "calibrated is empty"),
        (PixelSpacing(1.0, 1.0, SpacingOrigin.GEOMETRY), "x" * 65, "64"),
        (PixelSpacing(1.0, 1.0, SpacingOrigin.PATIENT), "a ruler", "has been calibrated"),
    ):
        with pytest.raises(ValueError, match=said):
            write(page, spacing=spacing, calibration=calibration)
