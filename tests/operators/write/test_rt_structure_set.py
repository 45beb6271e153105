"""RT Structure Set: contours, as DCMTK and pydicom read them, enclose the mask voxel for voxel."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import highdicom
import numpy as np
import pytest
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.result import save
from operators.write.contours.polygons import InnerContours
from operators.write.rt_structure_set import write_rt_structure_set
from operators.write.segments.masks import Labels
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.mosaic import write_mosaic
from tests.operators.read.slices import AXIAL, ramp, rotated
from tests.operators.write.studies import LEFT, WHITE_MATTER, make_volume, segment
from tests.peers import dcmtk

OUTPUT = OutputPart(object="rt_structure_set", title="Lesions as contours", series_number=9012)
SHAPE = (4, 14, 17)
STRUCTURES = [
    segment(1, "Left", anatomic_region=WHITE_MATTER, laterality=LEFT, colour=(255, 0, 0)),
    segment(2, "Noise", laterality=LEFT, colour=(0, 200, 90)),
    segment(7, "Nowhere"),
]


def phantom(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """A block with a hole and an island in it, and noise around."""
    labels = np.random.default_rng(0).choice(np.array([0, 0, 0, 2], np.uint8), size=shape)
    labels[1:3, 2:12, 3:14] = 1
    labels[2, 4:10, 5:12] = 0
    labels[2, 6:8, 7:10] = 1
    labels[0] = 0
    return labels


def points_of(contour: Dataset) -> NDArray[np.float64]:
    points = np.array([float(value) for value in contour.ContourData]).reshape(-1, 3)
    assert len(points) == contour.NumberOfContourPoints
    return points


def mask_within(structure_set: Dataset, number: int, volume: Volume) -> NDArray[np.bool_]:
    """The voxels whose centres lie within a structure's contours, by matplotlib, on the plane where these lie."""
    found = np.zeros(volume.array.shape, dtype=int)
    (roi,) = (item for item in structure_set.ROIContourSequence if item.ReferencedROINumber == number)
    to_index = np.linalg.inv(volume.affine)
    rows, columns = np.indices(volume.array.shape[1:]).reshape(2, -1)
    kinds = set()
    for contour in roi.get("ContourSequence", ()):
        index = np.c_[points_of(contour), np.ones(contour.NumberOfContourPoints)] @ to_index.T
        (plane,) = {round(value) for value in index[:, 2]}
        np.testing.assert_allclose(index[:, 2], plane, atol=1e-3)
        # Lines run between voxels: half an index off their centres.
        np.testing.assert_allclose(index[:, :2] % 1, 0.5, atol=1e-3)
        inside = Outline(index[:, :2]).contains_points(np.stack([columns, rows], axis=1))
        found[plane] += inside.reshape(volume.array.shape[1:])
        kinds.add(contour.ContourGeometricType)
    assert len(kinds) <= 1
    return found % 2 == 1 if kinds == {"CLOSEDPLANAR_XOR"} else found > 0


def write(
    analysis: Analysis,
    volume: Volume,
    labels: Labels,
    *,
    inner: InnerContours = "keyhole",
    interpreted_types: Mapping[int, str] | None = None,
) -> FileDataset:
    return write_rt_structure_set(
        "contours",
        OUTPUT,
        volume,
        labels,
        STRUCTURES,
        analysis,
        inner_contours=inner,
        interpreted_types=interpreted_types,
    )


@pytest.mark.parametrize("inner", ["keyhole", "xor"])
@pytest.mark.parametrize(
    ("orientation", "reversed_order"), [("axial", False), ("oblique", True), ("sagittal", False), ("coronal", True)]
)
def test_the_contours_enclose_the_mask(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    orientation: str,
    reversed_order: bool,
    inner: InnerContours,
) -> None:
    volume = make_volume(orientation, SHAPE, reversed_order=reversed_order)
    labels = phantom()
    before = labels.copy()
    labels.flags.writeable = False
    path = save(write(analysis, volume, labels, inner=inner, interpreted_types={1: "GTV"}), tmp_path)
    np.testing.assert_array_equal(labels, before)
    validate(path)
    read = dcmread(path)
    for structure in STRUCTURES:
        np.testing.assert_array_equal(mask_within(read, structure.number, volume), labels == structure.number)


def test_dcmtk_reads_the_same_points(tmp_path: Path, analysis: Analysis) -> None:
    volume = make_volume("oblique", SHAPE)
    path = save(write(analysis, volume, phantom()), tmp_path)
    command = [dcmtk("dcmdump"), "+L", "+P", "3006,0050", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    dumped = [np.array(found.split("\\"), dtype=float) for found in re.findall(r"\[(.*?)\]", text)]
    read = [
        points_of(contour).ravel()
        for roi in dcmread(path).ROIContourSequence
        for contour in roi.get("ContourSequence", ())
    ]
    assert len(dumped) == len(read) > 20
    for one, other in zip(dumped, read, strict=True):
        np.testing.assert_array_equal(one, other)


def test_structures_are_described(tmp_path: Path, analysis: Analysis) -> None:
    volume = make_volume("axial", SHAPE)
    read = dcmread(save(write(analysis, volume, phantom(), interpreted_types={1: "GTV"}), tmp_path))
    assert read.ApprovalStatus == "UNAPPROVED"
    assert (read.StructureSetLabel, read.StructureSetName) == ("contours", "Lesions as contours")
    (frame,) = read.ReferencedFrameOfReferenceSequence
    assert frame.FrameOfReferenceUID == read.FrameOfReferenceUID == volume.frame_of_reference_uid
    (study,) = frame.RTReferencedStudySequence
    assert study.ReferencedSOPInstanceUID == read.StudyInstanceUID
    (series,) = study.RTReferencedSeriesSequence
    assert [image.ReferencedSOPInstanceUID for image in series.ContourImageSequence] == [
        instance.sop_instance_uid for instance in volume.instances
    ]
    left, noise, nowhere = read.StructureSetROISequence
    assert [(item.ROINumber, item.ROIName) for item in (left, noise, nowhere)] == [
        (1, "Left"),
        (2, "Noise"),
        (7, "Nowhere"),
    ]
    assert left.ROIGenerationAlgorithm == "AUTOMATIC"
    assert left.ROIGenerationDescription == "Contours run along voxel borders"
    assert left.ROIDerivationAlgorithmIdentificationSequence[0].AlgorithmName == analysis.algorithm.name
    first, second, third = read.RTROIObservationsSequence
    assert [item.RTROIInterpretedType for item in (first, second, third)] == ["GTV", "", ""]
    assert first.RTROIIdentificationCodeSequence[0].CodeValue == WHITE_MATTER.value
    assert first.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning == "Left"
    (side,) = second.RTROIIdentificationCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    assert side.CodeMeaning == "Left"
    for roi, expected in zip(read.ROIContourSequence, ((255, 0, 0), (0, 200, 90)), strict=False):
        assert tuple(roi.ROIDisplayColor) == expected
        colour = highdicom.color.CIELabColor.from_dicom_value(list(roi.RecommendedDisplayCIELabValue))
        np.testing.assert_allclose(colour.to_rgb(), expected, atol=1)
    assert "ContourSequence" not in read.ROIContourSequence[2]
    for contour in read.ROIContourSequence[0].ContourSequence:
        (image,) = contour.ContourImageSequence
        (source,) = (item for item in volume.instances if item.sop_instance_uid == image.ReferencedSOPInstanceUID)
        normal_distance = points_of(contour)[:, 2] - float(source.header.ImagePositionPatient[2])
        np.testing.assert_allclose(normal_distance, 0, atol=1e-5)
    numbers = [contour.ContourNumber for contour in read.ROIContourSequence[0].ContourSequence]
    assert numbers == list(range(1, len(numbers) + 1))


def test_structures_may_overlap_and_may_all_be_empty(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    volume = make_volume("oblique", SHAPE)
    masks = np.zeros((3, *SHAPE), dtype=bool)
    masks[0, 1, 2:8, 2:8], masks[1, 1, 4:12, 5:14] = True, True
    path = save(write(analysis, volume, masks), tmp_path)
    validate(path)
    for number, mask in zip((1, 2, 7), masks, strict=True):
        np.testing.assert_array_equal(mask_within(dcmread(path), number, volume), mask)
    path = save(write(analysis, volume, np.zeros(SHAPE, np.uint8)), tmp_path)
    validate(path)
    assert len(dcmread(path).ROIContourSequence) == 3


def test_no_contour_is_longer_than_explicit_vr_allows(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    volume = make_volume("oblique", (1, 4, 1500), origin=(-1234.56789, -1234.56789, -1234.56789))
    labels = np.zeros((1, 4, 1500), np.uint8)
    labels[0, 0] = labels[0, 1:, ::2] = 1
    path = save(write(analysis, volume, labels), tmp_path)
    validate(path)
    read = dcmread(path)
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    np.testing.assert_array_equal(mask_within(read, 1, volume), labels == 1)


def test_contours_name_the_frames_of_an_enhanced_source(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    order = [3, 0, 1, 2]
    write_enhanced_mr(tmp_path / "source", ramp("u2", SHAPE), rotated(AXIAL, 15.0, (1.0, 0.2, 0.1)), order=order)
    (series,) = read_study(tmp_path / "source").series
    volume = read_volume(series)
    labels = phantom()
    path = save(write(analysis, volume, labels), tmp_path)
    validate(path)
    read = dcmread(path)
    np.testing.assert_array_equal(mask_within(read, 1, volume), labels == 1)
    found = {
        contour.ContourImageSequence[0].ReferencedFrameNumber for contour in read.ROIContourSequence[0].ContourSequence
    }
    assert found == {order.index(1) + 1, order.index(2) + 1}


def test_contours_on_a_mosaic_lie_on_its_tiles(tmp_path: Path, analysis: Analysis) -> None:
    write_mosaic(tmp_path, ramp("u2", SHAPE)[np.newaxis], rotated(AXIAL, 15.0, (1.0, 0.2, 0.1)))
    (series,) = read_study(tmp_path).series
    volume = read_volume(series)
    read = write(analysis, volume, phantom())
    np.testing.assert_array_equal(mask_within(read, 1, volume), phantom() == 1)
    assert all("ContourImageSequence" not in contour for contour in read.ROIContourSequence[0].ContourSequence)


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    volume, labels = make_volume("axial", SHAPE), phantom()

    with pytest.raises(ValueError, match="described by no segment"):
        write(analysis, volume, np.full(SHAPE, 3, np.uint8))
    with pytest.raises(ValueError, match="not on 4 slices"):
        write(analysis, volume, labels.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="masks bool"):
        write(analysis, volume, labels.astype(np.int16))
    with pytest.raises(ValueError, match="not described: \\[3\\]"):
        write(analysis, volume, labels, interpreted_types={3: "ORGAN"})
    with pytest.raises(ValueError, match="interpreted type of structure 1"):
        write(analysis, volume, labels, interpreted_types={1: "no code string"})
    with pytest.raises(ValueError, match="ascending"):
        write_rt_structure_set("contours", OUTPUT, volume, labels, STRUCTURES[::-1], analysis)
    with pytest.raises(ValueError, match="label of segment 1"):
        write_rt_structure_set("contours", OUTPUT, volume, labels, [segment(1, "x" * 65)], analysis)
