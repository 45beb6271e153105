"""Rigid and affine registrations → Spatial Registration object (PS3.3 A.39.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy import eye
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import SpatialRegistrationStorage

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
from operators.write.transforms.space import Space, check_one_patient, frame_of_reference, headers_of, referenced_images


@dataclass(frozen=True, eq=False)
class Registration:
    """Where one space lies in the fixed one.

    ``matrix`` (4, 4) maps a point (x, y, z, 1) of ``moving`` to the fixed space, both in mm; for resampling the moving
    image on the fixed grid one needs its inverse. ``method`` is a code of PS3.16 CID 7100, e.g. (125024, DCM, "Image
    Content-based Alignment"); ``comment`` a sentence of at most 64 characters.
    """

    moving: Space
    matrix: Matrix
    method: Code | None = None
    comment: str = ""


def write_spatial_registration(
    output_name: str,
    output: OutputPart,
    fixed: Space,
    registrations: Sequence[Registration],
    analysis: Analysis,
) -> FileDataset:
    """Return a Spatial Registration of ``registrations`` into the space of ``fixed``.

    PS3.3 C.20.2: the object's Frame of Reference is the Registered RCS, here that of ``fixed``. Its first item names
    ``fixed`` itself with the identity; each further item has the matrix that takes coordinates of the images named in
    it to the Registered RCS. An image without Frame of Reference as ``fixed`` founds a new one (PS3.17 O.1).

    The result belongs to the study of ``fixed``, or of the first registered images if that is an atlas; images of other
    studies are referenced as such. Raises :class:`ValueError` for no registration at all, a matrix that is none, spaces
    that :func:`frame_of_reference` rejects, images of several patients and a comment that does not fit.
    """
    frames, matrices, headers = _checked(fixed, registrations)
    result = new_result(SpatialRegistrationStorage, "REG", output_name, output, headers[0], analysis)
    result.FrameOfReferenceUID = frames[0] or analysis.uid(f"{output_name}/frame of reference")
    result.PositionReferenceIndicator = None
    if (found := headers_of(fixed)) and frames[0]:
        copy_attributes(found[0], result, ("PositionReferenceIndicator",))
    write_body_part(headers[0], result)
    write_content_identification(result, output_name, output, analysis)
    write_instance_references(result, headers)
    identity = Registration(fixed, eye(4), codes.DCM.FrameOfReferenceIdentity)
    items = [
        _item(registration, frame, matrix)
        for registration, frame, matrix in zip((identity, *registrations), frames, matrices, strict=True)
    ]
    result.RegistrationSequence = DicomSequence(items)
    return finish(result)


def _checked(
    fixed: Space, registrations: Sequence[Registration]
) -> tuple[list[str | None], list[Matrix], list[Dataset]]:
    """Return, the fixed space first: Frames of Reference and matrices of all items; then all headers."""
    if not registrations:
        raise ValueError("there is no registration to write")
    spaces = [fixed, *(registration.moving for registration in registrations)]
    frames = [frame_of_reference(space) for space in spaces]
    matrices = [check_matrix(item.matrix, f"matrix {n}") for n, item in enumerate(registrations, start=1)]
    for registration in registrations:
        if registration.comment:
            require_text("the comment of a registration", registration.comment, "LO")
    headers = [header for space in spaces for header in headers_of(space)]
    check_one_patient(headers)
    return frames, [eye(4), *matrices], headers


def _item(registration: Registration, frame: str | None, matrix: Matrix) -> Dataset:
    """Return an item of the Registration Sequence (0070,0308)."""
    inner = Dataset()
    if registration.comment:
        inner.FrameOfReferenceTransformationComment = registration.comment
    method = registration.method
    inner.RegistrationTypeCodeSequence = code_sequence(method) if method is not None else DicomSequence()
    inner.MatrixSequence = DicomSequence([matrix_item(matrix)])
    item = Dataset()
    if frame is not None:
        item.FrameOfReferenceUID = frame
    if images := referenced_images(registration.moving):
        item.ReferencedImageSequence = DicomSequence(images)
    item.MatrixRegistrationSequence = DicomSequence([inner])
    return item
