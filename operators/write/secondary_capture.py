"""Rendered page → Secondary Capture image (PS3.3 A.8.1), for viewers that show nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import SecondaryCaptureImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.pictures.projection import PixelSpacing
from operators.read.study import Series, Study
from operators.write.base.result import finish
from operators.write.pages.capture import check_capture, new_capture, write_image_pixels


def write_secondary_capture(
    output_name: str,
    output: OutputPart,
    study: Study,
    page: NDArray[np.uint8] | NDArray[np.uint16],
    source: Sequence[Series],
    analysis: Analysis,
    *,
    spacing: PixelSpacing | None = None,
    calibration: str = "",
) -> FileDataset:
    """Return a Secondary Capture of ``page``, (row, column) of uint8 or uint16, or (row, column, 3) of uint8 in sRGB.

    ``source`` are the series that the page shows. The page must not name the patient: it is marked as free of
    burned-in identification, unless a source is not. ``spacing`` is that of the page's pixels in the patient, where
    the page has one scale; ``calibration`` tells how a calibrated one was found.

    Raises :class:`ValueError` for a page of another shape or type, or a spacing that is none.
    """
    colour = page.ndim == 3 and page.shape[2] == 3 and page.dtype == np.uint8
    if not colour and not (page.ndim == 2 and page.dtype in (np.uint8, np.uint16)):
        raise ValueError(
            f"a page is (row, column) of uint8 or uint16 or (row, column, 3) of uint8, not {page.shape} of {page.dtype}"
        )
    check_capture(page, spacing, calibration)
    result = new_capture(
        SecondaryCaptureImageStorage,
        output_name,
        output,
        study,
        source,
        analysis,
        spacing=spacing,
        calibration=calibration,
    )
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    write_image_pixels(result, page, colour=colour, bits=8 * page.dtype.itemsize)
    return finish(result)
