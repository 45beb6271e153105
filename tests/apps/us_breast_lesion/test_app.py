"""The app end to end: written DICOM in, valid objects with the right numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.ndimage import label

from apps.run import run_app
from operators.measure.planar import planar_figures
from operators.outcome import Outcome
from phantoms.frames.ultrasound import doppler
from phantoms.sonography import (
    Lesion,
    SimulatedSonogram,
    WrittenSonogram,
    simulate_breast,
    simulate_breast_clip,
    write_breast_study,
    write_sonogram,
)
from tests.peers import dciodvfy_errors

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
AREA, LONG_AXIS, SHORT_AXIS, PERIMETER = "42798000", "103339001", "103340004", "131191004"
SEED = 12


@dataclass(frozen=True)
class Run:
    """A run and what it was made of."""

    outcome: Outcome
    objects: Mapping[str, Dataset]
    written: list[WrittenSonogram]
    folder: Path


def analyse(folder: Path, write: Callable[[Path], list[WrittenSonogram]], **settings: float) -> Run:
    written = write(folder / "study")
    outcome = run_app(
        "us_breast_lesion", folder / "study", folder / "results", device="cpu", settings=settings, started=STARTED
    )
    objects = {Path(name).stem: dcmread(folder / "results" / name) for name in outcome.files}
    return Run(outcome, objects, written, folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two pictures, the second with calipers, and a clip; everything of a left breast."""
    return analyse(
        tmp_path_factory.mktemp("study"), lambda folder: write_breast_study(folder, Lesion.BENIGN, seed=SEED)
    )


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return analyse(tmp_path_factory.mktemp("normal"), lambda folder: write_breast_study(folder, Lesion.NONE, seed=SEED))


@pytest.fixture(scope="module")
def picture() -> SimulatedSonogram:
    return simulate_breast(Lesion.BENIGN, seed=SEED)


def items(report: Dataset) -> list[Dataset]:
    """Every content item of a report, in order."""
    found: list[Dataset] = []
    stack = [report]
    while stack:
        item = stack.pop(0)
        found.append(item)
        stack = [*item.get("ContentSequence", ()), *stack]
    return found


def code_of(item: Dataset) -> str:
    if "ConceptNameCodeSequence" not in item:
        return ""
    (concept,) = item.ConceptNameCodeSequence
    # Values of more than 16 characters stand in an attribute of their own (PS3.3 section 8.1).
    return str(concept.get("CodeValue") or concept.LongCodeValue)


def numbers(report: Dataset, code: str) -> list[float]:
    return [
        float(item.MeasuredValueSequence[0].get("FloatingPointValue", item.MeasuredValueSequence[0].NumericValue))
        for item in items(report)
        if code_of(item) == code and item.ValueType == "NUM"
    ]


def texts(report: Dataset) -> str:
    return " ".join(str(item.get("TextValue", "")) for item in items(report))


def on_source(segmentation: Dataset, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A Segmentation's masks on the frames of the instance that they were drawn on."""
    masks = np.zeros(shape, dtype=bool)
    stored = segmentation.pixel_array.reshape(-1, *shape[1:])
    for plane, groups in zip(stored, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        masks[int(source.get("ReferencedFrameNumber", 1)) - 1] = plane > 0
    return masks


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_every_instance_has_its_masses_where_they_are(study: Run) -> None:
    assert study.outcome.status == "analysed"
    for name, written in zip(("masses", "masses_2", "masses_3"), study.written, strict=True):
        segmentation = study.objects[name]
        assert segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == (
            dcmread(written.path, stop_before_pixels=True).SOPInstanceUID
        )
        found = on_source(segmentation, written.masks.shape)
        assert dice(found, written.masks) > 0.85
        assert study.outcome.segment_voxels[name][1] == found.sum()
        (segment,) = segmentation.SegmentSequence
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "4147007"
        region = segment.AnatomicRegionSequence[0]
        assert region.CodeValue == "76752008"
        assert region.AnatomicRegionModifierSequence[0].CodeMeaning == "Left"


def test_the_report_has_the_lengths_of_the_truth(study: Run) -> None:
    report = study.objects["report"]
    for index, written in enumerate(study.written):
        truth = max(
            (planar_figures(mask, (0.15, 0.15)) for mask in written.masks if mask.any()), key=lambda it: it.area
        )
        assert numbers(report, LONG_AXIS)[index] == pytest.approx(truth.long_axis, abs=1.0)
        assert numbers(report, SHORT_AXIS)[index] == pytest.approx(truth.short_axis, abs=1.0)
        assert numbers(report, AREA)[index] == pytest.approx(truth.area, rel=0.15)
        assert numbers(report, PERIMETER)[index] == pytest.approx(truth.perimeter, rel=0.15)
        ratio = numbers(report, "height-to-width-ratio")[index]
        assert ratio == pytest.approx(truth.height / truth.width, abs=0.1)
        assert 0.5 < numbers(report, "mean-probability")[index] <= 1


def test_the_axes_are_drawn_on_the_source_where_the_mass_is(study: Run) -> None:
    written = study.written[0]
    line = next(item for item in items(study.objects["report"]) if item.get("GraphicType") == "POLYLINE")
    (x0, y0, x1, y1) = line.GraphicData
    rows, columns = np.argwhere(written.masks[0]).T
    assert np.hypot(x1 - x0, y1 - y0) * 0.15 == pytest.approx(numbers(study.objects["report"], LONG_AXIS)[0], abs=0.01)
    assert (y0 + y1) / 2 == pytest.approx(rows.mean() + 0.5, abs=6)
    assert (x0 + x1) / 2 == pytest.approx(columns.mean() + 0.5, abs=6)


def test_of_a_clip_the_frame_with_the_largest_section_is_measured(tmp_path: Path) -> None:
    clip = simulate_breast_clip(Lesion.BENIGN, seed=SEED, frames=8)
    run = analyse(tmp_path, lambda folder: [write_sonogram(clip, folder, seed=1)])
    # Planes from -1.2 to 0.9: the fifth goes through the middle, and its neighbours are nearly as large.
    (reference,) = [item for item in items(run.objects["best_frame"]) if "ReferencedSOPSequence" in item]
    assert reference.ReferencedSOPSequence[0].ReferencedFrameNumber in (4, 5, 6)
    assert run.objects["best_frame"].ConceptNameCodeSequence[0].CodeValue == "113013"
    areas = [mask.sum() for mask in on_source(run.objects["masses"], run.written[0].masks.shape)]
    assert int(np.argmax(areas)) + 1 == reference.ReferencedSOPSequence[0].ReferencedFrameNumber


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A picture with two masses, one with one that the edge cuts, and a clip through one mass and then another."""
    two = simulate_breast(Lesion.BENIGN, seed=24, masses=2)
    cut = simulate_breast(Lesion.MALIGNANT, seed=26, edge="right")
    clip = [simulate_breast(Lesion.MALIGNANT, seed=9), simulate_breast(Lesion.BENIGN, seed=14)]
    return analyse(
        tmp_path_factory.mktemp("several"),
        lambda folder: [
            write_sonogram(pictures, folder, seed=1, instance=number)
            for number, pictures in enumerate(([two], [cut], clip), start=1)
        ],
    )


def groups(report: Dataset) -> dict[str, Dataset]:
    """The measurement groups of masses by tracking identifier."""
    found = {}
    for item in items(report):
        if code_of(item) == "125007":
            (identifier,) = (child.TextValue for child in item.ContentSequence if code_of(child) == "112039")
            found[identifier] = item
    return {identifier: group for identifier, group in found.items() if identifier.startswith("Mass")}


def test_every_mass_of_a_picture_is_a_segment_and_has_its_own_measurements(several: Run) -> None:
    segmentation, (mask,) = several.objects["masses"], several.written[0].masks
    numbered, count = label(mask)
    truth = sorted(
        (planar_figures(numbered == number, (0.15, 0.15)) for number in range(1, count + 1)), key=lambda it: -it.area
    )
    assert len(truth) == len(segmentation.SegmentSequence) == 2
    reported = groups(several.objects["report"])
    for segment, plane, figures in zip(
        segmentation.SegmentSequence, segmentation.pixel_array.reshape(-1, *mask.shape), truth, strict=True
    ):
        assert segment.TrackingID == f"Mass {segment.SegmentNumber}, instance 1"
        group = reported[segment.TrackingID]
        assert {item.UID for item in items(group) if code_of(item) == "112040"} == {segment.TrackingUID}
        assert numbers(group, AREA) == [pytest.approx(figures.area, rel=0.1)]
        assert numbers(group, LONG_AXIS) == [pytest.approx(figures.long_axis, abs=1.0)]
        assert numbers(group, AREA) == [pytest.approx(plane.sum() * 0.15**2, abs=0.01)]
        assert "One of 2 masses in instance 1" in texts(group)
    assert len({segment.TrackingUID for segment in segmentation.SegmentSequence}) == 2
    assert several.outcome.segment_voxels["masses"].keys() == {1, 2}
    assert "more than one mass: 2 in instance 1, 2 in instance 3" in several.outcome.summary


def test_a_mass_that_the_edge_cuts_is_outlined_and_told_to_be_cut(several: Run) -> None:
    written = several.written[1]
    assert dice(on_source(several.objects["masses_2"], written.masks.shape), written.masks) > 0.9
    assert "cut by the edge of the picture: it may be larger" in texts(
        groups(several.objects["report"])["Mass, instance 2"]
    )


def test_masses_in_different_frames_of_a_clip_are_measured_each_in_its_own(several: Run) -> None:
    written, reported = several.written[2], groups(several.objects["report"])
    areas = [mask.sum() * 0.15**2 for mask in written.masks]
    for number, index in enumerate(np.argsort(areas)[::-1], start=1):
        group = reported[f"Mass {number}, instance 3"]
        assert numbers(group, AREA) == [pytest.approx(areas[index], rel=0.15)]
        assert f"Measured in instance 3, frame {index + 1}, where it is largest; it is outlined in 1 of 2" in texts(
            group
        )
        (reference,) = (
            item.ReferencedSOPSequence[0]
            for item in group.ContentSequence
            if item.ValueType == "IMAGE" and code_of(item) == "121214"
        )
        # A Segmentation has the frames of its first segment before those of its second.
        assert reference.ReferencedFrameNumber == number
        plane = several.objects["masses_3"].PerFrameFunctionalGroupsSequence[number - 1]
        assert plane.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
        assert plane.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == index + 1


def test_a_normal_study_is_said_to_have_no_mass_and_has_no_segmentation(normal: Run) -> None:
    assert set(normal.objects) == {"report", "summary"}
    statement = next(item for item in items(normal.objects["report"]) if code_of(item) == "4147007")
    # PS3.16 CID 240.
    assert (statement.ConceptCodeSequence[0].CodeValue, statement.ConceptCodeSequence[0].CodeMeaning) == (
        "272519000",
        "Absent",
    )
    assert "no mass segmented in 11 analysed frames" in texts(normal.objects["report"])
    assert normal.outcome.summary == "no mass segmented; 11 of 11 frames analysed"


def test_beside_a_mass_the_pictures_without_one_are_named(picture: SimulatedSonogram, tmp_path: Path) -> None:
    nothing = simulate_breast(Lesion.NONE, seed=SEED)
    run = analyse(
        tmp_path,
        lambda folder: [
            write_sonogram([each], folder, seed=1, instance=number)
            for number, each in enumerate((nothing, picture, nothing), start=1)
        ],
    )
    report = run.objects["report"]
    assert "no mass segmented in instance 1, instance 3;" in texts(report)
    assert not any(code_of(item) == "4147007" for item in items(report))


def test_every_object_tells_in_its_header_what_its_model_is_for(study: Run) -> None:
    assert {dataset.Modality for dataset in study.objects.values()} >= {"SEG", "SR", "KO", "OT"}
    for dataset in study.objects.values():
        told = dataset.ContributingEquipmentSequence[0].ContributionDescription
        assert (
            told == "Breast ultrasound masses: demonstration weights, trained on simulated data, not for clinical use"
        )
    assert study.outcome.told.endswith("[demonstration weights, trained on simulated data, not for clinical use]")


@pytest.mark.peer
def test_every_object_is_valid(study: Run, normal: Run, several: Run) -> None:
    for run in (study, normal, several):
        for name in run.outcome.files:
            assert dciodvfy_errors(run.folder / "results" / name) == []


def test_the_same_run_writes_the_same_bytes(normal: Run, tmp_path: Path) -> None:
    again = run_app("us_breast_lesion", normal.folder / "study", tmp_path, device="cpu", started=STARTED)
    for name in again.files:
        assert (tmp_path / name).read_bytes() == (normal.folder / "results" / name).read_bytes()


def test_rows_and_columns_are_measured_each_with_their_scale(picture: SimulatedSonogram, tmp_path: Path) -> None:
    spacing = (0.12, 0.2)
    run = analyse(tmp_path, lambda folder: [write_sonogram([picture], folder, seed=1, spacing=spacing)])
    truth = planar_figures(picture.mask, spacing)
    report = run.objects["report"]
    assert numbers(report, LONG_AXIS) == [pytest.approx(truth.long_axis, abs=1.0)]
    assert numbers(report, "height-to-width-ratio") == [pytest.approx(truth.height / truth.width, abs=0.1)]
    shared = run.objects["masses"].SharedFunctionalGroupsSequence[0]
    assert list(shared.PixelMeasuresSequence[0].PixelSpacing) == pytest.approx(list(spacing))


def test_without_a_scale_nothing_is_given_in_mm(picture: SimulatedSonogram, tmp_path: Path) -> None:
    run = analyse(tmp_path, lambda folder: [write_sonogram([picture], folder, seed=1, screen=False, calibrated=False)])
    report = run.objects["report"]
    assert not any(numbers(report, code) for code in (AREA, LONG_AXIS, SHORT_AXIS, PERIMETER, "height-to-width-ratio"))
    assert len(numbers(report, "mean-probability")) == 1
    assert "no lengths and no area" in texts(report)
    assert "not calibrated" in run.outcome.summary


def spoilt(picture: SimulatedSonogram) -> SimulatedSonogram:
    """A frame of noise, as when the probe is lifted."""
    noise = np.random.default_rng(1).integers(0, 255, picture.image.shape).astype(np.uint8)
    return SimulatedSonogram(noise, np.zeros_like(picture.mask), picture.spacing)


def test_a_frame_unlike_the_training_data_is_refused_and_named(picture: SimulatedSonogram, tmp_path: Path) -> None:
    frames = [picture, spoilt(picture), picture]
    run = analyse(tmp_path, lambda folder: [write_sonogram(frames, folder, seed=1)])
    document = run.objects["refused_frames"]
    assert document.ConceptNameCodeSequence[0].CodeValue == "113010"
    (reference,) = [item for item in items(document) if "ReferencedSOPSequence" in item]
    assert reference.ReferencedSOPSequence[0].ReferencedFrameNumber == 2
    assert not on_source(run.objects["masses"], run.written[0].masks.shape)[1].any()
    assert run.outcome.summary.endswith("2 of 3 frames analysed")


def test_a_study_without_an_acceptable_frame_is_refused(picture: SimulatedSonogram, tmp_path: Path) -> None:
    run = analyse(tmp_path, lambda folder: [write_sonogram([spoilt(picture)] * 2, folder, seed=1)])
    assert run.outcome.status == "refused"
    assert run.outcome.reason == "domain-shift"
    assert set(run.objects) == {"report", "refused_frames"}
    assert not any(code_of(item) == "4147007" for item in items(run.objects["report"]))


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(picture: SimulatedSonogram, tmp_path: Path) -> None:
    spectrum = [doppler((0, 0, 60, 60), 0.01, 1.0, 20).item()]
    run = analyse(
        tmp_path,
        lambda folder: [
            write_sonogram([picture], folder, seed=1, SequenceOfUltrasoundRegions=spectrum),
            write_sonogram([picture], folder, seed=1, instance=2),
        ],
    )
    assert [gate.passed for gate in run.outcome.gates] == [False, True, True]
    assert "no two-dimensional region" in run.outcome.gates[0].detail
    assert "masses" in run.objects


def test_what_is_smaller_than_the_setting_is_no_mass(picture: SimulatedSonogram, tmp_path: Path) -> None:
    run = analyse(tmp_path, lambda folder: [write_sonogram([picture], folder, seed=1)], minimum_area_mm2=500.0)
    assert "masses" not in run.objects


@pytest.mark.parametrize(
    ("attributes", "said"),
    [({"SeriesDescription": "Abdomen"}, "nor description says breast"), ({"BodyPartExamined": "NECK"}, "another part")],
)
def test_another_part_of_the_body_is_not_taken(
    picture: SimulatedSonogram, attributes: dict[str, str], said: str, tmp_path: Path
) -> None:
    def write(folder: Path) -> list[WrittenSonogram]:
        return [write_sonogram([picture], folder, seed=1, instance=1, **attributes)]  # type: ignore[arg-type]

    run = analyse(tmp_path, write)
    assert run.outcome.reason == "no-suitable-series"
    assert said in run.outcome.detail


def test_retired_ultrasound_classes_are_read(picture: SimulatedSonogram, tmp_path: Path) -> None:
    run = analyse(
        tmp_path,
        lambda folder: [write_sonogram([picture], folder, seed=1, SOPClassUID="1.2.840.10008.5.1.4.1.1.6")],
    )
    assert "masses" in run.objects
