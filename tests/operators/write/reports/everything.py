"""A measurement report that uses every row that the writer knows, for several tests."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import Comprehensive3DSRStorage

from operators.measure.measurement import (
    Evaluation,
    FindingSite,
    KeyMeasurement,
    Measurement,
    MeasurementGroup,
    Modifier,
    NormalRange,
    Population,
    PopulationValue,
    Properties,
    SegmentReference,
    TimePoint,
    Uncertainty,
    VolumeSurface,
)
from operators.measure.region import ImageRegion, PatientRegion
from operators.provenance import Analysis, uid_from_text
from operators.read.volume import Volume
from operators.write.measurement_report import write_measurement_report
from operators.write.reports.context import PersonObserver
from operators.write.segmentation import write_segmentation
from tests.operators.write.studies import (
    ABNORMAL,
    LEFT,
    LESION,
    LESIONS,
    REPORT,
    WHITE_MATTER,
    as_series,
    as_study,
    make_volume,
    patient,
    segment,
)

MM = codes.UCUM.Millimeter
MM3 = codes.UCUM.CubicMillimeter
BASELINE = Code("112074", "DCM", "Target Lesion at Baseline")
GROWTH = Code("growth", "99GANTRY", "Growth")
UPPER = Code("261183002", "SCT", "Upper")
LONG_AXIS = Code("103339001", "SCT", "Long axis")
LENGTH = Code("410668003", "SCT", "Length")
SUV = Code("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
VOXEL_SUMMATION = Code("YEKZ", "IBSI", "Volume from Voxel Summation")

MEASURED = Measurement(
    codes.SCT.Volume,
    97.0212345678901,
    MM3,
    VOXEL_SUMMATION,
    derivation=codes.SCT.Mean,
    modifiers=(Modifier(codes.SCT.TopographicalModifier, UPPER),),
    sites=(FindingSite(WHITE_MATTER, LEFT, UPPER),),
    properties=Properties(
        normality=Code("371879000", "SCT", "Abnormally High"),
        population=Population(
            (PopulationValue(Code("121416", "DCM", "Z-Score of measurement"), 2.4, codes.UCUM.NoUnits),),
            "adults without disease",
            "Study of 1,000 heads",
        ),
        normal_range=NormalRange(0.0, 50.0, "95 % of adults", "Our own"),
        significance=Code("386134007", "SCT", "Significant"),
        uncertainties=(
            Uncertainty(Code("371885007", "SCT", "-, range of lower measurement uncertainty"), 3.5),
            Uncertainty(Code("371886008", "SCT", "+, range of upper measurement uncertainty"), 4.25),
        ),
        selection_status=Code("121412", "DCM", "Mean value chosen"),
    ),
    equivalent_meaning="Lesion load",
)


@dataclass(frozen=True)
class Everything:
    """The report and what it was made of."""

    report: FileDataset
    segmentation: FileDataset
    volume: Volume
    prior: Volume
    predecessor: Dataset


def predecessor_of(volume: Volume) -> Dataset:
    header = deepcopy(volume.instances[0].header)
    header.SOPClassUID, header.SOPInstanceUID = Comprehensive3DSRStorage, uid_from_text("earlier report")
    header.SeriesInstanceUID = uid_from_text("series of the earlier report")
    return header


def everything(analysis: Analysis) -> Everything:
    volume = make_volume("oblique")
    prior = make_volume(
        "axial",
        (3, 10, 12),
        number=8,
        description="T2 FLAIR of last year",
        identity=patient(StudyInstanceUID=uid_from_text("last year"), StudyDate="20220101"),
    )
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[2:4, 3:6, 4:9] = 1
    segmentation = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesion 1")], analysis)
    on = [item.header for item in volume.slices]
    frame_of_reference = volume.frame_of_reference_uid
    axis = ImageRegion(on[2], "POLYLINE", ((4.5, 3.5), (8.5, 5.5)))
    circle = ((1.0, 2.0, 3.0), (5.0, 2.0, 3.0), (3.0, 0.0, 3.0), (3.0, 4.0, 3.0))
    groups = [
        MeasurementGroup(
            "Lesion 1",
            LESION,
            (MEASURED,),
            (Evaluation(GROWTH, Code("35105006", "SCT", "Increased")),),
            WHITE_MATTER,
            LEFT,
            SegmentReference("lesions", 1),
            comment="largest",
            topographical_modifier=UPPER,
            finding_category=ABNORMAL,
            time_point=TimePoint("week 12", "P-0815/2", "W12", (BASELINE,), 2),
            key=KeyMeasurement(axis, (Measurement(LONG_AXIS, 4.7, MM),)),
        ),
        MeasurementGroup(
            "Ellipse",
            LESION,
            (Measurement(codes.SCT.Area, 9.4, codes.UCUM.SquareMillimeter),),
            regions=(ImageRegion(on[0], "ELLIPSE", ((1, 4), (5, 4), (3, 3), (3, 5))),),
        ),
        MeasurementGroup(
            "Polygon",
            LESION,
            (Measurement(LENGTH, 4.0, MM),),
            regions=(
                PatientRegion(
                    frame_of_reference, "POLYGON", ((0.5, 0.0, 7.0), (4.0, 0.0, 7.0), (4.0, 3.0, 7.0), (0.5, 0.0, 7.0))
                ),
            ),
        ),
        MeasurementGroup(
            "One plane of the segment",
            LESION,
            (Measurement(codes.SCT.Area, 16.2, codes.UCUM.SquareMillimeter),),
            segment=SegmentReference("lesions", 1, (1,)),
        ),
        MeasurementGroup(
            "Contours",
            LESION,
            (Measurement(codes.SCT.Volume, 50, MM3),),
            method=VOXEL_SUMMATION,
            regions=tuple(
                ImageRegion(header, "POLYLINE", ((1, 1), (4, 1), (4, 4), (1, 1))) for header in (on[1], on[2])
            ),
        ),
        MeasurementGroup(
            "Ellipsoid",
            LESION,
            (Measurement(codes.SCT.Volume, 33, MM3),),
            surface=VolumeSurface(
                PatientRegion(frame_of_reference, "ELLIPSOID", (*circle, (3.0, 2.0, 1.0), (3.0, 2.0, 5.0))),
                (on[4],),
            ),
        ),
        MeasurementGroup(
            "Whole brain",
            LESION,
            (Measurement(codes.SCT.Volume, float("nan"), MM3, qualifier=codes.DCM.MeasurementFailure),),
            (Evaluation(codes.DCM.Finding, "ohne Befund"),),
        ),
        MeasurementGroup(
            "Midline",
            WHITE_MATTER,
            (
                Measurement(LENGTH, 4.0, MM, sources=(axis,)),
                Measurement(LENGTH, 4.5, MM, sources=(PatientRegion(frame_of_reference, "ELLIPSE", circle),)),
            ),
        ),
    ]
    predecessor = predecessor_of(volume)
    report = write_measurement_report(
        "report",
        REPORT,
        as_study(volume),
        groups,
        {"lesions": segmentation},
        [as_series(volume)],
        analysis,
        evaluations=[
            Evaluation(codes.DCM.Finding, LESION, (Modifier(codes.SCT.Laterality, LEFT),)),
            Evaluation(codes.DCM.Finding, "mehr als im Vorjahr"),
        ],
        derived=[Measurement(Code("130614", "DCM", "Interquartile Range of population"), 61.5, MM3)],
        notice="For research.",
        limits=["Adults only."],
        priors=[as_series(prior)],
        predecessors=[predecessor],
        language=Code("de", "RFC5646", "German"),
        person=PersonObserver("Weiß^Anna", "aweiss", "Klinik", Code("121081", "DCM", "Physician")),
    )
    return Everything(report, segmentation, volume, prior, predecessor)
