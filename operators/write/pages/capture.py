"""What all Secondary Captures have: equipment, references, history and spacing (PS3.3 C.8.6, C.12.4, section 10.7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.pictures.projection import PixelSpacing, SpacingOrigin
from operators.read.study import Series, Study
from operators.write.base.body_part import write_body_part
from operators.write.base.decimals import decimals
from operators.write.base.identity import copy_attributes
from operators.write.base.lossy_history import write_lossy_history
from operators.write.base.references import referenced_series, source_image
from operators.write.base.result import new_result
from operators.write.base.texts import require_text


def check_capture(pixels: NDArray[np.generic], spacing: PixelSpacing | None, calibration: str) -> None:
    """Raise :class:`ValueError` for pictures without pixels, and for a spacing that a capture cannot have.

    That is one at the detector, for which there is no attribute, and one of a scanned film, which nobody scanned.
    """
    if 0 in pixels.shape or max(pixels.shape[:3]) > 0xFFFF:
        raise ValueError(f"a picture has 1 to 65535 rows and columns, not {pixels.shape}")
    if spacing is None:
        return
    if not (np.isfinite([spacing.row, spacing.column]).all() and min(spacing.row, spacing.column) > 0):
        raise ValueError(f"a pixel spacing is two positive numbers of mm, not {spacing.row} and {spacing.column}")
    if not spacing.is_in_patient:
        raise ValueError(f"the spacing is that of the {spacing.origin.value}, not one in the patient")
    if _is_calibrated(spacing):
        require_text("how the spacing was calibrated", calibration, "LO")
    elif calibration:
        raise ValueError("only a spacing of origin GEOMETRY or FIDUCIAL has been calibrated (PS3.3 10.7.1.2)")


def new_capture(
    sop_class_uid: UID,
    output_name: str,
    output: OutputPart,
    study: Study,
    source: Sequence[Series],
    analysis: Analysis,
    *,
    spacing: PixelSpacing | None = None,
    calibration: str = "",
) -> FileDataset:
    """Return a Secondary Capture of ``source`` that lacks its pixels.

    It is burned in with identification, or was compressed with loss, if one of the source's instances was.
    """
    instances = [instance for series in source for instance in series.instances]
    header = instances[0].header if instances else study.header
    result = new_result(sop_class_uid, "OT", output_name, output, header, analysis)
    write_body_part(header, result)
    copy_attributes(header, result, ("RequestAttributesSequence",))
    write_lossy_history(instances, result)
    # Drawn at a workstation: nothing was digitised or grabbed.
    result.ConversionType = "WSD"
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.PatientOrientation = None
    burned_in = any(instance.header.get("BurnedInAnnotation") == "YES" for instance in instances)
    result.BurnedInAnnotation = "YES" if burned_in else "NO"
    if instances:
        shown = [instance.header for instance in instances]
        result.SourceImageSequence = DicomSequence([source_image(item) for item in shown])
        result.ReferencedSeriesSequence = referenced_series(shown, "ReferencedInstanceSequence")
    if spacing is not None:
        result.PixelSpacing = decimals([spacing.row, spacing.column])
        if _is_calibrated(spacing):
            result.PixelSpacingCalibrationType = spacing.origin.value.upper()
            result.PixelSpacingCalibrationDescription = calibration
    return result


def _is_calibrated(spacing: PixelSpacing) -> bool:
    return spacing.origin in (SpacingOrigin.GEOMETRY, SpacingOrigin.FIDUCIAL)


def write_image_pixels(result: Dataset, pixels: NDArray[np.generic], *, colour: bool, bits: int) -> None:
    """Write the Image Pixel module (C.7.6.3) with native Pixel Data: grey, or RGB pixel by pixel.

    ``pixels`` are (..., row, column) or (..., row, column, 3); ``bits`` of each are stored, 1 of them packed (PS3.5
    8.1.1).
    """
    result.SamplesPerPixel = 3 if colour else 1
    result.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        result.PlanarConfiguration = 0
    result.Rows, result.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    result.BitsAllocated = 1 if bits == 1 else 8 * pixels.dtype.itemsize
    result.BitsStored, result.HighBit = bits, bits - 1
    result.PixelRepresentation = 0
    if bits == 1:
        data = np.packbits(pixels.astype(bool).ravel(), bitorder="little").tobytes()
    else:
        data = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).tobytes()
    result.PixelData = data + b"\0" * (len(data) % 2)
    result["PixelData"].VR = "OW" if result.BitsAllocated > 8 else "OB"
