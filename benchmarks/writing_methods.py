"""Ways to write a label map as a Segmentation, each as its makers mean it to be used; all write a file."""

from __future__ import annotations

import json
import logging
import subprocess
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from reading_methods import monai_deploy_operators, peak_memory
from synthetic_labels import ellipsoids

from operators.manifest import OutputPart
from operators.provenance import Algorithm, Analysis
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm

OUTPUT = OutputPart(object="segmentation", title="Organs", series_number=9001)
ANALYSIS = Analysis(
    Algorithm("ct_organs", "Organs", "0.1.0", "ab" * 32, codes.DCM.ArtificialIntelligence),
    "cd" * 32,
    datetime(2026, 1, 2, 12, tzinfo=timezone.utc),
)


class Input:
    """A label map on a series, with what each writer wants of it in memory or on disk already."""

    def __init__(self, source: Path, segments: int, work: Path) -> None:
        """``source`` is a folder with one series; ``work`` is one for files."""
        self.source, self.work = source, work
        self.numbers = range(1, segments + 1)
        self.volume: Volume = read_volume(read_study(source).series[0])
        self.labels = ellipsoids(self.volume.array.shape, segments)

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments as Gantry describes them."""
        return [
            Segment(number, f"Segment {number}", codes.SCT.AnatomicalStructure, codes.SCT.Organ, f"s{number}")
            for number in self.numbers
        ]

    @cached_property
    def headers(self) -> list[Dataset]:
        """The source instances as pydicom reads them, in the order of the slices."""
        read = [dcmread(path, stop_before_pixels=True) for path in self.source.iterdir()]
        return sorted(read, key=lambda header: float(header.ImagePositionPatient[2]))

    @cached_property
    def monai_series(self) -> Any:
        """The series as MONAI Deploy's loader reads it."""
        loader, _ = monai_deploy_operators()
        return loader.load_data_to_studies(self.source)[0].get_all_series()[0]

    @cached_property
    def monai_labels(self) -> NDArray[np.uint8]:
        """The label map in the order of that series."""
        place = {header.SOPInstanceUID: index for index, header in enumerate(self.headers)}
        instances = self.monai_series.get_sop_instances()
        return self.labels[[place[item.get_native_sop_instance().SOPInstanceUID] for item in instances]]

    @cached_property
    def image(self) -> Path:
        """The label map as an image file, for converters."""
        image = SimpleITK.GetImageFromArray(self.labels)
        affine = self.volume.affine
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        image.SetOrigin(affine[:3, 3].tolist())
        image.SetSpacing(spacing.tolist())
        image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
        path = self.work / f"labels{len(self.numbers)}.nrrd"
        SimpleITK.WriteImage(image, str(path))
        return path

    @cached_property
    def description(self) -> Path:
        """The segments as dcmqi wants them described."""
        structure = {"CodeValue": "91723000", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Anatomical Structure"}
        organ = {"CodeValue": "113343008", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Organ"}
        segments = [
            {
                "labelID": number,
                "SegmentLabel": f"Segment {number}",
                "SegmentAlgorithmType": "AUTOMATIC",
                "SegmentAlgorithmName": "ct_organs",
                "SegmentedPropertyCategoryCodeSequence": structure,
                "SegmentedPropertyTypeCodeSequence": organ,
                "recommendedDisplayRGBValue": [200, number % 256, 90],
            }
            for number in self.numbers
        ]
        content = {"ContentCreatorName": "Doe^Jane", "SeriesNumber": "9001", "InstanceNumber": "1"}
        path = self.work / f"labels{len(self.numbers)}.json"
        path.write_text(json.dumps({**content, "segmentAttributes": [segments]}), encoding="utf-8")
        return path

    def prepare(self) -> None:
        """Make all of it, so that no writer's time or memory has a part in it."""
        for name in ("segments", "headers", "monai_series", "monai_labels", "image", "description"):
            getattr(self, name)


Method = Callable[[Input, Path], Path]
"""Writes one file into a folder that exists and returns its path."""


@dataclass(frozen=True)
class Gantry:
    """Gantry, in one of its forms: every check of the input included."""

    form: SegmentationForm

    def __call__(self, given: Input, folder: Path) -> Path:
        """Write and save."""
        result = write_segmentation(
            "organs", OUTPUT, given.volume, given.labels, given.segments, ANALYSIS, form=self.form
        )
        return save(result, folder)


@dataclass(frozen=True)
class Highdicom:
    """highdicom's Segmentation of the headers in memory, saved by pydicom."""

    kind: str
    transfer_syntax: str

    def __call__(self, given: Input, folder: Path) -> Path:
        """Write and save."""
        import highdicom

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = highdicom.seg.Segmentation(
                source_images=given.headers,
                pixel_array=given.labels,
                segmentation_type=self.kind,
                segment_descriptions=[self._description(number) for number in given.numbers],
                series_instance_uid=ANALYSIS.uid("highdicom/series"),
                series_number=9001,
                sop_instance_uid=ANALYSIS.uid("highdicom/instance"),
                instance_number=1,
                manufacturer="Gantry",
                manufacturer_model_name="ct_organs",
                software_versions="0.1.0",
                device_serial_number="1",
                transfer_syntax_uid=self.transfer_syntax,
            )
        path = folder / "highdicom.dcm"
        result.save_as(path)
        return path

    def _description(self, number: int) -> Any:
        import highdicom

        return highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"Segment {number}",
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Organ,
            algorithm_type="AUTOMATIC",
            algorithm_identification=highdicom.AlgorithmIdentificationSequence(
                name="ct_organs", version="0.1.0", family=codes.DCM.ArtificialIntelligence
            ),
            tracking_uid=ANALYSIS.uid(f"tracking/s{number}"),
            tracking_id=f"s{number}",
        )


def monai_deploy(given: Input, folder: Path) -> Path:
    """MONAI Deploy App SDK: DICOMSegmentationWriterOperator, without its graph."""
    from monai.deploy.core import Application
    from monai.deploy.operators.dicom_seg_writer_operator import DICOMSegmentationWriterOperator, SegmentDescription

    logging.disable(logging.WARNING)
    descriptions = [
        SegmentDescription(
            segment_label=f"Segment {number}",
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Organ,
            algorithm_name="ct_organs",
            algorithm_family=codes.DCM.ArtificialIntelligence,
            algorithm_version="0.1.0",
        )
        for number in given.numbers
    ]
    operator = DICOMSegmentationWriterOperator(
        Application(), segment_descriptions=descriptions, output_folder=folder, name="writer"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operator.create_dicom_seg(given.monai_labels, given.monai_series, folder)
    return next(folder.glob("*.dcm"))


@dataclass(frozen=True)
class Dcmqi:
    """dcmqi's itkimage2segimage: the whole process, which reads the source series and the label map's file."""

    kind: str
    compression: str

    def __call__(self, given: Input, folder: Path) -> Path:
        """Run the process."""
        path = folder / "dcmqi.dcm"
        self._start(given, path).wait()
        return path

    def peak_memory(self, given: Input, folder: Path) -> int:
        """Return the largest resident memory of the process in bytes, looked up while it runs."""
        process = self._start(given, folder / "dcmqi.dcm")
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_memory(process.pid))
            time.sleep(0.001)
        return peak

    def _start(self, given: Input, path: Path) -> subprocess.Popen[bytes]:
        import dcmqi

        command = [
            str(Path(dcmqi.__file__).parent / "bin" / "itkimage2segimage"),
            *("--inputImageList", str(given.image), "--inputDICOMDirectory", str(given.source)),
            *("--inputMetadata", str(given.description), "--outputDICOM", str(path)),
            *("--segmentationType", self.kind, "--compress", self.compression),
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


BINARY: dict[str, Method] = {
    "Gantry": Gantry(SegmentationForm()),
    "highdicom": Highdicom("BINARY", ExplicitVRLittleEndian),
    "MONAI Deploy SDK": monai_deploy,
    "dcmqi, a process": Dcmqi("binary", "none"),
}
"""One bit a voxel, not compressed."""

LABEL_MAP: dict[str, Method] = {
    "Gantry, RLE": Gantry(SegmentationForm("labelmap", "rle")),
    "Gantry, JPEG-LS": Gantry(SegmentationForm("labelmap", "jpeg_ls")),
    "Gantry, deflated": Gantry(SegmentationForm("labelmap", "deflated")),
    "highdicom, RLE": Highdicom("LABELMAP", RLELossless),
    "dcmqi, deflated, a process": Dcmqi("labelmap", "deflate"),
}
"""Label maps, compressed."""

METHODS = {**BINARY, **LABEL_MAP}
