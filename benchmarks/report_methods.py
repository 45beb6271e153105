"""Ways to write a TID 1500 report with an image library, each as its makers mean it to be used; all write a file."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from writing_methods import ANALYSIS, OUTPUT, Input

from operators.manifest import OutputPart
from operators.measure.measurement import Measurement, MeasurementGroup, SegmentReference
from operators.read.study import Study, read_study
from operators.read.volume import read_volume
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.segmentation import write_segmentation

REPORT = OutputPart(object="measurement_report", title="Organ volumes", series_number=9003)
ORGAN = Code("113343008", "SCT", "Organ")
QUANTITIES = (
    (codes.SCT.Volume, codes.UCUM.CubicMillimeter),
    (codes.SCT.Mean, Code("[hnsf'U]", "UCUM", "Hounsfield unit")),
    (codes.SCT.StandardDeviation, Code("[hnsf'U]", "UCUM", "Hounsfield unit")),
    (codes.SCT.Minimum, Code("[hnsf'U]", "UCUM", "Hounsfield unit")),
    (codes.SCT.Maximum, Code("[hnsf'U]", "UCUM", "Hounsfield unit")),
)


class ReportInput:
    """Numbers of segments of a series: as many groups of five numbers as there are segments."""

    def __init__(self, source: Path, groups: int, work: Path) -> None:
        """``source`` is a folder with one series; ``work`` is one for files."""
        self.source, self.work = source, work
        self.groups = range(1, groups + 1)
        self.study: Study = read_study(source)
        given = Input(source, groups, work)
        # A block for each segment: what is in it is no matter here.
        labels = np.zeros(read_volume(self.study.series[0]).array.shape, np.uint8)
        for number in self.groups:
            labels[number, number : number + 8, 8:16] = number
        self.segmentation = write_segmentation("organs", OUTPUT, given.volume, labels, given.segments, ANALYSIS)
        self.segmentation_folder = work / f"segmentation{groups}"
        self.segmentation_folder.mkdir(exist_ok=True)
        self.segmentation_path = save(self.segmentation, self.segmentation_folder)

    @cached_property
    def headers(self) -> list[Dataset]:
        """The source instances as pydicom reads them."""
        return [dcmread(path, stop_before_pixels=True) for path in sorted(self.source.iterdir())]

    @cached_property
    def read_segmentation(self) -> Dataset:
        """The Segmentation as a reader has it."""
        return dcmread(self.segmentation_path, stop_before_pixels=True)

    def prepare(self) -> None:
        """Make all of it, so that no writer's time has a part in it."""
        for name in ("headers", "read_segmentation"):
            getattr(self, name)

    def value(self, group: int, quantity: int) -> float:
        """A number with several digits."""
        return 1000.0 * group + quantity + 1 / 3


def gantry(given: ReportInput, folder: Path) -> Path:
    """Gantry: every check of the input included."""
    groups = [
        MeasurementGroup(
            f"s{group}",
            ORGAN,
            tuple(Measurement(name, given.value(group, place), unit) for place, (name, unit) in enumerate(QUANTITIES)),
            segment=SegmentReference("organs", group),
        )
        for group in given.groups
    ]
    report = write_measurement_report(
        "report", REPORT, given.study, groups, {"organs": given.segmentation}, given.study.series, ANALYSIS
    )
    return save(report, folder)


def highdicom(given: ReportInput, folder: Path) -> Path:
    """Write highdicom's MeasurementReport, the images as its ``referenced_images``, saved by pydicom."""
    import highdicom as hd

    series = given.headers[0].SeriesInstanceUID
    groups: list[Any] = [
        hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(ANALYSIS.uid(f"tracking/s{group}"), f"s{group}"),
            referenced_segment=hd.sr.ReferencedSegment(
                given.segmentation.SOPClassUID,
                given.segmentation.SOPInstanceUID,
                segment_number=group,
                source_series=hd.sr.SourceSeriesForSegmentation(series),
            ),
            finding_type=ORGAN,
            measurements=[
                hd.sr.Measurement(name, given.value(group, place), unit)
                for place, (name, unit) in enumerate(QUANTITIES)
            ],
        )
        for group in given.groups
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = hd.sr.MeasurementReport(
            observation_context=hd.sr.ObservationContext(
                observer_device_context=hd.sr.ObserverContext(
                    codes.DCM.Device,
                    hd.sr.DeviceObserverIdentifyingAttributes(ANALYSIS.algorithm.device_uid, name="ct_organs"),
                )
            ),
            procedure_reported=Code("25045-6", "LN", "CT unspecified body region"),
            imaging_measurements=groups,
            referenced_images=given.headers,
        )
        report = hd.sr.Comprehensive3DSR(
            evidence=[*given.headers, given.read_segmentation],
            content=content,
            series_instance_uid=ANALYSIS.uid("highdicom/series"),
            series_number=9003,
            sop_instance_uid=ANALYSIS.uid("highdicom/instance"),
            instance_number=1,
            manufacturer="Gantry",
        )
    path = folder / "highdicom.dcm"
    report.save_as(path)
    return path


def dcmqi(given: ReportInput, folder: Path) -> Path:
    """Run dcmqi's tid1500writer: the whole process, which reads the series and the Segmentation."""
    import dcmqi as package

    path = folder / "dcmqi.dcm"
    command = [
        str(Path(package.__file__).parent / "bin" / "tid1500writer"),
        *("--inputImageLibraryDirectory", str(given.source)),
        *("--inputCompositeContextDirectory", str(given.segmentation_folder)),
        *("--inputMetadata", str(_description(given)), "--outputDICOM", str(path)),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def _description(given: ReportInput) -> Path:
    """Return the report as dcmqi wants it described."""
    path = given.work / f"report{len(given.groups)}.json"
    if path.exists():
        return path

    def coded(concept: Code) -> dict[str, str]:
        names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        return dict(zip(names, (concept.value, concept.scheme_designator, concept.meaning), strict=True))

    measurements = [
        {
            "TrackingIdentifier": f"s{group}",
            "TrackingUniqueIdentifier": ANALYSIS.uid(f"tracking/s{group}"),
            "ReferencedSegment": group,
            "segmentationSOPInstanceUID": given.segmentation.SOPInstanceUID,
            "SourceSeriesForImageSegmentation": given.headers[0].SeriesInstanceUID,
            "Finding": coded(ORGAN),
            "measurementItems": [
                {
                    "value": f"{given.value(group, place):.12g}",
                    "quantity": coded(name),
                    "units": coded(unit),
                }
                for place, (name, unit) in enumerate(QUANTITIES)
            ],
        }
        for group in given.groups
    ]
    description = {
        "SeriesDescription": "Organ volumes",
        "SeriesNumber": "9003",
        "InstanceNumber": "1",
        "observerContext": {
            "ObserverType": "DEVICE",
            "DeviceObserverName": "ct_organs",
            "DeviceObserverUID": ANALYSIS.algorithm.device_uid,
        },
        "VerificationFlag": "UNVERIFIED",
        "CompletionFlag": "COMPLETE",
        "activitySession": "1",
        "timePoint": "1",
        "compositeContext": [given.segmentation_path.name],
        "imageLibrary": [item.name for item in sorted(given.source.iterdir())],
        "Measurements": measurements,
    }
    path.write_text(json.dumps(description), encoding="utf-8")
    return path


def numbers_of(path: Path) -> tuple[int, dict[tuple[str, str], float]]:
    """Return how many images the library of a report has, and its numbers by tracking identifier and quantity."""
    report = dcmread(path)
    images, numbers = 0, {}
    for container in report.ContentSequence:
        for group in container.get("ContentSequence", ()):
            children = group.get("ContentSequence", ())
            images += sum(child.ValueType == "IMAGE" for child in children) if _name(container) == "111028" else 0
            identifier = next((child.TextValue for child in children if _name(child) == "112039"), "")
            for child in children:
                if child.ValueType == "NUM" and identifier:
                    (measured,) = child.MeasuredValueSequence
                    value = float(measured.get("FloatingPointValue", measured.NumericValue))
                    numbers[str(identifier), _name(child)] = round(value, 5)
    return images, numbers


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].get("CodeValue")) if "ConceptNameCodeSequence" in item else ""


ReportMethod = Callable[[ReportInput, Path], Path]

REPORT_METHODS: dict[str, ReportMethod] = {
    "Gantry": gantry,
    "highdicom": highdicom,
    "dcmqi, a process": dcmqi,
}
"""Each writes one report into a folder that exists and returns its path."""
