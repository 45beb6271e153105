"""The whole app on written DICOM, against the phantom's truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from operators.learn.scores import dice
from operators.measure.planar import PlanarFigures, planar_figures
from phantoms.sonography import OTHER_SCANNER, WrittenSonogram
from phantoms.sonography.dicom import Pixels
from tests.apps.us_joint_effusion.studies import Run, coded, groups, joint, name, number, run, write
from tests.peers import dciodvfy_errors

AREA, LONG, SHORT, THICKNESS, EFFUSION = "42798000", "103339001", "103340004", "131197000", "41699000"
PRESENT, ABSENT, FINGER, WRIST = "52101004", "272519000", "125682004", "74670003"
PICTURE, CLIP, GREY = "Effusion: MCP 2, right", "Effusion: MCP 3, right", "Effusion: wrist joint, left"


@pytest.fixture(scope="session")
def hand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, WrittenSonogram]]:
    """One series: a colour picture with calipers, a clip with a dry and a foreign frame, a grey picture."""
    folder = tmp_path_factory.mktemp("hand")
    wrist = {"description": "Hand", "ImageComments": "Wrist", "ImageLaterality": "L"}
    clip = [joint(21), joint(22, effusion=False), joint(23), joint(24, scanner=OTHER_SCANNER), joint(25)]
    written = {
        PICTURE: write([joint(20)], folder, description="Hand", instance=1, calipers=True, ImageComments="MCP 2 right"),
        CLIP: write(clip, folder, description="Hand", instance=2, ImageComments="MCP 3 right"),
        GREY: write([joint(26)], folder, instance=3, pixels="grey", screen=False, **wrist),
    }
    return run(folder, tmp_path_factory.mktemp("results")), written


@dataclass(frozen=True)
class Truth:
    """Of a frame of a phantom, in mm."""

    figures: PlanarFigures
    thickness: float


def truth(written: WrittenSonogram, frame: int = 0) -> Truth:
    assert written.spacing is not None
    mask = written.masks[frame]
    # The phantom's fluid has no gap along the beam.
    return Truth(planar_figures(mask, written.spacing), float(mask.sum(axis=0).max() * written.spacing[0]))


def assert_measures(items: list[Dataset], expected: Truth) -> None:
    assert coded(items, EFFUSION) == PRESENT
    assert number(items, THICKNESS) == pytest.approx(expected.thickness, abs=0.2)
    assert number(items, SHORT) == pytest.approx(expected.figures.short_axis, abs=0.2)
    assert number(items, AREA) == pytest.approx(expected.figures.area, rel=0.05)
    # The fluid ends in thin tips, where a caliper may stand.
    assert number(items, LONG) == pytest.approx(expected.figures.long_axis, abs=0.5)


def test_the_thickness_is_named_and_drawn_along_the_beam(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, written = hand
    items = groups(found.objects["report"])[PICTURE]
    (thickness,) = (item for item in items if name(item) == THICKNESS)
    said = [item.TextValue for item in thickness.ContentSequence if item.ValueType == "TEXT"]
    assert said == ["Maximum thickness of the fluid along the beam"]
    (line,) = (item for item in thickness.ContentSequence if item.ValueType == "SCOORD")
    left, top, right, bottom = line.GraphicData
    assert left == right
    spacing = written[PICTURE].spacing
    assert spacing is not None
    assert (bottom - top) * spacing[0] == pytest.approx(number(items, THICKNESS), abs=0.01)
    occupied = written[PICTURE].masks[0][:, int(left)]
    assert occupied[int(top) + 2 : int(bottom) - 2].all()


def test_pictures_are_measured_to_a_fifth_of_a_millimetre(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, written = hand
    reported = groups(found.objects["report"])
    for identifier in (PICTURE, GREY):
        assert_measures(reported[identifier], truth(written[identifier]))


def test_a_clip_is_measured_where_the_fluid_is_thickest(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, written = hand
    known = {frame: truth(written[CLIP], frame) for frame in (0, 2, 4)}
    thickest = max(known, key=lambda frame: known[frame].thickness)
    items = groups(found.objects["report"])[CLIP]
    assert_measures(items, known[thickest])
    (comment,) = (item.TextValue for item in items if name(item) == "121106")
    assert f"frame {thickest + 1}, " in comment
    assert "outlined in 3 of 4 analysed frames" in comment


def test_joint_and_side_are_coded(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, _ = hand
    reported = groups(found.objects["report"])
    for identifier, region, side in ((PICTURE, FINGER, "Right"), (CLIP, FINGER, "Right"), (GREY, WRIST, "Left")):
        (site,) = (item for item in reported[identifier] if name(item) == "363698007")
        assert site.ConceptCodeSequence[0].CodeValue == region
        assert site.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning == side


def test_the_segmentations_lie_on_the_fluid(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, written = hand
    segmentations = [each for each in found.objects.values() if each.Modality == "SEG"]
    assert len(segmentations) == 3
    for segmentation in segmentations:
        (segment,) = segmentation.SegmentSequence
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == EFFUSION
        masks = written[segment.TrackingID].masks
        planes = segmentation.pixel_array.reshape(-1, *masks.shape[1:]).astype(bool)
        for plane, group in zip(planes, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
            source = group.DerivationImageSequence[0].SourceImageSequence[0]
            frame = int(source.get("ReferencedFrameNumber", 1)) - 1
            assert dice(plane, masks[frame]) >= 0.90
    assert sorted(int(each.NumberOfFrames) for each in segmentations) == [1, 1, 3]


def test_refused_and_measured_frames_are_key_objects(hand: tuple[Run, dict[str, WrittenSonogram]]) -> None:
    found, _ = hand
    assert found.outcome.status == "analysed"
    (refused,) = _frames(found.objects["refused_frames"])
    assert refused == [4]
    assert "domain-shift" in str(found.objects["refused_frames"])
    assert len(_frames(found.objects["measured_frames"])) == 3
    assert "like those" not in found.outcome.summary
    assert "6 of 7 frames analysed" in found.outcome.summary


def _frames(document: Dataset) -> list[list[int]]:
    return [
        [int(number_) for number_ in np.atleast_1d(item.ReferencedSOPSequence[0].get("ReferencedFrameNumber", []))]
        for item in document.ContentSequence
        if item.ValueType == "IMAGE"
    ]


def test_a_dry_joint_is_said_to_have_no_effusion(tmp_path: Path) -> None:
    write([joint(31, effusion=False)], tmp_path / "in")
    found = run(tmp_path / "in", tmp_path / "out")
    items = groups(found.objects["report"])[PICTURE]
    assert coded(items, EFFUSION) == ABSENT
    assert not any(name(item) in (AREA, LONG, SHORT, THICKNESS) for item in items)
    assert found.outcome.summary == "MCP 2, right: no effusion in 1 analysed frame; 1 of 1 frames analysed"
    assert set(found.objects) == {"report", "summary"}


def test_without_a_scale_there_are_no_lengths(tmp_path: Path) -> None:
    written = write([joint(32)], tmp_path / "in", calibrated=False, screen=False)
    found = run(tmp_path / "in", tmp_path / "out")
    items = groups(found.objects["report"])[PICTURE]
    assert coded(items, EFFUSION) == PRESENT
    assert not any(name(item) in (AREA, LONG, SHORT, THICKNESS) for item in items)
    assert number(items, "mean-echo-level") < 0.5
    assert "not calibrated" in found.outcome.summary
    assert dice(found.objects["effusions"].pixel_array.astype(bool), written.masks[0]) >= 0.90
    assert "SharedFunctionalGroupsSequence" in found.objects["effusions"]
    assert "PixelMeasuresSequence" not in found.objects["effusions"].SharedFunctionalGroupsSequence[0]


@pytest.mark.parametrize("pixels", ["palette", "jpeg"])
def test_colour_of_every_kind_is_measured(tmp_path: Path, pixels: Pixels) -> None:
    written = write([joint(38)], tmp_path / "in", pixels=pixels, calipers=True)
    found = run(tmp_path / "in", tmp_path / "out")
    assert_measures(groups(found.objects["report"])[PICTURE], truth(written))


def test_a_study_of_another_scanner_is_refused(tmp_path: Path) -> None:
    write([joint(33, scanner=OTHER_SCANNER)], tmp_path / "in")
    found = run(tmp_path / "in", tmp_path / "out")
    assert (found.outcome.status, found.outcome.reason) == ("refused", "domain-shift")
    assert set(found.objects) == {"report", "refused_frames"}
    assert found.objects["report"].SeriesDescription == "Not analysed: Joint effusion report"


def test_a_joint_without_an_accepted_frame_is_said_not_to_be_judged(tmp_path: Path) -> None:
    write([joint(39, effusion=False)], tmp_path / "in", instance=1, description="Hand", ImageComments="MCP 4 left")
    other = [joint(40, scanner=OTHER_SCANNER)]
    write(other, tmp_path / "in", instance=2, description="Hand", ImageComments="MCP 5 left")
    found = run(tmp_path / "in", tmp_path / "out")
    assert found.outcome.summary.startswith("MCP 4, left: no effusion in 1 analysed frame; MCP 5, left: not judged;")
    items = groups(found.objects["report"])["Effusion: MCP 5, left"]
    assert not any(name(item) in (EFFUSION, AREA) for item in items)


def test_the_same_run_writes_the_same_bytes(tmp_path: Path) -> None:
    write([joint(34)], tmp_path / "in")
    first, second = (run(tmp_path / "in", tmp_path / folder) for folder in ("one", "two"))
    assert first.outcome.files == second.outcome.files
    for file in first.outcome.files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes()


@pytest.mark.peer
def test_the_standards_checker_finds_no_error_in_any_object(
    hand: tuple[Run, dict[str, WrittenSonogram]], tmp_path: Path
) -> None:
    write([joint(35, effusion=False)], tmp_path / "dry")
    write([joint(36, scanner=OTHER_SCANNER)], tmp_path / "other")
    write([joint(37)], tmp_path / "uncalibrated", calibrated=False, pixels="grey")
    runs = [run(tmp_path / kind, tmp_path / f"{kind}_out") for kind in ("dry", "other", "uncalibrated")]
    for each in (hand[0], *runs):
        for file in each.outcome.files:
            assert dciodvfy_errors(each.folder / file) == [], file
