"""What tests send to a receiver: small instances in any transfer syntax, and a sender that changes no byte of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, _config
from pynetdicom.association import Association

from deploy.node import file_meta
from deploy.node.file_meta import FileMeta
from phantoms.send import leave_answers

STUDY = "1.2.826.0.1.3680043.8.498.1"


def instance(
    number: int = 1, *, study: str = STUDY, series: int = 1, pixels: bytes = bytes(2048), **more: object
) -> Dataset:
    """A small MR instance, not of any real scanner; ``more`` are attributes by keyword."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 100"
    image.SOPClassUID = MRImageStorage
    image.SOPInstanceUID = f"{study}.{series}.{number}"
    image.StudyDate = "20260105"
    image.AccessionNumber = "A1"
    image.Modality = "MR"
    image.StudyDescription = "MR Schädel"
    image.PatientName = "Müller^Jürgen"
    image.PatientID = "P1"
    image.StudyInstanceUID = study
    image.SeriesInstanceUID = f"{study}.{series}"
    image.InstanceNumber = number
    image.Rows = image.Columns = 32
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.PixelRepresentation = 0
    image.PixelData = pixels
    for keyword, value in more.items():
        setattr(image, keyword, value)
    return image


def encoded(image: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The data set as it goes over the network; compressed pixel data are one made-up fragment."""
    if transfer_syntax.is_encapsulated:
        image.PixelData = encapsulate([b"\xff\xd8 made up \xff\xd9"])
        image["PixelData"].is_undefined_length = True
    image["PixelData"].VR = "OB" if transfer_syntax.is_encapsulated else "OW"
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = transfer_syntax.is_implicit_VR
    buffer.is_little_endian = transfer_syntax.is_little_endian
    write_dataset(buffer, image)
    content = buffer.getvalue()
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        content = compressor.compress(content) + compressor.flush()
        content += b"\0" * (len(content) % 2)
    return content


def write_file(
    path: Path,
    data_set: bytes,
    *,
    sop_instance_uid: str,
    sop_class_uid: str = MRImageStorage,
    transfer_syntax: str = ExplicitVRLittleEndian,
) -> Path:
    """A DICOM file with these very bytes as its data set."""
    meta = FileMeta(sop_class_uid, sop_instance_uid, transfer_syntax, "TEST", "TEST")
    path.write_bytes(file_meta.encode(meta) + data_set)
    return path


@contextmanager
def association(
    port: int,
    contexts: Sequence[tuple[str, str]],
    *,
    calling_ae_title: str = "SCANNER",
    called_ae_title: str = "GANTRY",
) -> Iterator[Association]:
    """An association with one presentation context for each SOP class and transfer syntax."""
    entity = AE(ae_title=calling_ae_title)
    for sop_class, transfer_syntax in contexts:
        entity.add_requested_context(sop_class, transfer_syntax)
    opened = entity.associate("127.0.0.1", port, ae_title=called_ae_title)
    leave_answers(opened)
    assert opened.is_established
    try:
        yield opened
    finally:
        if opened.is_established:
            opened.release()


def send_unchanged(
    port: int,
    files: Sequence[Path],
    contexts: Sequence[tuple[str, str]] = ((MRImageStorage, ExplicitVRLittleEndian),),
    *,
    called_ae_title: str = "GANTRY",
) -> list[Dataset]:
    """Send files without decoding them, so that what is on the wire is what is in the file; return the answers."""
    _config.STORE_SEND_CHUNKED_DATASET = True
    try:
        with association(port, contexts, called_ae_title=called_ae_title) as opened:
            return [opened.send_c_store(path) for path in files]
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = False
