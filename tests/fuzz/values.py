"""Odd values for the attributes that decide what an array becomes, and bytes for any value representation."""

from __future__ import annotations

import struct
from random import Random

from pydicom.datadict import tag_for_keyword

_NUMBERS = (
    b"0", b"-0", b"1", b"-1", b"2", b"0.5", b"1e-9", b"1E+308", b"1e400", b"nan", b"inf", b"-inf", b"1,5", b"***", b"",
    b" ", b"1.0000000000000000001", b"00001", b"+3", b"0x10", b"1\\2", b"\\", b"65536", b"-32768", b"4294967296",
    b"1.5.2",
)  # fmt: skip

# The values of one attribute: decimal texts for DS and IS, shorts for US, texts for the rest.
_TEXTS: dict[str, tuple[bytes, ...]] = {
    "ImagePositionPatient": (
        b"0\\0\\0", b"-40\\-50.5\\10", b"-40\\-50.5\\13", b"-40\\-50.5\\11.5", b"-40\\-50.5\\1000", b"-40\\-50.5",
        b"-40\\-50.5\\10\\1", b"nan\\0\\0", b"-40\\\\10", b"1e300\\0\\0", b"-40\\-50.5\\16.04", b"-41\\-50.5\\16",
    ),
    "ImageOrientationPatient": (
        b"1\\0\\0\\0\\1\\0", b"0\\1\\0\\0\\0\\-1", b"-1\\0\\0\\0\\1\\0", b"1\\0\\0\\0\\0\\0", b"0\\0\\0\\0\\0\\0",
        b"1\\0\\0\\0\\-1\\0", b"0.9\\0\\0\\0\\1\\0", b"1\\0\\0\\0\\1", b"1\\0\\0\\0\\0.98480775\\0.17364818",
        b"2\\0\\0\\0\\2\\0",
    ),
    "PixelSpacing": (
        b"0.75\\1.25", b"1\\1", b"1", b"0\\0", b"-1\\1", b"1.25\\0.75\\1", b"1e-30\\1e-30", b"1.25\\0.7501",
    ),
    "SliceThickness": _NUMBERS,
    "SpacingBetweenSlices": _NUMBERS,
    "GantryDetectorTilt": (b"0", b"15", b"-20.5", b"abc"),
    "RescaleSlope": _NUMBERS,
    "RescaleIntercept": _NUMBERS,
    "RescaleType": (b"HU", b"US", b"", b"OD"),
    "NumberOfFrames": (b"0", b"1", b"2", b"3", b"4", b"5", b"8", b"-1", b"1000000", b"2147483647", b"x", b""),
    "InstanceNumber": _NUMBERS,
    "SeriesNumber": _NUMBERS,
    "AcquisitionNumber": _NUMBERS,
    "TemporalPositionIdentifier": _NUMBERS,
    "TriggerTime": _NUMBERS,
    "EchoTime": _NUMBERS,
    "EchoNumbers": _NUMBERS,
    "PhotometricInterpretation": (
        b"MONOCHROME1", b"MONOCHROME2", b"RGB", b"YBR_FULL", b"YBR_FULL_422", b"YBR_PARTIAL_420", b"YBR_ICT",
        b"YBR_RCT",
        b"PALETTE COLOR", b"ARGB", b"HSV", b"", b"MONOCHROME2\\RGB",
    ),
    "ImageType": (
        b"ORIGINAL\\PRIMARY", b"ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC", b"DERIVED\\SECONDARY", b"LOCALIZER", b"",
        b"ORIGINAL",
        b"ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION", b"ORIGINAL\\PRIMARY\\LOCALIZER",
    ),
    "PresentationLUTShape": (b"INVERSE", b"IDENTITY", b"LIN OD"),
    "Modality": (b"CT", b"MR", b"PT", b"NM", b"US", b"OT", b"", b"SEG"),
    "Units": (b"BQML", b"CNTS", b"GML", b""),
    "Manufacturer": (b"SIEMENS", b"GE", b"Philips Medical Systems", b"Gantry", b""),
    "SpecificCharacterSet": (
        b"ISO_IR 192", b"ISO_IR 100", b"\\ISO 2022 IR 87", b"GB18030", b"ISO_IR 999", b"\\", b"",
        b"ISO_IR 13\\ISO 2022 IR 87",
        b"ISO 2022 IR 149", b"utf8", b"ISO_IR 192\\ISO 2022 IR 87",
    ),
    "SOPClassUID": (
        b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.5.1.4.1.1.4", b"1.2.840.10008.5.1.4.1.1.2.1",
        b"1.2.840.10008.5.1.4.1.1.4.1",
        b"1.2.840.10008.5.1.4.1.1.128", b"1.2.840.10008.5.1.4.1.1.20", b"1.2.840.10008.5.1.4.1.1.6.1",
        b"1.2.840.10008.5.1.4.1.1.66.4", b"1.2.840.10008.5.1.4.1.1.9.1.2", b"1.2.3", b"", b"abc",
    ),
    "SOPInstanceUID": (b"1.2.3", b"", b"1.2.3\\4.5", b"abc", b"1" * 70),
    "StudyInstanceUID": (b"1.2.3", b"", b"abc"),
    "SeriesInstanceUID": (b"1.2.3", b"", b"abc"),
    "FrameOfReferenceUID": (b"1.2.3", b""),
    "PatientID": (b"P2", b""),
    "DecayCorrection": (b"START", b"NONE"),
    "BurnedInAnnotation": (b"YES", b"NO", b""),
}  # fmt: skip

_SHORTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 24, 31, 32, 33, 64, 255, 256, 32768, 65535)
_SHORT_KEYWORDS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PlanarConfiguration",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "SmallestImagePixelValue", "NumberOfTemporalPositions",
    "NumberOfSlices",
    "WaveformBitsAllocated", "WaveformBitsStored", "NumberOfWaveformChannels",
)  # fmt: skip

KEYWORDS = (*_TEXTS, *_SHORT_KEYWORDS)
"""The attributes that have odd values here."""

_BY_TAG = {tag_for_keyword(keyword): keyword for keyword in KEYWORDS}


def keyword_of(tag: tuple[int, int]) -> str | None:
    """The keyword of a tag that has odd values here."""
    return _BY_TAG.get(tag[0] << 16 | tag[1])


def tag_of(keyword: str) -> tuple[int, int]:
    """The tag of a keyword."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tag >> 16, tag & 0xFFFF


def odd_value(random: Random, keyword: str, big_endian: bool) -> bytes:
    """A value that an attribute of this keyword may have, should not have or cannot have."""
    if keyword in _SHORT_KEYWORDS:
        count = random.choice((1, 1, 1, 1, 1, 1, 0, 2))
        shorts = [random.choice(_SHORTS) for _ in range(count)]
        return struct.pack(f"{'>' if big_endian else '<'}{count}H", *shorts)
    text = random.choice(_TEXTS[keyword])
    return text + b" " * (len(text) % 2)


def any_value(random: Random, vr: bytes) -> bytes:
    """Bytes that suit a value representation more or less."""
    if vr in (b"DS", b"IS"):
        text = random.choice(_NUMBERS)
        return text + b" " * (len(text) % 2)
    if vr in (b"US", b"SS", b"UL", b"SL", b"FL", b"FD", b"AT"):
        return random.randbytes(random.choice((0, 1, 2, 4, 8, 16)))
    if random.random() < 0.3:
        return random.randbytes(random.choice((0, 1, 2, 3, 4, 64, 65)))
    text = random.choice(
        (b"", b"A", b"***", b"\\", b"A\\B", b"\x1b$B;3ED^", b"\x1b", b"\0\0", b"=^=", b"X" * 300, b"\xff\xfe")
    )
    return text + b" " * (len(text) % 2)
