"""Small reports of measurements and refusals."""

from __future__ import annotations

from pydicom.sr.codedict import codes

from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.refused import Reason, Refused
from operators.write.measurement_report import write_measurement_report
from operators.write.refusal_report import write_refusal_report
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.examples.segmentations import binary
from tests.operators.write.studies import LEFT, LESION, REPORT, WHITE_MATTER, as_series, as_study, make_volume


def measurement_report(analysis: Analysis) -> Made:
    drawn = binary(analysis)
    volume = make_volume("oblique")
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
        as_study(volume),
        groups,
        drawn.objects,
        [as_series(volume)],
        analysis,
        evaluations=[Evaluation(codes.DCM.Finding, LESION)],
        notice="For research.",
        limits=["Adults only."],
    )
    return Made({"report": made, **drawn.objects}, drawn.sources, drawn.segment_voxels)


def refusal_report(analysis: Analysis) -> Made:
    volume = make_volume()
    refused = Refused(Reason.MISSING_SLICE, "series 3: 12 mm between slices 7 and 8, 3 mm elsewhere")
    return one("report", write_refusal_report("report", REPORT, as_study(volume), refused, analysis), headers(volume))
