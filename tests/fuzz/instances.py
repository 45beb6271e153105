"""Parts of small valid DICOM instances: header, place in the patient, pixels, encapsulation."""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread, encaps
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1

import operators.read.headers.character_sets  # noqa: F401 - pydicom alone writes ISO 2022 IR 58 wrongly

Folder = Mapping[str, bytes]

# Specific Character Set, a name with the groups that it allows, and a text (PS3.3 section C.12.1.1.2).
CHARACTER_SETS: Mapping[str, tuple[Any, str, str]] = {
    "ascii": (None, "Doe^Jane", "head"),
    "latin1": ("ISO_IR 100", "Müller^Jürgen", "Schädel"),
    "latin2": ("ISO_IR 101", "Dvořák^Antonín", "hlava"),
    "cyrillic": ("ISO_IR 144", "Люкceмбypг", "голова"),
    "arabic": ("ISO_IR 127", "قباني^لنزار", "رأس"),
    "greek": ("ISO_IR 126", "Διονυσιος", "κεφάλι"),
    "hebrew": ("ISO_IR 138", "שרון^דבורה", "ראש"),
    "thai": ("ISO_IR 166", "สมชาย^ใจดี", "ศีรษะ"),
    "japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "頭部"),
    "katakana": (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "ﾄｳﾌﾞ"),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "head"),
    "chinese": ("GB18030", "Wang^XiaoDong=王^小东", "头部"),
    "chinese2022": (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=张^小东", "head"),
    "utf8": ("ISO_IR 192", "Wang^XiaoDong=王^小東", "頭 κεφάλι голова"),
}


def ramp(shape: tuple[int, ...], dtype: str = "u2", step: int = 7, start: int = 0) -> NDArray[Any]:
    """Values that differ from voxel to voxel."""
    return (start + step * np.arange(np.prod(shape))).reshape(shape).astype(dtype)


def study_header(seed: str, character_set: str, sop_class: str, modality: str) -> Dataset:
    """What every instance of a seed has: identity, study, a private block with a sequence, texts in a character set."""
    header = Dataset()
    specific, name, description = CHARACTER_SETS[character_set]
    if specific is not None:
        header.SpecificCharacterSet = specific
    root = f"1.2.826.0.1.3680043.10.2.{zlib.crc32(seed.encode())}"
    header.SOPClassUID, header.Modality = sop_class, modality
    header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = (
        f"{root}.1",
        f"{root}.2",
        f"{root}.3",
    )
    header.PatientName, header.PatientID, header.PatientSex = name, "P1", "O"
    header.PatientBirthDate, header.StudyDate, header.StudyTime = "19700101", "20240102", "101112"
    header.AccessionNumber, header.StudyID, header.ReferringPhysicianName = "A1", "1", name
    header.SeriesNumber, header.SeriesDescription, header.StudyDescription = 3, description, description
    header.Manufacturer, header.ImageType = "ACME", ["ORIGINAL", "PRIMARY"]
    header.AcquisitionTime, header.ContentDate, header.ContentTime = "101113.5", "20240102", "101113.5"
    header.RequestAttributesSequence = [_request(description)]
    block = header.private_block(0x0029, "GANTRY TEST", create=True)
    block.add_new(0x01, "LO", "private")
    block.add_new(0x02, "SQ", [_request(description)])
    block.add_new(0x03, "UN", b"\1\2\3\4")
    return header


def coded(code: Code) -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _request(description: str) -> Dataset:
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProtocolCodeSequence = (
        "R1",
        [coded(Code("1", "99TEST", description))],
    )
    request.is_undefined_length_sequence_item = True
    return request


def place(header: Dataset, index: int, position: int, spacing: float = 3.0) -> None:
    """Number ``index`` (0-based), in the slot ``position`` of an axial stack."""
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.{index + 1}", index + 1
    header.ImagePositionPatient = [-40, -50.5, 10 + spacing * position]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing, header.SliceThickness = [1.25, 0.75], spacing


def pixels(header: Dataset, frames: NDArray[Any], **attributes: Any) -> None:
    """Native pixels: (row, column[, sample]), or with one axis more in front, several frames."""
    colour = attributes.get("SamplesPerPixel", 1) == 3
    header.SamplesPerPixel, header.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        header.PlanarConfiguration = 0
    shape = frames.shape[:-1] if colour else frames.shape
    if len(shape) == 3:
        header.NumberOfFrames = shape[0]
    header.Rows, header.Columns = shape[-2:]
    header.BitsAllocated = header.BitsStored = 8 * frames.dtype.itemsize
    header.HighBit, header.PixelRepresentation = header.BitsStored - 1, int(frames.dtype.kind == "i")
    header.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    header["PixelData"].VR = "OW" if header.BitsAllocated > 8 else "OB"
    for keyword, value in attributes.items():
        setattr(header, keyword, value)


def dicom_file(header: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The instance as the bytes of a file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    meta.ImplementationClassUID = UID("1.2.826.0.1.3680043.10.2")
    header.file_meta = meta
    content = io.BytesIO()
    header.save_as(
        content,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    return content.getvalue()


def encapsulate(header: Dataset, frames: Sequence[bytes], extended: bool = False) -> None:
    """Put encoded frames into the instance: two fragments each and a Basic Offset Table, or an extended one."""
    if extended:
        header.PixelData, header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths = encaps.encapsulate_extended(
            list(frames)
        )
    else:
        header.PixelData = encaps.encapsulate(list(frames), fragments_per_frame=2)
    header["PixelData"].is_undefined_length = True
    header["PixelData"].VR = "OB"


def compress(header: Dataset, syntax: str) -> None:
    """Encode native pixels with pydicom's own encoders."""
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = UID(ExplicitVRLittleEndian)
    header.compress(syntax, generate_instance_uid=False)


def jpeg_lossless(plane: NDArray[Any]) -> Sequence[bytes]:
    """JPEG Lossless, process 14, selection value 1, as GDCM writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        writer = SimpleITK.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG")
        writer.SetFileName(str(path))
        writer.Execute(SimpleITK.GetImageFromArray(plane))
        instance = dcmread(path)
        assert instance.file_meta.TransferSyntaxUID == JPEGLosslessSV1
        return list(encaps.generate_frames(instance.PixelData, number_of_frames=1))


def jpeg_baseline(plane: NDArray[Any]) -> Sequence[bytes]:
    """JPEG baseline, as Pillow writes it: grey or YBR with 4:2:0 subsampling."""
    content = io.BytesIO()
    Image.fromarray(plane).save(content, "JPEG", quality=90)
    return [content.getvalue()]
