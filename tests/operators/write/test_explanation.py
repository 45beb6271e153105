"""Explanations as Parametric Maps on volumes and on pictures, which have no place in the patient."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.explanation import EXPLANATION, INTEGRATED_GRADIENTS, write_explanation
from tests.operators.check.pictures import clip
from tests.operators.write.studies import make_volume
from tests.operators.write.validators import dciodvfy_problems

OUTPUT = OutputPart(object="parametric_map", title="Explanation", series_number=9005)

# Table A.75-2: planes are required "if the Frame of Reference is defined in the patient-relative Reference Coordinate
# System" (or the slide's), since 2015b; the validator asks for both of them at once.
NEWER_THAN_THE_VALIDATOR = {
    f"Error - Missing attribute Type 1 Required Element=<{name}Sequence> Module=<{name}Macro>"
    for name in ("PlanePosition", "PlaneOrientation", "PlanePositionSlide")
}


def relevance(shape: tuple[int, ...]) -> np.ndarray:
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    return np.asarray(values / values.max())


@pytest.mark.parametrize("count", [1, 3])
def test_a_map_on_pictures_names_the_frames_and_no_place_in_the_patient(
    count: int, analysis: Analysis, tmp_path: Path
) -> None:
    frames = clip(tmp_path / "in", count)
    values = relevance(frames.array.shape[:3])
    path = save(write_explanation("map", OUTPUT, frames, values, analysis, of="a mass"), tmp_path)
    read = dcmread(path)
    np.testing.assert_array_equal(np.frombuffer(read.FloatPixelData, "<f4").reshape(values.shape), values)
    shared = read.SharedFunctionalGroupsSequence[0]
    assert "PlaneOrientationSequence" not in shared
    per_frame = read.PerFrameFunctionalGroupsSequence
    assert [item.FrameContentSequence[0].InStackPositionNumber for item in per_frame] == list(range(1, count + 1))
    for number, item in enumerate(per_frame, start=1):
        assert "PlanePositionSequence" not in item
        derivation = item.DerivationImageSequence[0]
        assert derivation.DerivationCodeSequence[0].CodeValue == EXPLANATION.value
        image = derivation.SourceImageSequence[0]
        assert image.ReferencedSOPInstanceUID == frames.instance.sop_instance_uid
        assert image.get("ReferencedFrameNumber") == (number if count > 1 else None)
    mapping = shared.RealWorldValueMappingSequence[0]
    assert (mapping.LUTLabel, mapping.LUTExplanation) == ("Grad-CAM", "a mass")
    assert mapping.DoubleFloatRealWorldValueLastValueMapped == 1.0


def test_a_map_on_pictures_is_valid(analysis: Analysis, tmp_path: Path) -> None:
    frames = clip(tmp_path / "in", 2)
    path = save(
        write_explanation("map", OUTPUT, frames, relevance(frames.array.shape[:3]), analysis, of="a mass"), tmp_path
    )
    assert set(dciodvfy_problems(path)) == NEWER_THAN_THE_VALIDATOR


def test_the_pixel_spacing_of_pictures_is_that_of_their_region(analysis: Analysis, tmp_path: Path) -> None:
    frames = clip(tmp_path / "in", 1)
    assert frames.pixel_spacing is not None
    result = write_explanation("map", OUTPUT, frames, relevance(frames.array.shape[:3]), analysis, of="a mass")
    measures = result.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert [float(value) for value in measures.PixelSpacing] == pytest.approx([0.6, 0.6])


def test_a_map_of_nothing_is_all_zero(analysis: Analysis, tmp_path: Path) -> None:
    frames = clip(tmp_path / "in", 1)
    result = write_explanation("map", OUTPUT, frames, np.zeros(frames.array.shape[:3]), analysis, of="no answer")
    assert not np.frombuffer(result.FloatPixelData, "<f4").any()
    assert set(dciodvfy_problems(save(result, tmp_path))) <= NEWER_THAN_THE_VALIDATOR


def test_a_map_on_a_volume_lies_where_the_volume_lies(analysis: Analysis, tmp_path: Path) -> None:
    volume = make_volume()
    values = relevance(volume.array.shape) - 0.5
    result = write_explanation("map", OUTPUT, volume, values, analysis, of="lesions", method=INTEGRATED_GRADIENTS)
    path = save(result, tmp_path)
    assert dciodvfy_problems(path) == []
    geometry = highdicom.imread(path).get_volume(apply_real_world_transform=True)
    assert geometry.frame_of_reference_uid == volume.frame_of_reference_uid
    assert geometry.array.min() == pytest.approx(values.min())


def test_a_map_must_lie_on_every_pixel(analysis: Analysis, tmp_path: Path) -> None:
    frames = clip(tmp_path / "in", 2)
    with pytest.raises(ValueError, match="is not on 2 slices"):
        write_explanation("map", OUTPUT, frames, relevance((2, 16, 16)), analysis, of="a mass")
