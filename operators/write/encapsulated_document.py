"""A page or a surface → Encapsulated PDF or Encapsulated STL (PS3.3 A.45.1, A.85.1): documents in the study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import EncapsulatedPDFStorage, EncapsulatedSTLStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import Instance, Series, Study
from operators.read.volume import Volume
from operators.write.base.codes import code_sequence
from operators.write.base.content_identification import write_content_identification
from operators.write.base.equipment import algorithm_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_instance, referenced_series
from operators.write.base.result import finish, new_result
from operators.write.documents.mesh import stl_file, surface
from operators.write.documents.pdf import check_pdf

_SOURCE_IMAGE = Code("121324", "DCM", "Source image")

# PS3.16 CID 7061: what a model made of images of one modality is called.
_MODELS = {
    "CT": Code("85040-4", "LN", "CT 3D CAM model"),
    "MR": Code("85041-2", "LN", "MR 3D CAM model"),
    "US": Code("129018", "DCM", "US 3D CAM model"),
}


def write_encapsulated_pdf(
    output_name: str,
    output: OutputPart,
    study: Study,
    document: bytes,
    source: Sequence[Series],
    analysis: Analysis,
    *,
    concept: Code | None = None,
) -> FileDataset:
    """Return an Encapsulated PDF of ``document``, a PDF file as it is.

    ``source`` are the series that it is about. It must not name the patient: it is marked as free of burned-in
    identification. ``concept`` says what kind of document it is (CID 7020), e.g. (18748-4, LN, "Diagnostic imaging
    report").

    Raises :class:`ValueError` for what is no PDF, has no page or is encrypted.
    """
    check_pdf(document)
    instances = [instance for series in source for instance in series.instances]
    header = instances[0].header if instances else study.header
    result = new_result(EncapsulatedPDFStorage, "DOC", output_name, output, header, analysis)
    result.ConversionType = "WSD"
    _write_document(result, output, document, "application/pdf", concept, instances)
    return finish(result)


def write_encapsulated_stl(
    output_name: str,
    output: OutputPart,
    volume: Volume,
    mask: NDArray[np.bool_],
    analysis: Analysis,
    *,
    colour: tuple[int, int, int],
    opacity: float = 1.0,
    concept: Code | None = None,
    usage: Code | None = None,
) -> FileDataset:
    """Return an Encapsulated STL of the surface of ``mask``, (slice, row, column) on the grid of ``volume``.

    The model is in patient coordinates, LPS in mm, of the volume's frame of reference; see
    :func:`~operators.write.documents.mesh.surface`. ``colour`` is sRGB of 0 to 255, ``opacity`` from 0 to 1;
    ``concept`` says what the model is (CID 7061; without it by modality), ``usage`` what it is for (CID 7064).

    Raises :class:`ValueError` for a mask of another grid or without a voxel, and for a concept, usage, colour or
    opacity that does not exist.
    """
    if mask.shape != volume.array.shape:
        raise ValueError(f"the mask {mask.shape} is not on the volume's grid {volume.array.shape}")
    if not all(0 <= part <= 255 for part in colour) or not 0 <= opacity <= 1:
        raise ValueError(f"colour {colour} is not three numbers of 0 to 255, or opacity {opacity} not one of 0 to 1")
    header = volume.instances[0].header
    concept = concept or _MODELS.get(header.get("Modality", ""))
    for code, group in ((concept, 7061), (usage, 7064)):
        if code is not None and code not in getattr(codes, f"CID{group}").concepts.values():
            raise ValueError(f"{code.meaning!r} is not of CID {group}")
    document = stl_file(surface(mask, volume.affine))
    result = new_result(EncapsulatedSTLStorage, "M3D", output_name, output, header, analysis)
    result.FrameOfReferenceUID = volume.frame_of_reference_uid
    result.PositionReferenceIndicator = None
    copy_attributes(header, result, ("PositionReferenceIndicator",))
    _write_document(result, output, document, "model/stl", concept, volume.instances)
    write_content_identification(result, output_name, output, analysis)
    del result.ContentLabel, result.ContentCreatorName
    result.MeasurementUnitsCodeSequence = code_sequence(codes.UCUM.Millimeter)
    result.ModelModification = "NO"
    result.ModelMirroring = "NO"
    if usage is not None:
        result.ModelUsageCodeSequence = code_sequence(usage)
    result.DerivationAlgorithmSequence = DicomSequence([algorithm_identification(analysis)])
    result.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*colour).value)
    result.RecommendedPresentationOpacity = opacity
    result.ReferencedSeriesSequence = referenced_series(
        (instance.header for instance in volume.instances), "ReferencedInstanceSequence"
    )
    return finish(result)


def _write_document(
    result: Dataset,
    output: OutputPart,
    document: bytes,
    mime_type: str,
    concept: Code | None,
    instances: Sequence[Instance],
) -> None:
    """Write the Encapsulated Document module (C.24.2). There is no HL7 Instance Identifier: that is for CDA only."""
    result.AcquisitionDateTime = _acquired(instances)
    result.BurnedInAnnotation = "NO"
    result.DocumentTitle = output.title
    result.ConceptNameCodeSequence = code_sequence(*([concept] if concept is not None else []))
    result.VerificationFlag = "UNVERIFIED"
    if instances:
        result.SourceInstanceSequence = DicomSequence(_sources(instances))
    result.MIMETypeOfEncapsulatedDocument = mime_type
    # The length without the byte that makes it even.
    result.EncapsulatedDocumentLength = len(document)
    result.EncapsulatedDocument = document + b"\0" * (len(document) % 2)


def _sources(instances: Iterable[Instance]) -> list[Dataset]:
    items = []
    for instance in instances:
        item = referenced_instance(instance.sop_class_uid, instance.sop_instance_uid)
        item.PurposeOfReferenceCodeSequence = code_sequence(_SOURCE_IMAGE)
        items.append(item)
    return items


def _acquired(instances: Iterable[Instance]) -> str | None:
    """Return when the first of the images was acquired; None where an image does not tell."""
    moments = []
    for instance in instances:
        header = instance.header
        date, time = header.get("AcquisitionDate"), header.get("AcquisitionTime")
        moment = header.get("AcquisitionDateTime") or (f"{date}{time}" if date and time else "")
        if not re.fullmatch(r"\d{14}(\.\d{1,6})?([+-]\d{4})?", str(moment)):
            return None
        moments.append(str(moment))
    return min(moments, default=None)
