"""Results on frames of one multi-frame object: every reference names the frame as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom.sequence import Sequence

from operators.provenance import Analysis
from operators.read.rules import ReadingRules
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.write.base.result import save
from operators.write.reports.image_library import image_library
from operators.write.segmentation import write_segmentation
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.mosaic import write_mosaic
from phantoms.volumes.single_frame import write_ct
from tests.operators.read.slices import AXIAL, ramp, rotated
from tests.operators.write.studies import LESIONS, segment

OBLIQUE = rotated(AXIAL, 15.0, (1.0, 0.2, 0.1))
SHAPE = (5, 6, 8)
ORDER = [3, 0, 4, 1, 2]


def test_a_segmentation_refers_to_the_frames_that_it_lies_on(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    write_enhanced_mr(tmp_path / "source", ramp("u2", SHAPE), OBLIQUE, order=ORDER)
    (series,) = read_study(tmp_path / "source").series
    volume = read_volume(series)
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:4, 3:6] = 1
    labels[3, 1, 1] = 1
    result = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesion")], analysis)
    path = save(result, tmp_path)
    validate(path)

    for groups, index in zip(result.PerFrameFunctionalGroupsSequence, (1, 3), strict=True):
        (image,) = groups.DerivationImageSequence[0].SourceImageSequence
        assert image.ReferencedSOPInstanceUID == series.instances[0].sop_instance_uid
        # The slice's place in the file, counted from 1.
        assert image.ReferencedFrameNumber == ORDER.index(index) + 1
        assert image.SpatialLocationsPreserved == "YES"
        position = [float(value) for value in groups.PlanePositionSequence[0].ImagePositionPatient]
        np.testing.assert_allclose(position, (OBLIQUE @ [0, 0, index, 1])[:3], atol=1e-6)
    (referenced,) = result.ReferencedSeriesSequence
    assert len(referenced.ReferencedInstanceSequence) == 1

    read = highdicom.seg.segread(path)
    by_frame = read.get_pixels_by_source_frame(
        series.instances[0].sop_instance_uid,
        [item.frame + 1 for item in volume.slices],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    np.testing.assert_array_equal(by_frame, labels)


def test_a_segmentation_on_a_mosaic_lies_at_the_tiles_positions(tmp_path: Path, analysis: Analysis) -> None:
    write_mosaic(tmp_path, ramp("u2", SHAPE)[np.newaxis], OBLIQUE)
    (series,) = read_study(tmp_path).series
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 1, 1] = 1
    result = write_segmentation("lesions", LESIONS, read_volume(series), labels, [segment(1, "Lesion")], analysis)
    (groups,) = result.PerFrameFunctionalGroupsSequence
    position = [float(value) for value in groups.PlanePositionSequence[0].ImagePositionPatient]
    np.testing.assert_allclose(position, (OBLIQUE @ [0, 0, 2, 1])[:3], atol=1e-6)
    (image,) = groups.DerivationImageSequence[0].SourceImageSequence
    assert image.SpatialLocationsPreserved == "NO"
    assert "ReferencedFrameNumber" not in image


def test_a_resampled_volume_has_no_source_slices_to_write_on(tmp_path: Path, analysis: Analysis) -> None:
    tilted = AXIAL.copy()
    tilted[:3, 2] = [0, 0.8, 3.0]
    write_ct(tmp_path, ramp("u2", SHAPE), tilted)
    (series,) = read_study(tmp_path).series
    volume = read_volume(series, ReadingRules(gantry_tilt="resample"))
    labels = np.ones(volume.array.shape, np.uint8)
    with pytest.raises(ValueError, match="resampled"):
        write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesion")], analysis)


def test_the_image_library_describes_the_frames(tmp_path: Path) -> None:
    write_enhanced_mr(tmp_path, ramp("u2", SHAPE), OBLIQUE)
    (series,) = read_study(tmp_path).series
    (group,) = image_library([series]).ContentSequence
    found = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
    spacing = found["Vertical Pixel Spacing"].MeasuredValueSequence
    assert isinstance(spacing, Sequence)
    assert float(spacing[0].NumericValue) == 1.2
