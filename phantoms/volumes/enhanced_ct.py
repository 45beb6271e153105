"""Enhanced CT: the slices of a volume as frames of one object (PS3.3 A.38)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import EnhancedCTImageStorage

from phantoms.identity import derived_uid
from phantoms.volumes.common import Affine, Array, WrittenVolume, set_attributes
from phantoms.volumes.enhanced import new_object, one_item, shared_groups, write_frames


def write_enhanced_ct(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 12,
    slope: float = 1,
    intercept: float = -1024,
    bits_stored: int = 12,
    order: Sequence[int] | None = None,
    **attributes: Any,
) -> WrittenVolume:
    """Write `stored` (slice, row, column) as one Enhanced CT object, its frames in the given `order` of slices."""
    instance = new_object(EnhancedCTImageStorage, "CT", seed, number, "Enhanced thorax")
    set_attributes(
        instance,
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
            "VolumetricProperties": "VOLUME",
            "VolumeBasedCalculationTechnique": "NONE",
            "PixelPresentation": "MONOCHROME",
            "MultienergyCTAcquisition": "NO",
        },
    )
    shared = shared_groups(affine)
    shared.PixelValueTransformationSequence = one_item(RescaleIntercept=intercept, RescaleSlope=slope, RescaleType="HU")
    shared.CTImageFrameTypeSequence = one_item(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    shared.CTReconstructionSequence = one_item(
        ReconstructionAlgorithm="FILTER_BACK_PROJ",
        ConvolutionKernel="B30f",
        ConvolutionKernelGroup="SOFT_TISSUE",
        ImageFilter="NONE",
        ReconstructionAngle=180.0,
        ReconstructionDiameter=500.0,
        ReconstructionPixelSpacing=[float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing],
    )
    shared.CTXRayDetailsSequence = one_item(KVP=120.0, FocalSpots=1.2, FilterType="NONE", FilterMaterial="ALUMINUM")
    shared.CTAcquisitionTypeSequence = one_item(
        AcquisitionType="SEQUENCED", ConstantVolumeFlag="NO", FluoroscopyFlag="NO"
    )
    shared.IrradiationEventIdentificationSequence = one_item(
        IrradiationEventUID=derived_uid(instance.SeriesInstanceUID, "irradiation")
    )
    shared.CTAcquisitionDetailsSequence = one_item(
        RotationDirection="CW",
        RevolutionTime=0.5,
        SingleCollimationWidth=0.6,
        TotalCollimationWidth=19.2,
        TableHeight=150.0,
        GantryDetectorTilt=0.0,
        DataCollectionDiameter=500.0,
    )
    shared.CTTableDynamicsSequence = one_item(TableSpeed=0.0, TableFeedPerRotation=0.0, SpiralPitchFactor=1.0)
    shared.CTPositionSequence = one_item(
        TablePosition=0.0, DataCollectionCenterPatient=[0.0] * 3, ReconstructionTargetCenterPatient=[0.0] * 3
    )
    shared.CTGeometrySequence = one_item(DistanceSourceToDetector=1000.0, DistanceSourceToDataCollectionCenter=550.0)
    shared.CTExposureSequence = one_item(
        ExposureTimeInms=500.0, XRayTubeCurrentInmA=200.0, ExposureInmAs=100.0, ExposureModulationType="NONE"
    )
    path = write_frames(instance, shared, stored[np.newaxis], affine, folder, bits_stored, order, None, attributes)
    return WrittenVolume(folder, (path,), stored.astype(np.float64) * slope + intercept, affine)
