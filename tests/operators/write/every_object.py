"""One small object of every writer, for the tests that hold for all of them: verification, conformance, AIR.

Whoever finishes a writer adds a function here and its name to ``EVERY_OBJECT``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes

from operators.manifest import OutputPart
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.refused import Reason, Refused
from operators.write.measurement_report import write_measurement_report
from operators.write.refusal_report import write_refusal_report
from operators.write.secondary_capture import write_secondary_capture
from operators.write.segmentation import write_segmentation
from tests.operators.write.studies import (
    LEFT,
    LESION,
    LESIONS,
    REPORT,
    SUMMARY,
    WHITE_MATTER,
    as_series,
    as_study,
    make_volume,
    segment,
)


@dataclass(frozen=True)
class Made:
    """What a run of an app would leave.

    ``objects`` are the results by output name: first the one that the example is of, then those that it refers to.
    ``outputs`` is the manifest's part of each. ``sources`` are headers of the received instances, of this study and of
    others that a result refers to. ``segment_voxels`` is what the app counted, as in its outcome.
    """

    objects: Mapping[str, FileDataset]
    outputs: Mapping[str, OutputPart]
    sources: tuple[Dataset, ...]
    segment_voxels: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Output name of the object that the example is of."""
        return next(iter(self.objects))

    @property
    def object(self) -> FileDataset:
        """The object that the example is of."""
        return self.objects[self.name]


def segmentation(analysis: Analysis) -> Made:
    volume = make_volume("oblique")
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[2:4, 3:6, 4:9], labels[4, 8, 1] = 1, 2
    segments = [segment(1, "Left", anatomic_region=WHITE_MATTER, laterality=LEFT), segment(2, "Spot")]
    made = write_segmentation("lesions", LESIONS, volume, labels, segments, analysis)
    headers = tuple(instance.header for instance in volume.instances)
    return Made({"lesions": made}, {"lesions": LESIONS}, headers, {"lesions": {1: 30, 2: 1}})


def measurement_report(analysis: Analysis) -> Made:
    drawn = segmentation(analysis)
    volume = make_volume("oblique")
    study = as_study(volume)
    groups = [
        MeasurementGroup(
            tracking_identifier="Left",
            finding=LESION,
            measurements=(Measurement(codes.SCT.Volume, 97.02, codes.UCUM.CubicMillimeter),),
            finding_site=WHITE_MATTER,
            laterality=LEFT,
            segment=SegmentReference("lesions", 1),
        )
    ]
    made = write_measurement_report(
        "report",
        REPORT,
        study,
        groups,
        drawn.objects,
        [as_series(volume)],
        analysis,
        evaluations=[Evaluation(codes.DCM.Finding, LESION)],
        notice="For research.",
        limits=["Adults only."],
    )
    return Made(
        {"report": made, **drawn.objects}, {"report": REPORT, **drawn.outputs}, drawn.sources, drawn.segment_voxels
    )


def refusal_report(analysis: Analysis) -> Made:
    volume = make_volume()
    refused = Refused(Reason.MISSING_SLICE, "series 3: 12 mm between slices 7 and 8, 3 mm elsewhere")
    made = write_refusal_report("report", REPORT, as_study(volume), refused, analysis)
    return Made({"report": made}, {"report": REPORT}, tuple(instance.header for instance in volume.instances))


def secondary_capture(analysis: Analysis) -> Made:
    volume = make_volume()
    page = np.zeros((8, 9, 3), np.uint8)
    made = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    return Made({"summary": made}, {"summary": SUMMARY}, tuple(instance.header for instance in volume.instances))


EVERY_OBJECT: Mapping[str, Callable[[Analysis], Made]] = {
    "segmentation": segmentation,
    "measurement_report": measurement_report,
    "refusal_report": refusal_report,
    "secondary_capture": secondary_capture,
}
"""Every example by name."""
