"""Displacement fields → Deformable Spatial Registration object (PS3.3 A.39.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.uid import DeformableSpatialRegistrationStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.body_part import write_body_part
from operators.write.base.codes import code_sequence
from operators.write.base.content_identification import write_content_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.references import write_instance_references
from operators.write.base.result import finish, new_result
from operators.write.base.texts import require_text
from operators.write.transforms.matrix import Matrix, check_matrix, matrix_item
from operators.write.transforms.space import (
    AtlasSpace,
    SeriesSpace,
    check_one_patient,
    frame_of_reference,
    headers_of,
    referenced_images,
)
from operators.write.transforms.vector_grid import DisplacementField, check_field, grid_item


@dataclass(frozen=True, eq=False)
class Deformation:
    """Where points of the fixed space come from in the ``source`` (moving) space.

    A point p (LPS mm, fixed) comes from ``post`` · (``pre`` · p + d(p)) (LPS mm, source), d being the displacement of
    ``field`` at p. This is the direction of resampling, opposite to that of a Spatial Registration's matrix. A matrix
    of None is the identity; without ``field`` there is no displacement. ``method`` is a code of PS3.16 CID 7100.
    """

    source: SeriesSpace | AtlasSpace
    field: DisplacementField | None
    pre: Matrix | None = None
    post: Matrix | None = None
    method: Code | None = None
    comment: str = ""


def write_deformable_spatial_registration(
    output_name: str,
    output: OutputPart,
    fixed: SeriesSpace | AtlasSpace,
    deformations: Sequence[Deformation],
    analysis: Analysis,
) -> FileDataset:
    """Return a Deformable Spatial Registration of ``deformations`` into the space of ``fixed`` (PS3.3 C.20.3).

    The object's Frame of Reference is the Registered RCS, here that of ``fixed``; each item tells how to sample data of
    its source in it. The result belongs to the study of ``fixed``, or of the first source images if that is an atlas.

    Raises :class:`ValueError` if there is no displacement field at all, a field or matrix is none, the images of a
    space are in no single Frame of Reference or of several patients, or a comment does not fit.
    """
    if not any(deformation.field is not None for deformation in deformations):
        raise ValueError("a deformable registration needs a displacement field")
    spaces = [fixed, *(deformation.source for deformation in deformations)]
    frames = [frame_of_reference(space) for space in spaces]
    items = [_item(deformation, str(frame)) for deformation, frame in zip(deformations, frames[1:], strict=True)]
    headers = [header for space in spaces for header in headers_of(space)]
    check_one_patient(headers)

    result = new_result(DeformableSpatialRegistrationStorage, "REG", output_name, output, headers[0], analysis)
    result.FrameOfReferenceUID = frames[0]
    result.PositionReferenceIndicator = None
    for header in headers_of(fixed)[:1]:
        copy_attributes(header, result, ("PositionReferenceIndicator",))
    write_body_part(headers[0], result)
    write_content_identification(result, output_name, output, analysis)
    write_instance_references(result, headers)
    result.DeformableRegistrationSequence = DicomSequence(items)
    return finish(result)


def _item(deformation: Deformation, frame: str) -> Dataset:
    """Return an item of the Deformable Registration Sequence (0064,0002), checked."""
    item = Dataset()
    item.SourceFrameOfReferenceUID = frame
    if images := referenced_images(deformation.source):
        item.ReferencedImageSequence = DicomSequence(images)
    if deformation.comment:
        item.FrameOfReferenceTransformationComment = require_text(
            "the comment of a deformation", deformation.comment, "LO"
        )
    method = deformation.method
    item.RegistrationTypeCodeSequence = code_sequence(method) if method is not None else DicomSequence()
    for keyword, what, matrix in (
        ("PreDeformationMatrixRegistrationSequence", "the matrix before the deformation", deformation.pre),
        ("PostDeformationMatrixRegistrationSequence", "the matrix after the deformation", deformation.post),
    ):
        if matrix is not None:
            checked = check_matrix(matrix, what)
            # Required if the transformation is not the identity (type 1C).
            if not np.array_equal(checked, np.eye(4)):
                setattr(item, keyword, DicomSequence([matrix_item(checked)]))
    if deformation.field is not None:
        check_field(deformation.field)
        item.DeformableRegistrationGridSequence = DicomSequence([grid_item(deformation.field)])
    return item
