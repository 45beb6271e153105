"""Where the frames of a multi-frame result lie: on the source slices, or on a grid of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.tag import Tag

from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.frames import Frames
from operators.read.geometry.slices import Slice
from operators.read.volume import Volume
from operators.write.base.codes import code_sequence
from operators.write.base.decimals import decimal, decimals
from operators.write.base.identity import copy_attributes
from operators.write.base.references import source_image


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid that is not that of the source slices.

    ``affine`` (4, 4) maps (column, row, slice, 1) to LPS mm; ``shape`` is (slice, row, column).
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    frame_of_reference_uid: str


def check_on_source(source: Volume | Frames, shape: Sequence[int]) -> None:
    """Raise :class:`ValueError` unless an array of this shape lies on the source slices, or frames of pictures.

    For a volume that is: it was not resampled, and its affine says what the source headers say. Otherwise overlays
    would be shifted, flipped or squeezed.
    """
    if isinstance(source, Volume) and source.is_resampled:
        raise ValueError("the volume was resampled: its slices are not the source slices")
    header = source.slices[0].header
    if tuple(shape) != (len(source.slices), header.Rows, header.Columns):
        raise ValueError(
            f"an array {tuple(shape)} is not on {len(source.slices)} slices of {header.Rows} x {header.Columns}"
        )
    if isinstance(source, Volume):
        _check_affine(source)


def _check_affine(volume: Volume) -> None:
    header = volume.slices[0].header
    orientation = np.array(header.ImageOrientationPatient, dtype=float)
    row_spacing, column_spacing = (float(spacing) for spacing in header.PixelSpacing)
    in_plane = np.stack([orientation[:3] * column_spacing, orientation[3:] * row_spacing], axis=1)
    if not np.allclose(volume.affine[:3, :2], in_plane, atol=0.01 * min(row_spacing, column_spacing)):
        raise ValueError("the volume's affine does not have the source's orientation and pixel spacing")
    positions = np.array([item.header.ImagePositionPatient for item in volume.slices], dtype=float)
    expected = volume.affine[:3, 3] + np.arange(len(positions))[:, np.newaxis] * volume.affine[:3, 2]
    tolerance = 0.25 * float(np.linalg.norm(volume.affine[:3, 2]))
    if np.abs(positions - expected).max() > tolerance:
        raise ValueError("the volume's affine does not put its slices where the source instances are")


def check_grid(grid: Grid) -> None:
    """Raise :class:`ValueError` for an affine that is no grid, or one whose rows and columns are not perpendicular."""
    affine = np.asarray(grid.affine, dtype=float)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.array_equal(affine[3], [0, 0, 0, 1]):
        raise ValueError("an affine is a finite 4 x 4 matrix with the last row 0 0 0 1")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
        raise ValueError("the affine's axes do not span a volume")
    if abs(float(affine[:3, 0] @ affine[:3, 1])) > 1e-4 * lengths[0] * lengths[1]:
        raise ValueError("rows and columns of the affine are not perpendicular, which DICOM's planes must be")


def picture_groups(frames: Frames) -> Dataset:
    """Return Pixel Measures (PS3.3 C.7.6.16.2.1) of pictures, as far as they are calibrated; no plane is known."""
    groups = Dataset()
    spacing = frames.pixel_spacing
    if spacing is not None and spacing.is_in_patient:
        measures = Dataset()
        measures.PixelSpacing = decimals([spacing.row, spacing.column])
        groups.PixelMeasuresSequence = DicomSequence([measures])
    return groups


def source_groups(volume: Volume) -> Dataset:
    """Return Pixel Measures and Plane Orientation (PS3.3 C.7.6.16.2) in the source's own text."""
    source = volume.slices[0].header
    measures = Dataset()
    measures.SpacingBetweenSlices = f"{_distance(volume.affine):.6g}"
    measures.SliceThickness = measures.SpacingBetweenSlices
    copy_attributes(source, measures, ("PixelSpacing", *(["SliceThickness"] if _has_thickness(source) else [])))
    orientation = Dataset()
    copy_attributes(source, orientation, ("ImageOrientationPatient",))
    return _shared(measures, orientation)


def grid_groups(grid: Grid) -> Dataset:
    """Return Pixel Measures and Plane Orientation (PS3.3 C.7.6.16.2) of a grid of its own."""
    column, row = (grid.affine[:3, axis] for axis in (0, 1))
    measures = Dataset()
    measures.PixelSpacing = decimals([float(np.linalg.norm(row)), float(np.linalg.norm(column))])
    measures.SpacingBetweenSlices = decimal(_distance(grid.affine))
    measures.SliceThickness = measures.SpacingBetweenSlices
    orientation = Dataset()
    cosines = [*column / np.linalg.norm(column), *row / np.linalg.norm(row)]
    orientation.ImageOrientationPatient = decimals(cosines)
    return _shared(measures, orientation)


def source_plane(source: Slice, derivation: Code) -> Dataset:
    """Return Plane Position and Derivation Image (PS3.3 C.7.6.16.2) of a frame that lies on a source slice."""
    position = Dataset()
    copy_attributes(source.header, position, ("ImagePositionPatient",))
    groups = picture_plane(source, derivation)
    groups.PlanePositionSequence = DicomSequence([position])
    return groups


def picture_plane(source: Slice, derivation: Code) -> Dataset:
    """Return the Derivation Image (PS3.3 C.7.6.16.2.6) of a frame that lies on a source frame, wherever that lies."""
    image = source_image(source.header, frame=source.frame + 1 if source.is_frame else None)
    # A tile of a mosaic lies elsewhere than the image that holds it.
    image.SpatialLocationsPreserved = "YES" if source.tile is None else "NO"
    groups = Dataset()
    groups.DerivationImageSequence = derivation_images([image], derivation)
    return groups


def grid_plane(grid: Grid, index: int) -> Dataset:
    """Return the Plane Position of slice ``index`` of a grid of its own."""
    position = Dataset()
    position.ImagePositionPatient = decimals(grid.affine[:3, 3] + index * grid.affine[:3, 2])
    groups = Dataset()
    groups.PlanePositionSequence = DicomSequence([position])
    return groups


def derivation_images(images: Sequence[Dataset], derivation: Code) -> DicomSequence:
    """Return a Derivation Image Sequence (PS3.3 C.7.6.16.2.6): these source images, derived in this way."""
    item = Dataset()
    item.SourceImageSequence = DicomSequence(images)
    item.DerivationCodeSequence = code_sequence(derivation)
    return DicomSequence([item])


def write_dimensions(result: Dataset, organization_uid: str, dimensions: Sequence[tuple[str, str, str]]) -> None:
    """Write the Multi-frame Dimension module (PS3.3 C.7.6.17).

    ``dimensions`` are, slowest first, the keywords of attribute and functional group, and a label.
    """
    organization = Dataset()
    organization.DimensionOrganizationUID = organization_uid
    result.DimensionOrganizationSequence = DicomSequence([organization])
    indices = []
    for pointer, group, label in dimensions:
        index = Dataset()
        index.DimensionOrganizationUID = organization_uid
        index.DimensionIndexPointer = Tag(pointer)
        index.FunctionalGroupPointer = Tag(group)
        index.DimensionDescriptionLabel = label
        indices.append(index)
    result.DimensionIndexSequence = DicomSequence(indices)


def _distance(affine: NDArray[np.float64]) -> float:
    """The distance of slices along the normal, also in a sheared stack: spacings multiply to a voxel's volume."""
    in_plane = np.cross(affine[:3, 0], affine[:3, 1])
    return float(f"{abs(in_plane @ affine[:3, 2]) / float(np.linalg.norm(in_plane)):.12g}")


def _shared(measures: Dataset, orientation: Dataset) -> Dataset:
    groups = Dataset()
    groups.PixelMeasuresSequence = DicomSequence([measures])
    groups.PlaneOrientationSequence = DicomSequence([orientation])
    return groups


def _has_thickness(source: Dataset) -> bool:
    try:
        return any(thickness > 0 for thickness in numbers(source, "SliceThickness", count=1))
    # What an anonymiser left in place of the number: the spacing stands for it.
    except MalformedAttributeError:
        return False
