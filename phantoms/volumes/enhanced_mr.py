"""Enhanced MR: the slices of one volume, or of one for each b-value, as frames of one object (PS3.3 A.36)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage

from phantoms.volumes.common import Affine, Array, WrittenVolume, set_attributes
from phantoms.volumes.enhanced import new_object, one_item, shared_groups, write_frames


def write_enhanced_mr(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 13,
    bits_stored: int = 12,
    b_values: Sequence[float] | None = None,
    order: Sequence[int] | None = None,
    echo_time: float = 80.0,
    repetition_time: float = 4000.0,
    inversion_time: float | None = None,
    **attributes: Any,
) -> WrittenVolume:
    """Write `stored` (slice, row, column), with `b_values` (volume, slice, row, column), as one Enhanced MR object."""
    volumes = stored if b_values is not None else stored[np.newaxis]
    kind = ["ORIGINAL", "PRIMARY", "T2" if b_values is None else "DIFFUSION", "NONE"]
    instance = new_object(EnhancedMRImageStorage, "MR", seed, number, "Enhanced t2")
    described = {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionContrast": "T2" if b_values is None else "DIFFUSION",
    }
    set_attributes(
        instance,
        {
            "ImageType": kind,
            **described,
            "PulseSequenceName": "tse2d1",
            "MRAcquisitionType": "2D",
            "EchoPulseSequence": "SPIN",
            "MultipleSpinEcho": "NO",
            "MultiPlanarExcitation": "NO",
            "PhaseContrast": "NO",
            "TimeOfFlightContrast": "NO",
            "ArterialSpinLabelingContrast": None,
            "SteadyStatePulseSequence": "NONE",
            "EchoPlanarPulseSequence": "NO",
            "SaturationRecovery": "NO",
            "SpectrallySelectedSuppression": "NONE",
            "OversamplingPhase": "NONE",
            "GeometryOfKSpaceTraversal": "RECTILINEAR",
            "RectilinearPhaseEncodeReordering": "LINEAR",
            "SegmentedKSpaceTraversal": "SINGLE",
            "NumberOfKSpaceTrajectories": 1,
            "ResonantNucleus": "1H",
            "KSpaceFiltering": "NONE",
            "MagneticFieldStrength": 3.0,
            "ApplicableSafetyStandardAgency": "IEC",
        },
    )
    shared = shared_groups(affine)
    shared.MRImageFrameTypeSequence = one_item(FrameType=kind, **described)
    shared.PixelValueTransformationSequence = one_item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")
    shared.MRTimingAndRelatedParametersSequence = one_item(
        RepetitionTime=repetition_time,
        FlipAngle=90,
        EchoTrainLength=8,
        RFEchoTrainLength=8,
        GradientEchoTrainLength=0,
        SpecificAbsorptionRateSequence=one_item(
            SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.5
        ),
        GradientOutputType="DB_DT",
        GradientOutput=30.0,
        OperatingModeSequence=one_item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL"),
    )
    shared.MREchoSequence = one_item(EffectiveEchoTime=echo_time)
    _set_coils_and_modifiers(shared, volumes.shape[-2:], affine, inversion_time)

    def diffusion(volume: int, index: int) -> Dataset:
        groups = Dataset()
        if b_values is not None:
            b_value = float(b_values[volume])
            groups.MRDiffusionSequence = one_item(
                DiffusionBValue=b_value, DiffusionDirectionality="ISOTROPIC" if b_value else "NONE"
            )
        return groups

    path = write_frames(instance, shared, volumes, affine, folder, bits_stored, order, diffusion, attributes)
    return WrittenVolume(folder, (path,), stored.astype(np.float64), affine)


def _set_coils_and_modifiers(
    shared: Dataset, matrix: Sequence[int], affine: Affine, inversion_time: float | None
) -> None:
    """The functional groups of an Enhanced MR that tell how the signal was made (PS3.3 C.8.13.5)."""
    rows, columns = matrix
    shared.MRFOVGeometrySequence = one_item(
        InPlanePhaseEncodingDirection="ROW",
        MRAcquisitionFrequencyEncodingSteps=rows,
        MRAcquisitionPhaseEncodingStepsInPlane=columns,
        PercentSampling=100,
        PercentPhaseFieldOfView=100,
    )
    shared.MRModifierSequence = one_item(
        InversionRecovery="NO" if inversion_time is None else "YES",
        **({} if inversion_time is None else {"InversionTimes": inversion_time}),
        FlowCompensation="NONE",
        Spoiling="NONE",
        T2Preparation="NO",
        SpectrallySelectedExcitation="NONE",
        SpatialPresaturation="NONE",
        PartialFourier="NO",
        ParallelAcquisition="NO",
    )
    shared.MRImagingModifierSequence = one_item(
        MagnetizationTransfer="NONE",
        BloodSignalNulling="NO",
        Tagging="NONE",
        TransmitterFrequency=123.25,
        PixelBandwidth=220.0,
    )
    shared.MRReceiveCoilSequence = one_item(
        ReceiveCoilName="Body",
        ReceiveCoilManufacturerName="Gantry",
        ReceiveCoilType="BODY",
        QuadratureReceiveCoil="YES",
    )
    shared.MRTransmitCoilSequence = one_item(
        TransmitCoilName="Body", TransmitCoilManufacturerName="Gantry", TransmitCoilType="BODY"
    )
    shared.MRAveragesSequence = one_item(NumberOfAverages=1.0)
