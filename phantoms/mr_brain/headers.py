"""What the simulated MR scanner writes about each of its sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from phantoms.identity import Equipment

SCANNER = Equipment(
    manufacturer="Gantry Phantoms",
    model="Simulated 3T",
    serial_number="SIM-0001",
    software_version="1.0",
    station_name="PHANTOMMR1",
)


@dataclass(frozen=True)
class SequenceHeader:
    """Series number and description, seconds after the study's start, and further attributes by keyword."""

    series_number: int
    description: str
    delay_seconds: int
    attributes: dict[str, Any]


_COMMON = {
    "MagneticFieldStrength": 3.0,
    "ImagingFrequency": 123.25,
    "ImagedNucleus": "1H",
    "NumberOfAverages": 1,
    "EchoNumbers": 1,
    "PercentSampling": 100,
    "PercentPhaseFieldOfView": 100,
    "TransmitCoilName": "Body",
    "ReceiveCoilName": "HeadNeck",
    "VariableFlipAngleFlag": "N",
    "ScanOptions": None,
    "PatientPosition": "HFS",
    "BodyPartExamined": "HEAD",
}

HEADERS: dict[str, SequenceHeader] = {
    "LOCALIZER": SequenceHeader(
        1,
        "localizer",
        10,
        {
            **_COMMON,
            "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER", "M"],
            "ScanningSequence": "GR",
            "SequenceVariant": "SP",
            "MRAcquisitionType": "2D",
            "SequenceName": "fl2d1",
            "RepetitionTime": 8.6,
            "EchoTime": 4.0,
            "EchoTrainLength": 1,
            "FlipAngle": 20,
            "PixelBandwidth": 320,
            "InPlanePhaseEncodingDirection": "ROW",
        },
    ),
    "FLAIR": SequenceHeader(
        2,
        "t2_flair_tra_3mm",
        60,
        {
            **_COMMON,
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
            "ScanningSequence": ["SE", "IR"],
            "SequenceVariant": ["SK", "SP"],
            "MRAcquisitionType": "2D",
            "SequenceName": "tir2d1_16",
            "RepetitionTime": 9000,
            "EchoTime": 120,
            "InversionTime": 2500,
            "EchoTrainLength": 16,
            "FlipAngle": 150,
            "PixelBandwidth": 220,
            "InPlanePhaseEncodingDirection": "ROW",
        },
    ),
    "T1": SequenceHeader(
        3,
        "t1_mprage_sag_1mm",
        420,
        {
            **_COMMON,
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
            "ScanningSequence": ["GR", "IR"],
            "SequenceVariant": ["SK", "SP", "MP"],
            "MRAcquisitionType": "3D",
            "SequenceName": "tfl3d1",
            "RepetitionTime": 2300,
            "EchoTime": 2.98,
            "InversionTime": 900,
            "EchoTrainLength": 1,
            "FlipAngle": 9,
            "PixelBandwidth": 240,
            "InPlanePhaseEncodingDirection": "ROW",
        },
    ),
}
