"""The result objects of one analysis: two Segmentations, the report and the summary page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from apps.mr_white_matter_lesions.burden import Burden
from apps.mr_white_matter_lesions.inputs import Inputs
from apps.mr_white_matter_lesions.page import summary_page
from apps.mr_white_matter_lesions.report import evaluations, lesion_segments, measurement_groups, region_segments
from operators.check.gate import GateResult
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.read.selection import Selection
from operators.read.study import Study
from operators.write.measurement_report import write_measurement_report
from operators.write.secondary_capture import write_secondary_capture
from operators.write.segmentation import write_segmentation


def label_maps(burden: Burden) -> dict[str, NDArray[np.uint8]]:
    """Return the label map behind each Segmentation, by output name."""
    return {"lesions": burden.lesions, "regions": burden.regions}


def write_objects(
    study: Study,
    selection: Selection,
    gates: Sequence[GateResult],
    inputs: Inputs,
    burden: Burden,
    analysis: Analysis,
    manifest: Manifest,
) -> dict[str, FileDataset]:
    """Return every result object by output name."""
    configuration, outputs, volume = inputs.configuration, manifest.outputs, inputs.reference
    segments = {"lesions": lesion_segments(configuration), "regions": region_segments()}
    segmentations = {
        name: write_segmentation(name, outputs[name], volume, labels, segments[name], analysis)
        for name, labels in label_maps(burden).items()
    }
    used = [selection.series[role] for role in inputs.roles]
    report = write_measurement_report(
        "report",
        outputs["report"],
        study,
        measurement_groups(burden, configuration),
        segmentations,
        used,
        analysis,
        evaluations=evaluations(configuration),
        gates=gates,
        notice=manifest.model.notice,
        limits=manifest.limits,
    )
    page = summary_page(inputs, burden, analysis, manifest)
    summary = write_secondary_capture("summary", outputs["summary"], study, page, used[:1], analysis)
    return {**segmentations, "report": report, "summary": summary}
