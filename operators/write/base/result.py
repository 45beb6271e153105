"""What every result object has: identity, origin, times, identifiers, character set and file meta information."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterable
from datetime import timedelta, timezone
from pathlib import Path
from typing import BinaryIO

from pydicom.charset import convert_encodings, encode_string, python_encoding
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.codes import private_coding_schemes
from operators.write.base.element_bytes import attach_sequences, encodings_of
from operators.write.base.elements import every_element
from operators.write.base.equipment import contributing_equipment, write_equipment
from operators.write.base.identity import copy_attributes, copy_identity
from operators.write.base.item_bytes import encoded_items
from operators.write.base.replaced import name_replaced


def new_result(
    sop_class_uid: UID, modality: str, output_name: str, output: OutputPart, source: Dataset, analysis: Analysis
) -> FileDataset:
    """Return a result object with everything that does not depend on its kind.

    ``source`` is the header of an instance of the study that was analysed: the result belongs to the same patient,
    study and order. Identifiers and times come from ``analysis``, so the same analysis gives the same bytes. What the
    analysis says that this output replaces is named (:mod:`operators.write.base.replaced`).
    The dataset's ``filename`` is ``<output_name>.dcm``.
    """
    result = FileDataset(f"{output_name}.dcm", Dataset(), preamble=b"\0" * 128, file_meta=FileMetaDataset())
    copy_identity(source, result)
    if analysis.started.tzinfo is None:
        raise ValueError("the start of the analysis must have a time zone")
    zone = named_time_zone(source)
    # Without a zone the source's times are those of the site; so are ours, on a node that keeps the site's time.
    started = analysis.started.astimezone(zone)
    date, time = started.strftime("%Y%m%d"), started.strftime("%H%M%S.%f")

    result.SOPClassUID = sop_class_uid
    result.SOPInstanceUID = analysis.uid(f"{output_name}/instance")
    result.InstanceCreationDate, result.InstanceCreationTime = date, time
    if zone is not None:
        result.TimezoneOffsetFromUTC = started.strftime("%z")
    result.InstanceNumber = 1
    result.ContentDate, result.ContentTime = date, time

    result.Modality = modality
    result.SeriesInstanceUID = analysis.uid(f"{output_name}/series")
    result.SeriesNumber = output.series_number
    result.SeriesDescription = output.title
    result.SeriesDate, result.SeriesTime = date, time

    write_equipment(result, analysis.algorithm)
    result.ContributingEquipmentSequence = contributing_equipment(analysis.algorithm, source, started)
    name_replaced(result, output_name, analysis)
    return result


def copy_series_context(source: Dataset, result: Dataset) -> None:
    """Copy what an image result shares with its source series: body part, orders, lossy compression."""
    copy_attributes(
        source,
        result,
        (
            "BodyPartExamined",
            "RequestAttributesSequence",
            "LossyImageCompression",
            "LossyImageCompressionRatio",
            "LossyImageCompressionMethod",
        ),
    )
    if "LossyImageCompression" not in result:
        result.LossyImageCompression = "00"


def finish(result: FileDataset) -> FileDataset:
    """Complete a result once its content stands: private coding schemes, character set, file meta information."""
    if schemes := private_coding_schemes(result):
        result.CodingSchemeIdentificationSequence = schemes
    _settle_character_set(result)
    meta = result.file_meta
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = result.SOPClassUID
    meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return result


def save(result: Dataset, folder: Path) -> Path:
    """Write a result to ``folder`` as ``<output_name>.dcm``, in the transfer syntax that it names; return its path."""
    if not isinstance(result, FileDataset) or not result.filename:
        raise ValueError("the dataset was not made by operators.write: it has no file name")
    path = folder / Path(str(result.filename)).name
    if "ContentSequence" in result:
        _with_encoded_content(result).save_as(path, enforce_file_format=True)
        return path
    pixels = result.get(_PIXEL_DATA)
    if pixels is None or not _can_be_appended(pixels, result):
        result.save_as(path, enforce_file_format=True)
        return path
    # pydicom would copy hundreds of megabytes twice on their way to the file.
    header = result[:_PIXEL_DATA]
    header.file_meta, header.preamble = result.file_meta, result.preamble
    with path.open("wb") as file:
        header.save_as(file, enforce_file_format=True)
        _append(file, pixels)
    return path


_PIXEL_DATA = Tag("PixelData")


def _with_encoded_content(report: FileDataset) -> Dataset:
    """Return a report whose content tree (PS3.3 C.17.3) is bytes already: pydicom takes most of its time over it."""
    result = report[:]
    result.file_meta, result.preamble = report.file_meta, report.preamble
    content = encoded_items(report.ContentSequence, encodings_of(report))
    attach_sequences(result, {"ContentSequence": content})
    return result


def _can_be_appended(pixels: DataElement, result: FileDataset) -> bool:
    """Whether Pixel Data are the end of the file and stand there as they are."""
    is_last = max(result.keys()) == _PIXEL_DATA
    return is_last and pixels.VR in ("OB", "OW") and not result.file_meta.TransferSyntaxUID.is_deflated


def _append(file: BinaryIO, pixels: DataElement) -> None:
    """Write Pixel Data in Explicit VR Little Endian (PS3.5 section 7.1.2), encapsulated ones as annex A.4 says."""
    value: bytes = pixels.value
    length = 0xFFFFFFFF if pixels.is_undefined_length else len(value) + len(value) % 2
    tag = pixels.tag
    file.write(struct.pack("<HH2sHI", tag.group, tag.element, pixels.VR.encode("ascii"), 0, length))
    file.write(value)
    file.write(b"\0" * (len(value) % 2))
    if pixels.is_undefined_length:
        file.write(_SEQUENCE_DELIMITATION)


_SEQUENCE_DELIMITATION = b"\xfe\xff\xdd\xe0\0\0\0\0"


def named_time_zone(source: Dataset) -> timezone | None:
    """Return the time zone of the source's dates and times; None if it names none that exists (-1200 to +1400).

    Timezone Offset From UTC (0008,0201) holds for the whole object, also for the study date and time that are copied
    unchanged: a result may name a zone only if its source does.
    """
    match = re.fullmatch(r"([+-])(0\d|1[0-4])([0-5]\d)", str(source.get("TimezoneOffsetFromUTC") or "").strip())
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _settle_character_set(result: Dataset) -> None:
    """Keep the source's character set if it holds our own texts, too; otherwise write everything in UTF-8.

    So are the texts of a source whose character set is misspelt: they were read by what it must have meant.
    """
    if not _exists(result.get("SpecificCharacterSet")):
        result.SpecificCharacterSet = "ISO_IR 192"
        return
    # The default repertoire is ASCII; pydicom would write Latin-1 that nobody declared.
    declared = convert_encodings(result.get("SpecificCharacterSet"))
    encodings = ["ascii" if encoding == "iso8859" else encoding for encoding in declared]
    for element in every_element(result):
        # Person names are the source's own and came in this character set, but for those in a report's content.
        if element.VR in ("SH", "LO", "ST", "LT", "UC", "UT") or element.tag == _PERSON_NAME:
            values = element.value if element.VM > 1 else [element.value]
            if not all(_can_be_written(str(value), encodings) for value in values if value):
                result.SpecificCharacterSet = "ISO_IR 192"
                return


def _exists(character_set: str | Iterable[str] | None) -> bool:
    """Whether a Specific Character Set is of Defined Terms, several only with code extensions (PS3.3 C.12.1.1.2)."""
    terms = [character_set] if isinstance(character_set, str) else list(character_set or ("",))
    return all(term in python_encoding for term in terms) and (
        len(terms) == 1 or all(term.startswith("ISO 2022 IR ") for term in terms if term)
    )


_PERSON_NAME = 0x0040A123
"""Person Name (0040,A123) of a content item."""


def _can_be_written(text: str, encodings: list[str]) -> bool:
    if text.isascii():
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            encode_string(text, encodings)
        except UserWarning:
            return False
    return True
