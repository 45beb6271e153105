"""Reports of the domains that have templates of their own: mammography, electrocardiography, echocardiography."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.manifest import OutputPart
from operators.measure.echocardiography import EchoKind, EchoMeasurement
from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements, EcgLeadMeasurements, EcgSource
from operators.measure.mammography import (
    BREAST_DENSITY,
    CALCIFICATION_CLUSTER,
    CadFeature,
    CadFinding,
    CadImpression,
    CadTask,
)
from operators.measure.measurement import FindingSite, Measurement, Modifier
from operators.measure.region import ImageRegion
from operators.measure.temporal import TemporalCoordinates, WaveformChannels
from operators.measure.waveform_annotation import (
    ECG_ANNOTATION,
    AnnotationGroup,
    MeasuredAnnotation,
    NoteAnnotation,
    PatternAnnotation,
)
from operators.provenance import Analysis
from operators.write.ecg_report import write_ecg_report
from operators.write.echo_report import write_echo_report
from operators.write.mammography_cad_report import write_mammography_cad_report
from operators.write.waveform_annotation_report import write_waveform_annotation_report
from phantoms.frames.radiography import write_radiograph
from phantoms.frames.ultrasound import write_ultrasound
from phantoms.waveforms import RECORDERS
from tests.operators.read.recordings import make_study
from tests.operators.write.examples.made import Made, one
from tests.operators.write.reports.everything import everything

CAD = OutputPart(object="mammography_cad_report", title="Mammography CAD", series_number=9010)
ECG = OutputPart(object="ecg_report", title="ECG analysis", series_number=9011)
ANNOTATIONS = OutputPart(object="waveform_annotation_report", title="ECG annotations", series_number=9012)
ECHO = OutputPart(object="echo_report", title="Echo measurements", series_number=9013)

MILLISECOND = Code("ms", "UCUM", "ms")
MILLIVOLT = Code("mV", "UCUM", "mV")
LEAD_II = Code("2:2", "MDC", "Lead II")
QRS_PER_LEAD = Code("2:7936", "MDC", "QRS duration per lead")
ATRIAL_FIBRILLATION = Code("49436004", "SCT", "Atrial fibrillation")
ST_ELEVATION = Code("76388001", "SCT", "ST elevation")
ST_LEVEL = Code("st-level", "99GANTRY", "ST level 60 ms after J")
DIAMETER = Code("81827009", "SCT", "Diameter")


def full_measurement_report(analysis: Analysis) -> Made:
    made = everything(analysis)
    sources = (
        *(instance.header for volume in (made.volume, made.prior) for instance in volume.instances),
        made.predecessor,
    )
    return Made({"report": made.report, "lesions": made.segmentation}, sources, {"lesions": {1: 30}})


@lru_cache(maxsize=1)
def mammograms() -> tuple[Dataset, Dataset]:
    """Headers of two mammograms of one study."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [write_radiograph(Path(folder) / str(number), modality="MG", number=number).path for number in (1, 2)]
        first, second = (dcmread(path, stop_before_pixels=True) for path in paths)
    return first, second


@lru_cache(maxsize=1)
def echo_images() -> tuple[Dataset, Dataset]:
    """Headers of an ultrasound image and a clip of three frames."""
    with tempfile.TemporaryDirectory() as folder:
        image = write_ultrasound(Path(folder) / "image", PatientSize="1.82", PatientWeight="80.5").path
        clip = write_ultrasound(Path(folder) / "clip", frames=3, number=2).path
        return dcmread(image, stop_before_pixels=True), dcmread(clip, stop_before_pixels=True)


@lru_cache(maxsize=1)
def recording() -> Dataset:
    """A 12-lead ECG, with a rhythm and a median beat."""
    return RECORDERS["12-lead ECG Waveform Storage"].instance(make_study())


def lead_ii(first: int, last: int) -> TemporalCoordinates:
    return TemporalCoordinates(WaveformChannels(recording(), ((1, 2),)), "SEGMENT", (first, last))


def cluster(**changes: object) -> CadFinding:
    first, _ = mammograms()
    values: dict[str, object] = {
        "tracking_identifier": "Cluster 1",
        "kind": CALCIFICATION_CLUSTER,
        "center": ImageRegion(first, "POINT", ((10.5, 20.25),)),
        "outline": ImageRegion(first, "ELLIPSE", ((8, 20), (12, 20), (10, 18), (10, 22))),
        "certainty": 80.0,
        "probability_of_cancer": 12.5,
        "number_of_calcifications": 5,
        "properties": (
            Modifier(
                Code("111008", "DCM", "Calcification Distribution"),
                Code("129767008", "SCT", "Regional calcification distribution"),
            ),
        ),
        **changes,
    }
    return CadFinding(**values)  # type: ignore[arg-type]


def mammography_cad_report(analysis: Analysis) -> Made:
    images = mammograms()
    densities = tuple(
        CadFinding(f"Density {place}", BREAST_DENSITY, ImageRegion(header, "POINT", ((10 + place, 20),)))
        for place, header in enumerate(images, start=1)
    )
    mass = CadFeature(
        "Mass 1",
        Code("129788004", "SCT", "Mammographic breast mass"),
        Code("111154", "DCM", "Target Content Items are related spatially"),
        Code("111158", "DCM", "Feature detected on multiple images"),
        densities,
        certainty=50.0,
    )
    made = write_mammography_cad_report(
        "cad",
        CAD,
        images,
        [CadTask(CALCIFICATION_CLUSTER, images), CadTask(BREAST_DENSITY, images)],
        [CadImpression(features=(mass,)), CadImpression(findings=(cluster(),))],
        analysis,
        analyses=[CadTask(Code("133885008", "SCT", "Spatial proximity analysis"), images, "failed")],
    )
    return one("cad", made, images)


def ecg_report(analysis: Analysis) -> Made:
    measured = EcgGlobalMeasurements(
        ventricular_rate=72,
        qt_interval=400,
        pr_interval=None,
        qrs_duration=98,
        rr_interval=833.25,
        qtc_interval=438.2,
        qtc_method=Code("122730", "DCM", "Bazett QT Correction Algorithm"),
        qrs_axis=-30,
        beat_count=3,
        source=EcgSource(1, Code("373098007", "SCT", "Averaged"), lead_ii(10, 200)),
    )
    lead = EcgLeadMeasurements(
        LEAD_II,
        (Measurement(QRS_PER_LEAD, 96, MILLISECOND),),
        (Measurement(ST_LEVEL, 0.12, MILLIVOLT),),
        ST_ELEVATION,
        (ATRIAL_FIBRILLATION,),
    )
    made = write_ecg_report(
        "ecg",
        ECG,
        recording(),
        measured,
        [lead],
        analysis,
        findings=[EcgFinding(ATRIAL_FIBRILLATION, "absolute arrhythmia"), EcgFinding("no P waves")],
        overall=Code("102594003", "SCT", "Abnormal ECG"),
        summary="Atrial fibrillation with ST elevation in lead II.",
        lead_system=Code("10:11264", "MDC", "Unspecified 12-lead system"),
        notice="For research.",
    )
    return one("ecg", made, [recording()])


def waveform_annotation_report(analysis: Analysis) -> Made:
    beat = AnnotationGroup(
        (
            PatternAnnotation(
                ECG_ANNOTATION,
                ATRIAL_FIBRILLATION,
                lead_ii(1, 500),
                (Modifier(Code("130875", "DCM", "Waveform Annotation Modifier"), Code("24484000", "SCT", "Severe")),),
            ),
            MeasuredAnnotation(Measurement(QRS_PER_LEAD, 96, MILLISECOND), lead_ii(120, 168)),
            NoteAnnotation(
                "muscle artefact",
                TemporalCoordinates(WaveformChannels(recording(), ((1, 0), (2, 0))), "POINT", time_offsets=(0.25,)),
            ),
        ),
        "beat 1",
    )
    whole = AnnotationGroup((NoteAnnotation("good quality", WaveformChannels(recording())),))
    made = write_waveform_annotation_report("annotations", ANNOTATIONS, [recording()], [beat, whole], analysis)
    return one("annotations", made, [recording()])


def echo_report(analysis: Analysis) -> Made:
    image, clip = echo_images()
    line = ((1.0, 1.0), (20.0, 20.0))
    percent, centimetre = Code("%", "UCUM", "Percent"), codes.UCUM.Centimeter
    strain = Code("130696", "DCM", "LV Peak GLS 2CH (Endocardial)")
    measurements = [
        EchoMeasurement(
            Measurement(strain, -18.5, percent, sources=(ImageRegion(clip, "POLYLINE", line, 2),)),
            "GLS",
            selected_because=Code("56851009", "SCT", "Maximum"),
        ),
        EchoMeasurement(Measurement(strain, -17.5, percent), "GLS", images=(clip,)),
        EchoMeasurement(
            Measurement(
                Code("outflow-tract-diameter", "99GANTRY", "Diameter of outflow tract"),
                2.1,
                centimetre,
                sources=(ImageRegion(image, "POLYLINE", line),),
            ),
            "LVOTd",
            kind=EchoKind(
                Code("125311", "DCM", "Structure of the Finding Site"),
                FindingSite(Code("13418002", "SCT", "Left Ventricular Outflow Tract")),
                DIAMETER,
                Code("125316", "DCM", "Directly measured"),
                cardiac_phase=Code("90892000", "SCT", "Diastole"),
                image_mode=Code("399009009", "SCT", "B mode"),
            ),
        ),
    ]
    adhoc = [EchoMeasurement(Measurement(DIAMETER, 3.1, centimetre), "cyst", images=(image,))]
    made = write_echo_report("echo", ECHO, [image, clip], measurements, analysis, adhoc=adhoc)
    return one("echo", made, [image, clip])
