"""Rendered page → Secondary Capture image (PS3.3 A.8.1), for viewers that show nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import SecondaryCaptureImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import Series, Study
from operators.write.base.body_part import write_body_part
from operators.write.base.references import referenced_series, source_image
from operators.write.base.result import copy_series_context, finish, new_result


def write_secondary_capture(
    output_name: str,
    output: OutputPart,
    study: Study,
    page: NDArray[np.uint8],
    source: Sequence[Series],
    analysis: Analysis,
) -> FileDataset:
    """Return a Secondary Capture of ``page``, (row, column, 3) in sRGB.

    ``source`` are the series that the page shows. The page must not name the patient: it is marked as free of
    burned-in identification. Raises :class:`ValueError` for a page of another shape or type.
    """
    if page.dtype != np.uint8 or page.ndim != 3 or page.shape[2] != 3:
        raise ValueError(f"a page is (row, column, 3) of uint8, not {page.shape} of {page.dtype}")
    header = source[0].header if source else study.header
    result = new_result(SecondaryCaptureImageStorage, "OT", output_name, output, header, analysis)
    copy_series_context(header, result)
    write_body_part(header, result)
    result.ConversionType = "WSD"
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.PatientOrientation = None
    result.BurnedInAnnotation = "NO"
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    if source:
        shown = [instance.header for series in source for instance in series.instances]
        result.SourceImageSequence = DicomSequence([source_image(header) for header in shown])
        result.ReferencedSeriesSequence = referenced_series(shown, "ReferencedInstanceSequence")
    result.SamplesPerPixel = 3
    result.PhotometricInterpretation = "RGB"
    result.PlanarConfiguration = 0
    result.Rows, result.Columns = page.shape[:2]
    result.BitsAllocated, result.BitsStored, result.HighBit = 8, 8, 7
    result.PixelRepresentation = 0
    pixels = np.ascontiguousarray(page).tobytes()
    result.PixelData = pixels + b"\0" * (len(pixels) % 2)
    result["PixelData"].VR = "OB"
    return finish(result)
