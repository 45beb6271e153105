"""The numbers in the result objects, with the phantom's truth in place of the networks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from apps.mr_white_matter_lesions.burden import Burden, measure_burden, summarise
from apps.mr_white_matter_lesions.inputs import Inputs, align_inputs, describe_inputs, gate_results, read_volumes
from apps.mr_white_matter_lesions.likeness import load_references
from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from apps.mr_white_matter_lesions.regions import load_regions
from apps.mr_white_matter_lesions.report import UNASSIGNED
from apps.mr_white_matter_lesions.results import write_objects
from apps.mr_white_matter_lesions.segmentation import Segmentation
from apps.run import analysis_of, app_manifest, merged_settings
from operators.read.selection import require_series
from operators.read.study import read_study
from operators.write.base.result import save
from phantoms.mr_brain import (
    Acquisition,
    BrainMRPhantom,
    lesion_in_region,
    load_region_table,
    simulate_brain_mr,
    write_brain_mr,
)
from tests.peers import dciodvfy_errors

SEED = 21
REFERENCES = load_references(MODEL_FOLDER)
LEFT_CORONA = 13


@dataclass(frozen=True)
class Result:
    truth: Acquisition
    inputs: Inputs
    burden: Burden
    objects: dict[str, FileDataset]


def analyse(
    phantom: BrainMRPhantom, folder: Path, sequences: tuple[str, ...] = ("FLAIR", "T1"), minimum: float = 0.0
) -> Result:
    """The app's own steps, with the truth as what the networks found."""
    write_brain_mr(phantom, folder, sequences=sequences)
    manifest = app_manifest("mr_white_matter_lesions")
    study = read_study(folder)
    selection = require_series(study, manifest)
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    settings = merged_settings(manifest, {"minimum_lesion_volume_mm3": minimum})
    identity = analysis_of(manifest, study, selection, settings=settings, started=started)
    volumes = read_volumes(selection, manifest, REFERENCES)
    gates, inputs = gate_results(volumes), align_inputs(volumes)
    truth = phantom.flair if "FLAIR" in sequences else phantom.t1
    lesions = Segmentation(truth.lesions.astype(np.uint8), "truth", sequences, None)
    regions = Segmentation(truth.regions, "truth", sequences, None)
    burden = measure_burden(inputs, lesions, regions, minimum_lesion_volume=minimum)
    analysis = describe_inputs(identity, inputs)
    return Result(truth, inputs, burden, write_objects(study, selection, gates, inputs, burden, analysis, manifest))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One lesion, planted in the left superior corona radiata."""
    lesion = lesion_in_region(SEED, LEFT_CORONA, 9.0, size="small")
    return analyse(simulate_brain_mr(SEED, size="small", lesions=[lesion]), tmp_path_factory.mktemp("left"))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Lesions as they come."""
    return analyse(simulate_brain_mr(SEED, size="small"), tmp_path_factory.mktemp("many"))


def groups(report: Dataset) -> dict[str, list[Dataset]]:
    """The content items of each measurement group by tracking identifier."""
    measurements = next(
        item for item in report.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "126010"
    )
    return {
        next(
            item.TextValue for item in group.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "112039"
        ): (list(group.ContentSequence))
        for group in measurements.ContentSequence
        if group.ConceptNameCodeSequence[0].CodeValue == "125007"
    }


def number(items: list[Dataset], code: str) -> float:
    item = next(item for item in items if item.ConceptNameCodeSequence[0].CodeValue == code)
    value = item.MeasuredValueSequence[0]
    return float(value.get("FloatingPointValue", value.NumericValue))


def volume(items: list[Dataset]) -> float:
    return number(items, "118565006")


def test_the_phantom_and_the_app_name_the_same_regions() -> None:
    table = load_region_table()
    assert [(region.number, region.name, region.side) for region in load_regions()] == [
        (region.label, region.name, region.side) for region in sorted(table.regions, key=lambda region: region.label)
    ]


def test_a_lesion_planted_left_is_reported_left(left: Result, tmp_path: Path) -> None:
    assert left.burden.load.regions[LEFT_CORONA].lesion_voxels > 0
    assert left.burden.side_voxels("left") > 0
    assert left.burden.side_voxels("right") == 0
    reported = groups(left.objects["report"])
    assert volume(reported["White matter lesions, left"]) > 0
    assert volume(reported["White matter lesions, right"]) == 0
    region = reported["White matter lesions: Superior corona radiata, left"]
    site = next(item for item in region if item.ConceptNameCodeSequence[0].CodeValue == "363698007")
    assert site.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning == "Left"
    segmentation = highdicom.seg.segread(save(left.objects["lesions"], tmp_path))
    written = segmentation.get_volume(combine_segments=True)
    centre = written.map_indices_to_reference(np.argwhere(written.array)).mean(axis=0)
    assert centre[0] > 0  # LPS: the patient's left is +x
    planted = np.argwhere(left.truth.lesions)[:, ::-1].mean(axis=0)
    assert centre == pytest.approx((left.truth.affine @ [*planted, 1.0])[:3], abs=0.01)


def test_regions_and_unassigned_add_up_to_the_total_exactly(many: Result) -> None:
    load = many.burden.load
    assert load.total_voxels == int(many.truth.lesions.sum()) > 0
    assert sum(region.lesion_voxels for region in load.regions.values()) + load.unassigned_voxels == load.total_voxels
    reported = groups(many.objects["report"])
    parts = [volume(reported[f"White matter lesions: {region.title}"]) for region in load_regions()]
    assert sum(parts) + volume(reported[UNASSIGNED]) == pytest.approx(
        volume(reported["White matter lesions"]), rel=1e-12
    )


def test_the_reported_total_is_the_segmentations_voxels_times_their_volume(many: Result, tmp_path: Path) -> None:
    segmentation = highdicom.seg.segread(save(many.objects["lesions"], tmp_path))
    measures = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    row, column = map(float, measures.PixelSpacing)
    voxel = row * column * float(measures.SpacingBetweenSlices)
    total = volume(groups(many.objects["report"])["White matter lesions"])
    assert total == pytest.approx(int(segmentation.pixel_array.sum()) * voxel / 1000, rel=1e-6)


def test_both_series_are_named_as_sources_and_the_flair_as_what_was_drawn_on(many: Result) -> None:
    volumes = (many.inputs.flair, many.inputs.t1)
    flair, t1 = ({item.sop_instance_uid for item in volume.instances} for volume in volumes if volume is not None)
    report = many.objects["report"]
    (library,) = (item for item in report.ContentSequence if "Image Library" in str(item.ConceptNameCodeSequence[0]))
    listed = [
        {
            item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            for item in group.ContentSequence
            if item.ValueType == "IMAGE"
        }
        for group in library.ContentSequence
    ]
    assert listed == [flair, t1]
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    evidence = {
        item.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == flair | t1 | {many.objects[name].SOPInstanceUID for name in ("lesions", "regions")}
    for name in ("lesions", "regions"):
        frames = many.objects[name].PerFrameFunctionalGroupsSequence
        drawn_on = {
            frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID for frame in frames
        }
        assert drawn_on <= flair


def test_small_lesions_are_left_out_everywhere_and_the_report_says_so(many: Result, tmp_path: Path) -> None:
    minimum = many.burden.load.largest_volume
    result = analyse(simulate_brain_mr(SEED, size="small"), tmp_path, minimum=minimum)
    load = result.burden.load
    assert (load.lesion_count, load.total_volume) == (1, minimum)
    assert many.burden.load.lesion_count > 1
    assert int(result.objects["lesions"].pixel_array.sum()) == load.total_voxels
    total = groups(result.objects["report"])["White matter lesions"]
    assert volume(total) == pytest.approx(minimum / 1000)
    assert number(total, "246206008") == 1
    assert f"minimum_lesion_volume_mm3: {minimum}" in result.objects["report"].to_json()
    assert summarise(result.inputs, result.burden).startswith(f"{minimum / 1000:.2f} mL in 1 lesions")
    assert not np.array_equal(result.objects["summary"].pixel_array, many.objects["summary"].pixel_array)


def test_without_flair_the_finding_is_t1_hypointensity_of_low_reliability(tmp_path: Path) -> None:
    result = analyse(simulate_brain_mr(SEED, size="small"), tmp_path, ("T1",))
    report = result.objects["report"]
    finding = next(
        item for item in groups(report)["White matter lesions"] if item.ConceptNameCodeSequence[0].CodeValue == "121071"
    )
    assert finding.ConceptCodeSequence[0].CodeValue == "110701"
    assert result.objects["lesions"].SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "110701"
    assert "low-reliability" in str(report)
    assert "D on T1" in summarise(result.inputs, result.burden)
    assert result.inputs.reference.array.shape == result.truth.array.shape


def test_no_lesion_is_a_result_of_nothing_found(tmp_path: Path) -> None:
    result = analyse(simulate_brain_mr(SEED, size="small", lesions=[]), tmp_path)
    assert volume(groups(result.objects["report"])["White matter lesions"]) == 0
    assert not result.objects["lesions"].pixel_array.any()


@pytest.mark.peer
def test_the_standards_checker_finds_no_error_in_any_object(many: Result, left: Result, tmp_path: Path) -> None:
    for number_, result in enumerate((many, left)):
        folder = tmp_path / str(number_)
        folder.mkdir()
        for dataset in result.objects.values():
            path = save(dataset, folder)
            assert dciodvfy_errors(path) == []
            assert dcmread(path).SeriesDescription == dataset.SeriesDescription
