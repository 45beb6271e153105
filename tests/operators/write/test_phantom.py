"""A simulated examination, read from its files: what is written back lies where the truth lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom.sr.codedict import codes

from operators.measure.measurement import Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.secondary_capture import write_secondary_capture
from operators.write.segmentation import write_segmentation
from operators.write.summary_page import Picture, SummaryPage, render_summary
from phantoms.mr_brain.dicom import write_brain_mr
from phantoms.mr_brain.simulate import simulate_brain_mr
from tests.operators.write.studies import LESION, LESIONS, REPORT, SUMMARY, segment


@pytest.mark.parametrize("sequence", ["FLAIR", "T1"])
def test_results_lie_where_the_truth_lies(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], sequence: str
) -> None:
    phantom = simulate_brain_mr(5, size="small")
    written = write_brain_mr(phantom, tmp_path / "study")
    planted = written.series[sequence]
    truth = planted.acquisition
    study = read_study(tmp_path / "study")
    (series,) = (series for series in study.series if series.series_instance_uid == planted.series_uid)
    volume = read_volume(series)
    # Reading may order the slices the other way round than the simulation.
    order = [planted.sop_instance_uids.index(instance.sop_instance_uid) for instance in volume.instances]
    labels = truth.lesions[order].astype(np.uint8)
    assert labels.any()

    result = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesions")], analysis)
    path = save(result, tmp_path)
    validate(path)
    in_space = highdicom.seg.segread(path).get_volume(combine_segments=True)
    centre = in_space.affine @ np.append(np.argwhere(in_space.array).mean(axis=0), 1)
    slices, rows, columns = np.argwhere(truth.lesions).mean(axis=0)
    np.testing.assert_allclose(centre[:3], (truth.affine @ [columns, rows, slices, 1])[:3], atol=0.01)

    total = int(labels.sum()) * volume.voxel_volume
    group = MeasurementGroup(
        "Lesions",
        LESION,
        (Measurement(codes.SCT.Volume, total, codes.UCUM.CubicMillimeter),),
        segment=SegmentReference("lesions", 1),
    )
    report = write_measurement_report("report", REPORT, study, [group], {"lesions": result}, [series], analysis)
    validate(save(report, tmp_path))
    picture = Picture(volume.array, volume.affine, labels, {1: (255, 80, 80)})
    page = render_summary(SummaryPage("Lesions", [("Total", f"{total / 1000:.2f} mL")], picture))
    validate(save(write_secondary_capture("summary", SUMMARY, study, page, [series], analysis), tmp_path))
