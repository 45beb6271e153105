"""Small valid studies of every kind that Gantry reads: what the mutations start from.

Each is a folder's content, file name to bytes, and the same in every process: no random number, no time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VLPhotographicImageStorage,
)

from tests.fuzz import enhanced, waveform
from tests.fuzz.instances import (
    Folder,
    compress,
    dicom_file,
    encapsulate,
    jpeg_baseline,
    jpeg_lossless,
    pixels,
    place,
    ramp,
    study_header,
)

SHAPE = (4, 8, 6)
CODED_SHAPE = (3, 32, 33)
"""OpenJPEG encodes with six resolutions, which takes 32 pixels."""

_CT = (CTImageStorage, "CT")
_MR = (MRImageStorage, "MR")
_PT = (PositronEmissionTomographyImageStorage, "PT")


def _slices(
    seed: str,
    character_set: str,
    kind: tuple[str, str],
    array: NDArray[Any],
    syntax: str = ExplicitVRLittleEndian,
    *,
    bits_stored: int | None = None,
    positions: int | None = None,
    each: Callable[[Any, int], None] = lambda header, index: None,
    encode: Callable[[NDArray[Any]], Sequence[bytes]] | None = None,
    extended: bool = False,
) -> Folder:
    """One file a plane; with ``positions`` the stack is run through again and again."""
    files = {}
    for index, plane in enumerate(array):
        header = study_header(seed, character_set, *kind)
        place(header, index, index % (positions or len(array)))
        pixels(header, plane.astype(plane.dtype.newbyteorder(">")) if syntax == ExplicitVRBigEndian else plane)
        if bits_stored is not None:
            header.BitsStored, header.HighBit = bits_stored, bits_stored - 1
        each(header, index)
        if encode is not None:
            encapsulate(header, encode(plane), extended)
        elif syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
            compress(header, syntax)
        files[f"{index}.dcm"] = dicom_file(header, syntax)
    return files


def _hounsfield(header: Any, index: int) -> None:
    header.RescaleSlope, header.RescaleIntercept, header.RescaleType = 1, -1024, "HU"
    header.PixelPaddingValue = 0


def _becquerel(header: Any, index: int) -> None:
    header.RescaleSlope, header.RescaleIntercept, header.Units = f"0.{3 + index}7", 0, "BQML"


def _diffusion(header: Any, index: int) -> None:
    header.DiffusionBValue, header.AcquisitionNumber = float(1000 * (index // 4)), 1 + index // 4


def _echoes(header: Any, index: int) -> None:
    header.EchoTime, header.EchoNumbers = 5 * (1 + index // 4), 1 + index // 4


def _frames(
    seed: str, character_set: str, sop_class: str, modality: str, frames: NDArray[Any], **attributes: Any
) -> Folder:
    """One file of one or several frames, native."""
    header = study_header(seed, character_set, sop_class, modality)
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.1", 1
    header.WindowCenter, header.WindowWidth = [100, 50], [200, 100]
    header.BurnedInAnnotation = "NO"
    if modality == "US":
        header.FrameTime = 40
        header.SequenceOfUltrasoundRegions = [enhanced.ultrasound_region()]
    pixels(header, frames, **attributes)
    return {"0.dcm": dicom_file(header)}


def _floating_point(header: Any, index: int) -> None:
    header.FloatPixelData = header.PixelData
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        del header[keyword]


def _single_bits(seed: str, character_set: str) -> Folder:
    """Frames of 35 bits: most begin within a byte."""
    bits = ramp((3, 7, 5), "u1", 1) % 3 == 0
    folder = _frames(seed, character_set, UltrasoundMultiFrameImageStorage, "US", bits.astype("u1"))
    header = dcmread(io.BytesIO(folder["0.dcm"]))
    header.BitsAllocated, header.BitsStored, header.HighBit = 1, 1, 0
    header.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    return {"0.dcm": dicom_file(header)}


def _colour(shape: tuple[int, ...]) -> NDArray[Any]:
    return ramp((*shape, 3), "u1", 5)


def _palette(seed: str, character_set: str) -> Folder:
    table = ramp((256,), "u2", 257)
    attributes: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for turn, name in enumerate(("Red", "Green", "Blue")):
        attributes[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        attributes[f"{name}PaletteColorLookupTableData"] = np.roll(table, 40 * turn).tobytes()
    return _frames(seed, character_set, UltrasoundImageStorage, "US", ramp((8, 6), "u1", 5), **attributes)


def _photograph(seed: str, character_set: str) -> Folder:
    header = study_header(seed, character_set, VLPhotographicImageStorage, "XC")
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.1", 1
    plane = _colour((16, 16))
    pixels(header, plane, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    header.LossyImageCompression = "01"
    encapsulate(header, jpeg_baseline(plane))
    return {"0.dcm": dicom_file(header, JPEGBaseline8Bit)}


def _ybr_422(seed: str, character_set: str) -> Folder:
    # Two luminance samples share one pair of chrominance samples (PS3.3 section C.7.6.3.1.2).
    header = study_header(seed, character_set, UltrasoundMultiFrameImageStorage, "US")
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.1", 1
    pixels(header, _colour((3, 8, 6)), SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    header.PixelData = ramp((3 * 8 * 6 * 2,), "u1", 5).tobytes()
    header["PixelData"].VR = "OB"
    header.FrameTime = 40
    return {"0.dcm": dicom_file(header)}


def _coded(dtype: str = "u2") -> NDArray[Any]:
    return ramp(CODED_SHAPE, dtype, 7 if dtype != "u1" else 1) % (4000 if dtype != "u1" else 255)


SEEDS: Mapping[str, Callable[[], Folder]] = {
    "ct": lambda: _slices("ct", "latin1", _CT, ramp(SHAPE), bits_stored=12, each=_hounsfield),
    "ct_signed": lambda: _slices("ct_signed", "latin2", _CT, ramp(SHAPE, "i2", start=-500), each=_hounsfield),
    "mr_implicit": lambda: _slices("mr_implicit", "japanese", _MR, ramp(SHAPE), ImplicitVRLittleEndian),
    "mr_big_endian": lambda: _slices("mr_big_endian", "greek", _MR, ramp(SHAPE), ExplicitVRBigEndian),
    "mr_8_bit": lambda: _slices("mr_8_bit", "ascii", _MR, ramp(SHAPE, "u1", 1)),
    "ct_deflated": lambda: _slices(
        "ct_deflated", "chinese", _CT, ramp(SHAPE), DeflatedExplicitVRLittleEndian, each=_hounsfield
    ),
    "pt": lambda: _slices("pt", "korean", _PT, ramp(SHAPE, "i2"), each=_becquerel),
    "mr_diffusion": lambda: _slices("mr_diffusion", "utf8", _MR, ramp((8, 8, 6)), positions=4, each=_diffusion),
    "mr_echoes": lambda: _slices("mr_echoes", "katakana", _MR, ramp((8, 8, 6)), positions=4, each=_echoes),
    "mr_rle": lambda: _slices("mr_rle", "cyrillic", _MR, _coded(), RLELossless),
    "mr_jpeg_2000": lambda: _slices("mr_jpeg_2000", "hebrew", _MR, _coded(), JPEG2000Lossless, bits_stored=12),
    "mr_jpeg_ls": lambda: _slices("mr_jpeg_ls", "arabic", _MR, _coded(), JPEGLSLossless, bits_stored=12),
    "ct_jpeg_lossless": lambda: _slices(
        "ct_jpeg_lossless", "thai", _CT, _coded(), JPEGLosslessSV1, each=_hounsfield, encode=jpeg_lossless
    ),
    "mr_jpeg_extended_offsets": lambda: _slices(
        "mr_jpeg_extended_offsets",
        "chinese2022",
        _MR,
        _coded(),
        JPEGLosslessSV1,
        encode=jpeg_lossless,
        extended=True,
    ),
    "mr_jpeg_baseline": lambda: _slices(
        "mr_jpeg_baseline", "latin1", _MR, _coded("u1"), JPEGBaseline8Bit, encode=jpeg_baseline
    ),
    "mr_htj2k": lambda: _slices(
        "mr_htj2k",
        "latin2",
        _MR,
        _coded(),
        HTJ2KLossless,
        bits_stored=12,
        encode=lambda plane: [bytes(imagecodecs.htj2k_encode(plane))],
    ),
    "mr_float": lambda: _slices("mr_float", "arabic", _MR, ramp(SHAPE, "f4"), each=_floating_point),
    "nm": lambda: _frames(
        "nm", "latin1", NuclearMedicineImageStorage, "NM", ramp(SHAPE), **enhanced.nuclear_medicine(SHAPE[0])
    ),
    "mr_enhanced": lambda: enhanced.enhanced_mr("mr_enhanced", "japanese", ramp(SHAPE)),
    "mr_enhanced_implicit": lambda: enhanced.enhanced_mr(
        "mr_enhanced_implicit", "korean", ramp(SHAPE), ImplicitVRLittleEndian
    ),
    "mr_enhanced_diffusion": lambda: enhanced.enhanced_mr(
        "mr_enhanced_diffusion", "utf8", ramp((6, 8, 6)), positions=3
    ),
    "ct_enhanced_rle": lambda: enhanced.enhanced_ct("ct_enhanced_rle", "greek", ramp(SHAPE), RLELossless),
    "ct_enhanced_jpeg_2000": lambda: enhanced.enhanced_ct(
        "ct_enhanced_jpeg_2000", "chinese", _coded(), JPEG2000Lossless
    ),
    "pt_legacy_converted": lambda: enhanced.legacy_converted_pt("pt_legacy_converted", "ascii", ramp(SHAPE, "i2")),
    "mr_mosaic": lambda: enhanced.mosaic("mr_mosaic", "latin1", ramp((4, 8, 6))),
    "us_rgb": lambda: _frames(
        "us_rgb", "chinese", UltrasoundMultiFrameImageStorage, "US", _colour((3, 8, 6)), SamplesPerPixel=3
    ),
    "us_planar": lambda: _frames(
        "us_planar",
        "hebrew",
        UltrasoundMultiFrameImageStorage,
        "US",
        _colour((3, 8, 6)),
        SamplesPerPixel=3,
        PlanarConfiguration=1,
    ),
    "us_single_bits": lambda: _single_bits("us_single_bits", "thai"),
    "us_ybr_422": lambda: _ybr_422("us_ybr_422", "latin1"),
    "us_palette": lambda: _palette("us_palette", "greek"),
    "dx": lambda: _frames(
        "dx", "cyrillic", DigitalXRayImageStorageForPresentation, "DX", ramp((8, 6)), ImagerPixelSpacing=[0.2, 0.1]
    ),
    "xc_jpeg": lambda: _photograph("xc_jpeg", "korean"),
    "ecg": lambda: waveform.electrocardiogram("ecg", "japanese"),
}
"""Name to builder."""


@cache
def seed_folder(name: str) -> Folder:
    """The content of a seed's folder."""
    return SEEDS[name]()
