from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis, uid_from_text
from operators.read.study import Instance
from operators.write.annotations.groups import AnnotationGroup, GroupMeasurement, Shape, joined
from operators.write.base.result import save
from operators.write.bulk_annotations import write_bulk_annotations
from tests.operators.write.studies import patient
from tests.peers import dcmtk

CELLS = OutputPart(object="bulk_annotations", title="Nuclei", series_number=9015)
CELL = Code("4421005", "SCT", "Cell")
NUCLEUS = Code("84640000", "SCT", "Nucleus")
AREA = Code("42798000", "SCT", "Area")
LENGTHS = {
    Shape.POINT: (1, 1),
    Shape.ELLIPSE: (4, 4),
    Shape.RECTANGLE: (4, 4),
    Shape.POLYLINE: (2, 6),
    Shape.POLYGON: (3, 6),
}


def slide() -> Instance:
    header = patient()
    header.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    header.SOPInstanceUID = uid_from_text("test/slide")
    header.SeriesInstanceUID = uid_from_text("test/slide/series")
    header.Modality = "SM"
    header.Manufacturer = "ACME"
    header.FrameOfReferenceUID = uid_from_text("test/slide/frame of reference")
    header.PositionReferenceIndicator = "SLIDE_CORNER"
    header.Rows, header.Columns, header.NumberOfFrames = 256, 256, 12
    header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns = 700, 1000
    return Instance(Path("slide.dcm"), header, FileMetaDataset())


def some_shapes(shape: Shape, dimensions: int, count: int = 5) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    least, most = LENGTHS[shape]
    return [rng.random((int(rng.integers(least, most + 1)), dimensions)) * 700 for _ in range(count)]


def group(shape: Shape = Shape.POINT, dimensions: int = 2, **changes: Any) -> AnnotationGroup:
    points, lengths = joined(some_shapes(shape, dimensions))
    varies = shape in (Shape.POLYLINE, Shape.POLYGON)
    made = AnnotationGroup(shape.value.title(), CELL, NUCLEUS, shape, points, lengths if varies else None)
    return replace(made, **changes)


def read_back(path: Path, shape: Shape, dimensions: int) -> list[NDArray[np.float64]]:
    document = highdicom.ann.MicroscopyBulkSimpleAnnotations.from_dataset(dcmread(path))
    (found,) = document.get_annotation_groups(graphic_type=shape.value)
    return list(found.get_graphic_data(coordinate_type=f"{dimensions}D"))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_readers_find_every_shape(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], dimensions: int
) -> None:
    groups = [group(shape, dimensions) for shape in Shape]
    path = save(write_bulk_annotations("cells", CELLS, slide(), groups, analysis), tmp_path)
    validate(path)
    for shape in Shape:
        for found, expected in zip(read_back(path, shape, dimensions), some_shapes(shape, dimensions), strict=True):
            np.testing.assert_array_equal(found, expected)
    read = dcmread(path)
    assert read.AnnotationCoordinateType == f"{dimensions}D"
    assert ("FrameOfReferenceUID" in read) == (dimensions == 3)
    for keyword, is_there in (("CommonZCoordinateValue", False), ("AnnotationAppliesToAllZPlanes", dimensions == 3)):
        assert [keyword in item for item in read.AnnotationGroupSequence] == [is_there] * len(groups)
    assert read.ReferencedImageSequence[0].ReferencedSOPInstanceUID == slide().sop_instance_uid
    assert len({item.AnnotationGroupUID for item in read.AnnotationGroupSequence}) == len(groups)
    said = subprocess.run([dcmtk("dcmdump"), str(path)], capture_output=True, text=True, errors="replace", check=True)
    for shape in Shape:
        assert f"CS [{shape.value}]" in said.stdout


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_points_come_back(
    analysis: Analysis, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shape, dimensions = data.draw(st.sampled_from(list(Shape))), data.draw(st.sampled_from([2, 3]))
    number = data.draw(st.sampled_from([st.floats(0, 700, width=32), st.floats(0, 700)]))
    least, most = LENGTHS[shape]
    one = st.lists(st.tuples(*[number] * dimensions), min_size=least, max_size=most, unique=True)
    shapes = [np.array(item) for item in data.draw(st.lists(one, min_size=1, max_size=4))]
    points, lengths = joined(shapes)
    varies = shape in (Shape.POLYLINE, Shape.POLYGON)
    made = AnnotationGroup("any", CELL, NUCLEUS, shape, points, lengths if varies else None)
    path = save(write_bulk_annotations("cells", CELLS, slide(), [made], analysis), tmp_path_factory.mktemp("any"))
    for found, expected in zip(read_back(path, shape, dimensions), shapes, strict=True):
        np.testing.assert_array_equal(found, expected)
    (item,) = dcmread(path).AnnotationGroupSequence
    assert ("PointCoordinatesData" in item) or not (points.astype(np.float32) == points).all()


def test_measurements_and_codes_come_back(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    sparse = np.array([1.5, np.nan, 3.0, np.nan, 5.25])
    made = group(
        Shape.POLYGON,
        measurements=[
            GroupMeasurement(AREA, codes.UCUM.SquareMicrometer, np.arange(5.0)),
            GroupMeasurement(Code("410668003", "SCT", "Length"), codes.UCUM.Micrometer, sparse),
        ],
        description="Größe nach Fläche",
        colour=(200, 40, 30),
        optical_paths=("HE", "2"),
    )
    path = save(write_bulk_annotations("cells", CELLS, slide(), [made], analysis), tmp_path)
    validate(path)
    document = highdicom.ann.MicroscopyBulkSimpleAnnotations.from_dataset(dcmread(path))
    found = document.get_annotation_group(number=1)
    names, values, units = found.get_measurements()
    assert [name.value for name in names] == ["42798000", "410668003"]
    assert [unit.value for unit in units] == ["um2", "um"]
    np.testing.assert_array_equal(values[:, 0], np.arange(5.0))
    np.testing.assert_array_equal(values[:, 1], sparse)
    assert found.annotated_property_type == NUCLEUS
    assert found.algorithm_identification[0].AlgorithmName == analysis.algorithm.name
    assert found.algorithm_type.value == "AUTOMATIC"
    (item,) = dcmread(path).AnnotationGroupSequence
    assert (item.AnnotationAppliesToAllOpticalPaths, list(item.ReferencedOpticalPathIdentifier)) == ("NO", ["HE", "2"])
    assert item.AnnotationGroupDescription == "Größe nach Fläche"


def test_a_common_height_is_said_once(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    for shape in Shape:
        flat = group(shape, 3)
        flat.points[:, 2] = 1.25
        path = save(write_bulk_annotations("cells", CELLS, slide(), [flat], analysis), tmp_path)
        validate(path)
        (item,) = dcmread(path).AnnotationGroupSequence
        assert item.CommonZCoordinateValue == 1.25
        np.testing.assert_array_equal(np.concatenate(read_back(path, shape, 3)), flat.points)


def test_a_hundred_thousand_outlines_are_one_object(tmp_path: Path, analysis: Analysis) -> None:
    points = np.random.default_rng(0).random((800_000, 2)).astype(np.float32) * 700
    made = AnnotationGroup("many", CELL, NUCLEUS, Shape.POLYGON, points, np.full(100_000, 8))
    path = save(write_bulk_annotations("cells", CELLS, slide(), [made], analysis), tmp_path)
    assert path.stat().st_size < 800_000 * 8 + 100_000 * 4 + 4_000
    (item,) = dcmread(path).AnnotationGroupSequence
    assert item.NumberOfAnnotations == 100_000


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    def write(*groups: AnnotationGroup, image: Instance | None = None) -> None:
        write_bulk_annotations("cells", CELLS, image or slide(), groups, analysis)

    point, polygon = group(), group(Shape.POLYGON)
    closed = polygon.points.copy()
    assert polygon.lengths is not None
    closed[polygon.lengths[0] - 1] = closed[0]
    values = np.arange(5.0)
    for wrong, said in (
        (replace(point, points=point.points.astype(int)), "of float"),
        (replace(point, points=point.points[:0]), "at least one annotation"),
        (replace(point, points=point.points * np.nan), "not finite"),
        (replace(point, points=point.points + 700), "outside the 1000 x 700 pixels"),
        (replace(point, points=point.points - 700), "outside the 1000 x 700 pixels"),
        (replace(point, lengths=np.ones(5, int)), "lengths are for"),
        (replace(polygon, lengths=None), "lengths are for"),
        (replace(polygon, lengths=polygon.lengths + 1), "are not those of"),
        (replace(polygon, lengths=np.array([2, len(polygon.points) - 2])), "at least 3 points"),
        (replace(polygon, points=closed), "must not repeat"),
        (replace(group(Shape.ELLIPSE), points=point.points), "are not those of"),
        (replace(point, label="x" * 65), "64"),
        (replace(point, label=""), "empty"),
        (replace(point, colour=(0, 0, 300)), "0 to 255"),
        (replace(point, optical_paths=("x" * 17,)), "16"),
        (replace(point, measurements=[GroupMeasurement(AREA, codes.UCUM.Micrometer, values[:4])]), "values for 5"),
        (replace(point, measurements=[GroupMeasurement(AREA, Code("um^2", "UCUM", "x"), values)]), "no unit of UCUM"),
        (replace(point, measurements=[GroupMeasurement(AREA, codes.UCUM.Micrometer, values + np.inf)]), "not finite"),
        (replace(point, measurements=[GroupMeasurement(AREA, codes.UCUM.Micrometer, values * 1e39)]), "too large"),
    ):
        with pytest.raises(ValueError, match=said):
            write(wrong)
    with pytest.raises(ValueError, match="no group"):
        write()
    with pytest.raises(ValueError, match="different labels"):
        write(point, point)
    with pytest.raises(ValueError, match=r"\(point, 2\) of float"):
        write(point, group(Shape.POLYGON, 3))
    plain = slide()
    del plain.header.TotalPixelMatrixRows, plain.header.FrameOfReferenceUID
    with pytest.raises(ValueError, match="no whole slide image"):
        write(point, image=plain)
    with pytest.raises(ValueError, match="no frame of reference"):
        write(group(dimensions=3), image=plain)
