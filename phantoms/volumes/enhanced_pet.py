"""Enhanced PET: the slices of a volume as frames of one object, each with its slope (PS3.3 A.56)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import EnhancedPETImageStorage

from phantoms.volumes.common import Affine, Array, WrittenVolume, decimals, set_attributes
from phantoms.volumes.enhanced import coded, new_object, one_item, shared_groups, write_frames


def write_enhanced_pet(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    slopes: Sequence[float],
    seed: int = 1,
    number: int = 14,
    order: Sequence[int] | None = None,
    **attributes: Any,
) -> WrittenVolume:
    """Write `stored` (slice, row, column) as one Enhanced PET object with a slope for each frame, in Bq/ml."""
    kind = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    instance = new_object(EnhancedPETImageStorage, "PT", seed, number, "Enhanced PET WB")
    described = {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
    }
    tracer = Dataset()
    set_attributes(
        tracer,
        {
            "RadionuclideTotalDose": 350e6,
            "RadionuclideHalfLife": 6588,
            "RadionuclidePositronFraction": 0.967,
            "RadiopharmaceuticalAgentNumber": 1,
            "RadiopharmaceuticalStartDateTime": "20260203090000",
            "RadiopharmaceuticalStopDateTime": "20260203090010",
            "RadiopharmaceuticalVolume": 5,
            "RadionuclideCodeSequence": coded(Code("77004003", "SCT", "^18^Fluorine")),
            "RadiopharmaceuticalCodeSequence": coded(Code("35321007", "SCT", "Fluorodeoxyglucose F^18^")),
            "AdministrationRouteCodeSequence": coded(Code("47625008", "SCT", "Intravenous route")),
        },
    )
    set_attributes(
        instance,
        {
            "ImageType": kind,
            **described,
            "RadiopharmaceuticalInformationSequence": DicomSequence([tracer]),
            "TypeOfDetectorMotion": "STATIONARY",
            "CollimatorType": "NONE",
            "DecayCorrected": "YES",
            "DecayCorrectionDateTime": "20260203100000",
            "AttenuationCorrected": "YES",
            "AttenuationCorrectionSource": "CT",
            "AttenuationCorrectionTemporalRelationship": "CONCURRENT",
            "ScatterCorrected": "YES",
            "RandomsCorrected": "YES",
            "DeadTimeCorrected": "YES",
            "CountLossNormalizationCorrected": "YES",
            "ScatterCorrectionMethod": "model based",
            "PatientMotionCorrected": "NO",
            "NonUniformRadialSamplingCorrected": "NO",
            "SensitivityCalibrated": "YES",
            "DetectorNormalizationCorrection": "YES",
            "AcquisitionStartCondition": "MANUAL",
            "AcquisitionTerminationCondition": "TIME",
            "CountsSource": "EMISSION",
            "GantryMotionCorrected": "NO",
            "RandomsCorrectionMethod": "DLYD",
            "TableMotion": "STATIC",
            "TimeOfFlightInformationUsed": "FALSE",
            "DetectorGeometry": "CYLINDRICAL_RING",
            "TransverseDetectorSeparation": 4.0,
            "AxialDetectorDimension": 160.0,
            "CoincidenceWindowWidth": 4.0,
            "TerminationTimeThreshold": 120000.0,
            "EnergyWindowRangeSequence": one_item(EnergyWindowLowerLimit=435, EnergyWindowUpperLimit=650),
            "ViewCodeSequence": coded(Code("62824007", "SCT", "Transverse")),
            "SliceProgressionDirection": "SUPERIOR",
        },
    )
    shared = shared_groups(affine)
    shared.PETFrameTypeSequence = one_item(FrameType=kind, **described)
    shared.RadiopharmaceuticalUsageSequence = one_item(RadiopharmaceuticalAgentNumber=1)
    shared.PETFrameAcquisitionSequence = one_item(
        TableHeight=150.0, GantryDetectorTilt=0.0, GantryDetectorSlew=0.0, DataCollectionDiameter=500.0
    )
    shared.PETPositionSequence = one_item(
        TablePosition=0.0, DataCollectionCenterPatient=[0.0] * 3, ReconstructionTargetCenterPatient=[0.0] * 3
    )
    shared.PETFrameCorrectionFactorsSequence = one_item(
        PrimaryPromptsCountsAccumulated=1000,
        ScatterFractionFactor=0.3,
        DeadTimeFactor=1.0,
        SliceSensitivityFactor=1.0,
        DecayFactor=1.0,
    )
    shared.PETReconstructionSequence = one_item(
        ReconstructionType="2D",
        ReconstructionAlgorithm="ITERATIVE",
        IterativeReconstructionMethod="YES",
        NumberOfIterations=3,
        NumberOfSubsets=21,
        ReconstructionDiameter=500.0,
    )

    def scale(volume: int, index: int) -> Dataset:
        groups = Dataset()
        groups.PixelValueTransformationSequence = one_item(
            RescaleIntercept=0, RescaleSlope=decimals([slopes[index]])[0], RescaleType="US"
        )
        mapping = Dataset()
        mapping.LUTExplanation = "activity concentration"
        mapping.LUTLabel = "BQML"
        mapping.MeasurementUnitsCodeSequence = coded(codes.UCUM.BecquerelsPerMilliliter)
        mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = _ends(stored)
        mapping.RealWorldValueIntercept, mapping.RealWorldValueSlope = 0.0, float(slopes[index])
        groups.RealWorldValueMappingSequence = DicomSequence([mapping])
        return groups

    path = write_frames(instance, shared, stored[np.newaxis], affine, folder, 16, order, scale, attributes)
    values = stored * np.array(slopes, dtype=np.float64)[:, np.newaxis, np.newaxis]
    return WrittenVolume(folder, (path,), values, affine)


def _ends(stored: Array) -> tuple[int, int]:
    return int(np.iinfo(stored.dtype).min), int(np.iinfo(stored.dtype).max)
