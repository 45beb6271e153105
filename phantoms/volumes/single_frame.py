"""CT, MR and PET series of one instance a slice (PS3.3 A.3, A.4 and A.21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from phantoms.volumes.common import (
    Affine,
    Array,
    EachSlice,
    WrittenVolume,
    new_series,
    set_attributes,
    write_slices,
)


def write_ct(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 2,
    slope: float = 1,
    intercept: float = -1024,
    bits_stored: int = 12,
    each: EachSlice | None = None,
    first_number: int = 1,
    **attributes: Any,
) -> WrittenVolume:
    """Write a CT series; its values are Hounsfield units. Attributes by keyword go into every instance."""
    series = new_series(CTImageStorage, "CT", seed, number, "thorax 3.0 B30f")
    set_attributes(
        series,
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "KVP": 120,
            "ConvolutionKernel": "B30f",
            "RescaleType": "HU",
            "RescaleSlope": slope,
            "RescaleIntercept": intercept,
            **attributes,
        },
    )
    paths = write_slices(series, stored, affine, folder, bits_stored=bits_stored, each=each, first_number=first_number)
    return WrittenVolume(folder, paths, stored.astype(np.float64) * slope + intercept, affine)


def write_mr(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 3,
    bits_stored: int = 12,
    each: EachSlice | None = None,
    first_number: int = 1,
    **attributes: Any,
) -> WrittenVolume:
    """Write an MR series, whose values are the stored ones. Attributes by keyword go into every instance."""
    series = new_series(MRImageStorage, "MR", seed, number, "t2_tse_tra")
    set_attributes(
        series,
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
            "ScanningSequence": "SE",
            "SequenceVariant": "SK",
            "MRAcquisitionType": "2D",
            "RepetitionTime": 4000,
            "EchoTime": 80,
            "EchoTrainLength": 8,
            "FlipAngle": 90,
            "WindowCenter": 500,
            "WindowWidth": 1000,
            **attributes,
        },
    )
    if "ScanOptions" not in series:
        series.ScanOptions = None
    paths = write_slices(series, stored, affine, folder, bits_stored=bits_stored, each=each, first_number=first_number)
    return WrittenVolume(folder, paths, stored.astype(np.float64), affine)


def write_pet(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    slopes: Sequence[float],
    seed: int = 1,
    number: int = 4,
    units: str = "BQML",
    tracer: Mapping[str, Any] | None = None,
    each: EachSlice | None = None,
    first_number: int = 1,
    **attributes: Any,
) -> WrittenVolume:
    """Write a PET series of signed 16-bit values with a slope for each slice, injected an hour before the scan.

    `tracer` changes attributes of the Radiopharmaceutical Information item, None removes one.
    """
    series = new_series(PositronEmissionTomographyImageStorage, "PT", seed, number, "PET WB")
    item = Dataset()
    set_attributes(
        item,
        {
            "Radiopharmaceutical": "Fluorodeoxyglucose",
            "RadiopharmaceuticalStartTime": "090000",
            "RadionuclideTotalDose": 350e6,
            "RadionuclideHalfLife": 6588,
            "RadionuclidePositronFraction": 0.967,
            "RadionuclideCodeSequence": DicomSequence([_code("C-111A1", "SRT", "^18^Fluorine")]),
            **(tracer or {}),
        },
    )
    set_attributes(
        series,
        {
            "ImageType": ["ORIGINAL", "PRIMARY"],
            "Units": units,
            "CountsSource": "EMISSION",
            "SeriesType": ["WHOLE BODY", "IMAGE"],
            "NumberOfSlices": len(stored),
            "NumberOfRRIntervals": None,
            "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY"],
            "DecayCorrection": "START",
            "DecayFactor": 1,
            "AttenuationCorrectionMethod": "measured,CT",
            "CollimatorType": "NONE",
            "FrameReferenceTime": 60000,
            "ActualFrameDuration": 120000,
            "RescaleIntercept": 0,
            "RadiopharmaceuticalInformationSequence": DicomSequence([item]),
            "PatientOrientationCodeSequence": DicomSequence(),
            "PatientGantryRelationshipCodeSequence": DicomSequence(),
            "PatientPosition": None,
            **attributes,
        },
    )

    def one(index: int) -> Mapping[str, Any]:
        found = {"RescaleSlope": slopes[index], "ImageIndex": index + 1}
        return {**found, **(each(index) if each is not None else {})}

    paths = write_slices(series, stored, affine, folder, bits_stored=16, each=one, first_number=first_number)
    scale = np.array(slopes, dtype=np.float64)[:, np.newaxis, np.newaxis]
    return WrittenVolume(folder, paths, stored * scale, affine)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
