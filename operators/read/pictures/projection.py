"""Pixel spacing of single images, and what it is the spacing of (PS3.3 sections 10.7 and C.8.11.4, PS3.17 annex)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, text
from operators.read.pictures.ultrasound import UltrasoundRegion


class SpacingOrigin(str, Enum):
    """In which plane a pixel spacing was measured."""

    PATIENT = "patient"
    """In the patient: cross sections, optical images with a scale."""
    GEOMETRY = "geometry"
    """Corrected for the magnification of an object at an assumed depth (Pixel Spacing Calibration Type GEOMETRY)."""
    FIDUCIAL = "fiducial"
    """Corrected by an object of known size (Pixel Spacing Calibration Type FIDUCIAL)."""
    CORRECTED = "corrected"
    """Differs from the detector's, in a way that is not told."""
    DETECTOR = "detector"
    """At the front of the detector: lengths in the patient are shorter, by an unknown magnification."""
    REGION = "region"
    """Physical Delta of the one calibrated region of an ultrasound frame."""
    SCANNED = "scanned"
    """On the film or page that was digitised."""


@dataclass(frozen=True)
class PixelSpacing:
    """Distance of neighbouring rows and columns in mm."""

    row: float
    column: float
    origin: SpacingOrigin

    @property
    def is_in_patient(self) -> bool:
        """Whether lengths measured with it are lengths in the patient."""
        return self.origin not in (SpacingOrigin.DETECTOR, SpacingOrigin.SCANNED)


def pixel_spacing(header: Dataset, regions: tuple[UltrasoundRegion, ...] = ()) -> PixelSpacing | None:
    """Return the pixel spacing of an image and its origin; None where nothing tells it.

    Ultrasound with regions of different scale, or with regions other than of the body, has no one spacing. Where Pixel
    Spacing (0028,0030) repeats Imager Pixel Spacing (0018,1164) and no calibration is told, it is the detector's.

    Raises :class:`MalformedAttributeError` for a spacing that is no two positive numbers.
    """
    if regions:
        scales = {region.spacing_mm for region in regions if region.spatial_format == "2D"}
        scale = scales.pop() if len(scales) == 1 else None
        return PixelSpacing(*scale, SpacingOrigin.REGION) if scale else None
    stated, imager = _pair(header, "PixelSpacing"), _pair(header, "ImagerPixelSpacing")
    if stated:
        return PixelSpacing(*stated, _origin(header, stated, imager))
    if imager:
        return PixelSpacing(*imager, SpacingOrigin.DETECTOR)
    scanned = _pair(header, "NominalScannedPixelSpacing")
    return PixelSpacing(*scanned, SpacingOrigin.SCANNED) if scanned else None


def _origin(header: Dataset, stated: tuple[float, float], imager: tuple[float, float] | None) -> SpacingOrigin:
    calibration = text(header, "PixelSpacingCalibrationType")
    if calibration in ("GEOMETRY", "FIDUCIAL"):
        return SpacingOrigin(calibration.lower())
    if imager is None:
        # Projections without Imager Pixel Spacing do not tell whether anything was corrected (section 10.7.1.3).
        return SpacingOrigin.DETECTOR if text(header, "Modality") in _PROJECTIONS else SpacingOrigin.PATIENT
    return SpacingOrigin.DETECTOR if stated == imager else SpacingOrigin.CORRECTED


_PROJECTIONS = ("CR", "DX", "MG", "IO", "PX", "RF", "RG", "XA")


def _pair(header: Dataset, keyword: str) -> tuple[float, float] | None:
    found = numbers(header, keyword, count=2)
    if not found:
        return None
    if min(found) <= 0:
        raise MalformedAttributeError(f"{keyword} is {found[0]:g}\\{found[1]:g}")
    return found[0], found[1]
