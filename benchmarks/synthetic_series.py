"""Series to measure reading with: noise in the shape of a scan, under headers as long as a scanner's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1.77"


@dataclass(frozen=True)
class SyntheticSeries:
    """A series on disk and its stored values (slice, row, column); ``intercept`` makes Hounsfield units of them."""

    name: str
    folder: Path
    stored: NDArray[np.generic]
    intercept: int

    @property
    def files(self) -> list[Path]:
        """The files, in the order of the slices."""
        return sorted(self.folder.iterdir())

    @property
    def values(self) -> NDArray[np.generic]:
        """The values in the modality's units."""
        return self.stored.astype(np.int32) + self.intercept


def write_ct(folder: Path, slices: int, matrix: int, transfer_syntax: str = ExplicitVRLittleEndian) -> SyntheticSeries:
    """Write a CT of 12 bits in 16, unsigned, with a Rescale Intercept of -1024, as most scanners do."""
    stored = _noise((slices, matrix, matrix), 1064, 40).astype(np.uint16)
    for index, pixels in enumerate(stored):
        instance = _common(index, "CT", CTImageStorage, pixels, 0.8, 1.0)
        instance.BitsStored, instance.HighBit = 12, 11
        instance.KVP, instance.XRayTubeCurrent, instance.Exposure = 120, 180 + index % 37, 90 + index % 19
        instance.DataCollectionDiameter, instance.ReconstructionDiameter = 500, 0.8 * matrix
        instance.ConvolutionKernel, instance.FilterType = ["Br40d", "3"], "FLAT"
        instance.TableHeight, instance.GantryDetectorTilt, instance.ExposureTime = 150, 0, 500
        instance.SpiralPitchFactor, instance.CTDIvol, instance.RotationDirection = 0.8, 6.5, "CW"
        instance.RescaleIntercept, instance.RescaleSlope, instance.RescaleType = -1024, 1, "HU"
        instance.WindowCenter, instance.WindowWidth = [40, -600], [400, 1500]
        instance.WindowCenterWidthExplanation = ["ABDOMEN", "LUNG"]
        _save(instance, folder, index, transfer_syntax)
    return SyntheticSeries(_name("CT", slices, matrix, transfer_syntax), folder, stored, -1024)


def write_mr(folder: Path, slices: int, matrix: int, transfer_syntax: str = ExplicitVRLittleEndian) -> SyntheticSeries:
    """Write an MR of uint16 values, without a rescale."""
    stored = _noise((slices, matrix, matrix), 500, 60).astype(np.uint16)
    for index, pixels in enumerate(stored):
        instance = _common(index, "MR", MRImageStorage, pixels, 0.9, 1.0)
        instance.ScanningSequence, instance.SequenceVariant = ["GR", "IR"], ["SP", "MP"]
        instance.ScanOptions, instance.MRAcquisitionType, instance.SequenceName = "PFP", "3D", "*tfl3d1_16ns"
        instance.RepetitionTime, instance.EchoTime, instance.InversionTime, instance.FlipAngle = 2300, 2.98, 900, 9
        instance.NumberOfAverages, instance.ImagingFrequency, instance.ImagedNucleus = 1, 123.25, "1H"
        instance.MagneticFieldStrength, instance.EchoTrainLength, instance.PixelBandwidth = 3, 1, 240
        instance.AcquisitionMatrix, instance.InPlanePhaseEncodingDirection = [0, 256, 240, 0], "ROW"
        instance.SAR, instance.dBdt, instance.TransmitCoilName = 0.05, 0, "Body"
        instance.SmallestImagePixelValue, instance.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
        instance.WindowCenter, instance.WindowWidth = 450 + index % 23, 900 + index % 31
        _save(instance, folder, index, transfer_syntax)
    return SyntheticSeries(_name("MR", slices, matrix, transfer_syntax), folder, stored, 0)


def _name(modality: str, slices: int, matrix: int, transfer_syntax: str) -> str:
    return f"{modality} {slices} x {matrix}², {UID(transfer_syntax).name}"


def _noise(shape: tuple[int, int, int], mean: float, deviation: float) -> NDArray[np.float64]:
    """A round object with noise in a background of little: it compresses about as images do."""
    random = np.random.default_rng(17)
    row, column = np.ogrid[-1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    inside = row**2 + column**2 < 0.6
    smooth = mean * (1 + 0.2 * np.sin(7 * row) * np.cos(5 * column))
    one = np.where(inside, smooth + deviation * random.standard_normal(shape[1:]), 3 * random.random(shape[1:]))
    # Each slice another one, made by turning and shifting: drawing all of them would take longer than reading them.
    return np.stack([np.roll(np.rot90(one, index), 3 * index, axis=1) + index % 11 for index in range(shape[0])])


def _common(
    index: int, modality: str, sop_class: str, pixels: NDArray[np.generic], spacing: float, thickness: float
) -> Dataset:
    instance = Dataset()
    instance.SpecificCharacterSet = "ISO_IR 100"
    instance.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    instance.InstanceCreationDate, instance.InstanceCreationTime = "20260102", f"1011{index // 6 % 60:02d}.{index:06d}"
    instance.SOPClassUID, instance.SOPInstanceUID = sop_class, f"{ROOT}.{modality == 'CT':d}.3.{1000 + index}"
    for date in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(instance, date, "20260102")
    instance.StudyTime, instance.SeriesTime = "100000", "101000"
    instance.AcquisitionTime, instance.ContentTime = f"1010{index // 5 % 60:02d}.100000", f"1011{index // 6 % 60:02d}"
    instance.AccessionNumber, instance.Modality, instance.Manufacturer = "A123456", modality, "GANTRY"
    instance.InstitutionName, instance.InstitutionAddress = "Hospital", "Street 1, Town"
    instance.ReferringPhysicianName, instance.StationName = "Doe^John", "SCANNER1"
    instance.StudyDescription, instance.SeriesDescription = "Examination of the body", "axial thin"
    instance.PerformingPhysicianName, instance.OperatorsName, instance.ManufacturerModelName = "", "", "Synthetic"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, f"{ROOT}.8.1"
    instance.ReferencedStudySequence, instance.ReferencedImageSequence = [reference], [reference, reference]
    instance.PatientName, instance.PatientID, instance.PatientBirthDate = "Doe^Jane", "P123", "19700101"
    instance.PatientSex, instance.PatientAge, instance.PatientWeight, instance.PatientSize = "F", "055Y", 70, 1.7
    instance.BodyPartExamined, instance.SliceThickness, instance.ProtocolName = "HEAD", thickness, "Protocol 7"
    instance.DeviceSerialNumber, instance.SoftwareVersions, instance.PatientPosition = "12345", "1.0", "HFS"
    instance.StudyInstanceUID, instance.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2.{modality == 'CT':d}"
    instance.StudyID, instance.SeriesNumber, instance.AcquisitionNumber = "1", 3, 1
    instance.InstanceNumber = index + 1
    instance.ImagePositionPatient = [-204.8, -204.8, round(-150 + thickness * index, 3)]
    instance.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    instance.FrameOfReferenceUID, instance.PositionReferenceIndicator = f"{ROOT}.4", ""
    instance.SliceLocation = round(-150 + thickness * index, 3)
    private = instance.private_block(0x0029, "GANTRY SYNTHETIC HEADER", create=True)
    private.add_new(0x08, "CS", "IMAGE NUM 4")
    private.add_new(0x09, "LO", "20260102")
    private.add_new(0x10, "OB", np.random.default_rng(index).bytes(1024) + bytes(2048))
    timing = instance.private_block(0x0051, "GANTRY SYNTHETIC TIMING", create=True)
    for element in range(8, 18):
        timing.add_new(element, "LO", f"value {element} of {index if element % 4 == 0 else 'all'}")
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 1, "MONOCHROME2"
    instance.Rows, instance.Columns = pixels.shape
    instance.PixelSpacing = [spacing, spacing]
    instance.BitsAllocated, instance.BitsStored, instance.HighBit = 16, 16, 15
    instance.PixelRepresentation = int(pixels.dtype.kind == "i")
    instance.PixelData = pixels.tobytes()
    instance["PixelData"].VR = "OW"
    instance.PerformedProcedureStepStartDate, instance.PerformedProcedureStepID = "20260102", "PPS1"
    instance.RequestedProcedureID = "RP1"
    return instance


def _save(instance: Dataset, folder: Path, index: int, transfer_syntax: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if transfer_syntax != ExplicitVRLittleEndian:
        instance.compress(transfer_syntax, generate_instance_uid=False)
    instance.save_as(folder / f"IM{index:05d}.dcm", enforce_file_format=True)
