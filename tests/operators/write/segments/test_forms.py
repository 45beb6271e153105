"""Every form and encoding, read back by others to the same masks, and what the validator says of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydantic import ValidationError
from pydicom import dcmread

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import DEFAULT_FORM, SegmentationForm
from tests.operators.write.segments.readers import read_by_dcmqi, read_by_highdicom
from tests.operators.write.studies import LESIONS, make_volume, segment
from tests.peers import dcmtk

SHAPE = (5, 9, 12)
SEGMENTS = [segment(1, "One"), segment(2, "Nowhere"), segment(3, "Three")]
FORMS = [
    SegmentationForm(kind, encoding, empty)  # type: ignore[arg-type]
    for kind, encodings in (
        ("binary", ("native", "deflated", "jpeg_2000")),
        ("probability", ("native", "deflated", "rle", "jpeg_ls", "jpeg_2000")),
        ("occupancy", ("rle",)),
        ("labelmap", ("native", "deflated", "rle", "jpeg_ls", "jpeg_2000")),
    )
    for encoding in encodings
    for empty in (("omit", "keep") if encoding == "native" else ("omit",))
]


def name_of(form: SegmentationForm) -> str:
    return f"{form.type}-{form.encoding}-{form.empty_frames}"


def some_labels() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    values = np.random.default_rng(3).choice(np.array([0, 0, 0, 1, 3], dtype=np.uint8), size=SHAPE)
    values[1] = 0
    return values


def written(form: SegmentationForm, analysis: Analysis, folder: Path) -> Path:
    return save(
        write_segmentation("x", LESIONS, make_volume("oblique", SHAPE), some_labels(), SEGMENTS, analysis, form=form),
        folder,
    )


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_highdicom_finds_the_same_masks(form: SegmentationForm, analysis: Analysis, tmp_path: Path) -> None:
    path = written(form, analysis, tmp_path)
    found = read_by_highdicom(path, make_volume("oblique", SHAPE), 3)
    for number in (1, 2, 3):
        np.testing.assert_array_equal(found[..., number - 1], some_labels() == number)


@pytest.mark.parametrize("form", [form for form in FORMS if not form.encoding.startswith("jpeg")], ids=name_of)
def test_slicers_reader_finds_the_same_masks(form: SegmentationForm, analysis: Analysis, tmp_path: Path) -> None:
    path = written(form, analysis, tmp_path)
    found = read_by_dcmqi(path, tmp_path / "slicer", make_volume("oblique", SHAPE), is_fractional=form.is_fractional)
    assert [found[number].label for number in (1, 2, 3)] == ["One", "Nowhere", "Three"]
    assert [found[number].description for number in (1, 2, 3)] == ["", "Nothing found", ""]
    for number, described in zip((1, 2, 3), SEGMENTS, strict=True):
        full = 255 if form.is_fractional else 1
        np.testing.assert_array_equal(found[number].values, full * (some_labels() == number))
        assert found[number].tracking_uid == analysis.uid(f"tracking/{described.tracking_identifier}")
        np.testing.assert_allclose(found[number].colour, described.colour or (), atol=1)


# One bit in JPEG 2000 is decoded by nothing here but highdicom's decoder.
JPEG_FORMS = [form for form in FORMS if form.encoding.startswith("jpeg_") and form.type != "binary"]


@pytest.mark.parametrize("form", JPEG_FORMS, ids=name_of)
def test_another_decoder_finds_the_same_frames(form: SegmentationForm, analysis: Analysis, tmp_path: Path) -> None:
    """No JPEG is decoded by dcmqi: here it is DCMTK for JPEG-LS, GDCM for JPEG 2000."""
    path = written(form, analysis, tmp_path)
    (tmp_path / "native").mkdir()
    expected = dcmread(written(SegmentationForm(form.type), analysis, tmp_path / "native")).pixel_array
    if form.encoding == "jpeg_ls":
        decoded = tmp_path / "decoded.dcm"
        subprocess.run([dcmtk("dcmdjpls"), str(path), str(decoded)], check=True)
        found = dcmread(decoded).pixel_array
    else:
        dataset = dcmread(path)
        # GDCM does not know the SOP class of label maps, but decodes its frames.
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = DEFAULT_FORM.sop_class_uid
        dataset.save_as(tmp_path / "known.dcm", enforce_file_format=True)
        found = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "known.dcm")))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_the_object_is_valid(
    form: SegmentationForm, analysis: Analysis, validate: Callable[[Path], None], tmp_path: Path
) -> None:
    path = written(form, analysis, tmp_path)
    if form.encoding == "deflated":
        # dciodvfy reads no deflated data set.
        path = tmp_path / "inflated.dcm"
        subprocess.run([dcmtk("dcmconv"), "+te", str(tmp_path / "x.dcm"), str(path)], check=True)
    validate(path)


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_the_file_names_its_transfer_syntax_and_class(
    form: SegmentationForm, analysis: Analysis, tmp_path: Path
) -> None:
    read = dcmread(written(form, analysis, tmp_path))
    assert read.file_meta.TransferSyntaxUID == form.transfer_syntax_uid
    assert read.file_meta.MediaStorageSOPClassUID == read.SOPClassUID == form.sop_class_uid
    assert read.LossyImageCompression == "00"


def test_the_default_is_one_bit_a_voxel_not_compressed_without_empty_frames() -> None:
    assert SegmentationForm("binary", "native", "omit") == DEFAULT_FORM == LESIONS.form


def test_the_manifest_chooses_the_form(analysis: Analysis) -> None:
    form = {"type": "labelmap", "encoding": "rle"}
    output = OutputPart(object="segmentation", title="Lesions", series_number=9001, form=form)  # type: ignore[arg-type]
    result = write_segmentation("x", output, make_volume("axial", SHAPE), some_labels(), SEGMENTS, analysis)
    assert result.SegmentationType == "LABELMAP"
    assert result.file_meta.TransferSyntaxUID.name == "RLE Lossless"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": {"type": "binary", "encoding": "rle"}}, "single bits"),
        ({"form": {"type": "binary", "encoding": "jpeg_ls"}}, "single bits"),
        ({"form": {"type": "bits"}}, "'binary', 'probability', 'occupancy' or 'labelmap'"),
        ({"form": {"kind": "binary"}}, "kind"),
        ({"object": "secondary_capture", "form": {"type": "labelmap"}}, "form is for a segmentation"),
    ],
)
def test_a_form_that_cannot_be_is_an_error_of_the_manifest(changes: dict[str, object], message: str) -> None:
    part = {"object": "segmentation", "title": "Lesions", "series_number": 9001, **changes}
    with pytest.raises(ValidationError, match=message):
        OutputPart.model_validate(part)
