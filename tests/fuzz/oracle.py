"""The second way to the same array: pydicom's data set and decoders, and the geometry from the plain text.

It shares no code with ``operators.read``: a difference between the two is a finding.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, encaps
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    NuclearMedicineImageStorage,
    RLELossless,
)

from tests.fuzz.structure import LONG_VRS

_ITEM_DELIMITATIONS = (b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xff\xfe\xe0\x0d\0\0\0\0")
_PIXEL_DATA = (0x7FE00008, 0x7FE00009, 0x7FE00010)

_OFFSET_TABLES = frozenset(("ExtendedOffsetTable", "ExtendedOffsetTableLengths"))
_PIXEL_MODULE = _OFFSET_TABLES | frozenset(
    (
        "SamplesPerPixel",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "FloatPixelData",
        "DoubleFloatPixelData",
        "PixelData",
    )
)

_WHOLE = ("SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")

# Start Of Frame of baseline JPEG with its length for one component and for three (ISO/IEC 10918-1 section B.2.2).
_LOSSY_JPEG = re.compile(rb"\xff\xc0\x00[\x0b\x11]")

Vector = NDArray[np.float64]


class MismatchError(AssertionError):
    """What Gantry read is not what pydicom reads."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane as pydicom has it: values in the modality's units, and its place in the patient."""

    values: NDArray[Any]
    position: Vector
    directions: NDArray[np.float64]
    spacing: Vector


def _file(content: bytes) -> io.BytesIO:
    """The file with a preamble, and without a group length (0002,0000) that is none: nobody needs them but pydicom."""
    if content[128:132] != b"DICM":
        content = bytes(128) + b"DICM" + content
    tag, vr, length = content[132:136], content[136:138], content[138:140]
    if tag == b"\x02\0\0\0" and (vr, length) != (b"UL", b"\4\0"):
        size = 12 + int.from_bytes(content[140:144], "little") if vr in LONG_VRS else 8 + length[0] + 256 * length[1]
        content = content[:132] + content[132 + size :]
    return io.BytesIO(content)


@lru_cache(maxsize=256)
def read(content: bytes) -> Dataset | None:
    """The data set of a file; None if pydicom cannot make one of it."""
    try:
        file = _file(content)
        dataset: Dataset = read_partial(file, stop_when=_after(_PIXEL_DATA))
        # A delimiter that delimits nothing ends the data set for pydicom, but not the file.
        if file.getvalue()[max(0, file.tell() - 8) : file.tell()] in _ITEM_DELIMITATIONS:
            implicit, little_endian = dataset.original_encoding
            dataset.update(read_dataset(file, bool(implicit), bool(little_endian), stop_when=_after(_PIXEL_DATA)))
        _tell_encoding(dataset, content)
        _make_whole(dataset)
        if dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            dataset = _without_what_follows(dcmread(_file(content)))
        str(dataset.SOPInstanceUID), str(dataset.SeriesInstanceUID)
    # Whatever pydicom raises, it has no data set.
    except Exception:
        return None
    return dataset


def _without_what_follows(dataset: Dataset) -> Dataset:
    """The data set up to its pixel data, as of other files."""
    tags = list(dataset._dict)
    last = next((index for index, tag in enumerate(tags) if tag in _PIXEL_DATA), len(tags))
    for tag in tags[last + 1 :]:
        del dataset._dict[tag]
    return dataset


@lru_cache(maxsize=256)
def waveform(content: bytes) -> Dataset | None:
    """The data set up to its waveforms; None if pydicom cannot make one of it."""
    try:
        dataset: Dataset = read_partial(_file(content), stop_when=_after((0x54000100,)))
        _tell_encoding(dataset, content)
    # Whatever pydicom raises, it has no data set.
    except Exception:
        return None
    return dataset


def _tell_encoding(dataset: Dataset, content: bytes) -> None:
    """Without preamble and transfer syntax, the data set alone tells its encoding."""
    if content[128:132] != b"DICM" and "TransferSyntaxUID" not in dataset.file_meta:
        implicit = any(isinstance(each, RawDataElement) and each.is_implicit_VR for each in dataset.values())
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _make_whole(dataset: Dataset) -> None:
    """Numbers under another VR, such as "1.0" for a US, are numbers all the same; pydicom calculates with texts."""
    for keyword in _WHOLE:
        try:
            value = float(str(dataset[keyword].value))
        # What is absent or no number stays as it is.
        except Exception:
            continue
        if dataset[keyword].VR != "US" and value.is_integer() and 0 <= value < 1 << 16:
            dataset[keyword] = DataElement(dataset[keyword].tag, "US", int(value))


def _after(last: tuple[int, ...]) -> Callable[[int, str | None, int], bool]:
    """What follows, Data Set Trailing Padding and the like, is not needed."""
    seen: list[int] = []

    def stop(tag: int, vr: str | None, length: int) -> bool:
        if seen and tag not in last:
            return True
        if tag in last:
            seen.append(tag)
        return False

    return stop


@lru_cache(maxsize=256)
def header(content: bytes) -> Dataset | None:
    """The elements before the pixel data; None if pydicom cannot read so far."""
    try:
        return dcmread(_file(content), stop_before_pixels=True)
    # Whatever pydicom raises, it has no header.
    except Exception:
        return None


@lru_cache(maxsize=256)
def stored_values(content: bytes, frame: int) -> NDArray[Any]:
    """Stored values of one frame, bits outside Bits Stored cleared or filled with the sign."""
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    values = decoded(dataset, frame)
    if values.dtype.kind == "f":
        return values
    bits, signed = dataset.BitsStored, dataset.PixelRepresentation == 1
    whole = values.astype(np.int64)
    whole &= (1 << bits) - 1
    return np.where(whole >> (bits - 1) & 1, whole - (1 << bits), whole) if signed else whole


def decoded(dataset: Dataset, frame: int) -> NDArray[Any]:
    """One frame as pydicom's decoders give it; raises what they raise."""
    values = _by_plugins(dataset, frame)
    high_bit, bits = dataset.get("HighBit"), dataset.get("BitsStored")
    if UID(str(dataset.file_meta.TransferSyntaxUID)).is_encapsulated or not isinstance(high_bit, int):
        return values
    if values.dtype.kind == "f" or high_bit == bits - 1:
        return values
    # High Bit places the value within its cell (PS3.5 section 8.1.1); pydicom takes no notice of it.
    order = ">" if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
    dtype = f"{order}{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}"
    start = frame * values.size * dataset.BitsAllocated // 8
    cells = np.frombuffer(dataset.PixelData, dtype, values.size, start)
    if values.ndim == 3 and dataset.PlanarConfiguration == 1:
        cells = np.moveaxis(cells.reshape(values.shape[2], *values.shape[:2]), 0, -1)
    return cells.reshape(values.shape) >> (high_bit + 1 - bits)


def _by_plugins(dataset: Dataset, frame: int) -> NDArray[Any]:
    frames = int(float(str(dataset.get("NumberOfFrames") or 1)))
    if dataset.get("BitsAllocated") == 1 and frames > 1:
        # Of a single frame that does not begin with a byte, pydicom loses the last bits.
        return _by_plugin(dataset, None)[frame]
    return _by_plugin(dataset, frame if frames > 1 else None)


def _by_plugin(dataset: Dataset, index: int | None) -> NDArray[Any]:
    syntax = UID(str(dataset.file_meta.TransferSyntaxUID))
    dataset = _pixel_module(dataset, syntax)
    bare = _without_offset_tables(dataset, syntax.is_encapsulated)
    ways: list[tuple[Dataset, str]] = [(dataset, ""), (bare, "")]
    if syntax == RLELossless:
        # The other plugin panics when there is too much.
        ways = [(dataset, "pydicom"), (bare, "pydicom")]
    if syntax.is_encapsulated and dataset.get("SamplesPerPixel") == 3 and b"JFIF\0" in bare.PixelData:
        # The codestream says what it holds, whatever the header says (ITU-T T.871).
        bare.PhotometricInterpretation = "YBR_FULL"
    if syntax.is_encapsulated and _LOSSY_JPEG.search(bare.PixelData):
        # Lossy JPEG is decoded alike, to the last bit, by one library only.
        bare.file_meta = FileMetaDataset(bare.file_meta)
        bare.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        bare.BitsAllocated = 8
        ways.insert(0, (bare, "pillow"))
    problems = []
    for each, plugin in ways:
        try:
            return pixel_array(each, raw=True, index=index, decoding_plugin=plugin, allow_excess_frames=False)
        # An offset table that leads nowhere stops pydicom; the frames can still be told by their fragments.
        except Exception as error:
            problems.append(error)
    raise problems[0]


def _pixel_module(dataset: Dataset, syntax: UID) -> Dataset:
    """What pydicom's decoders need and no more: other elements, and other kinds of text, can stop them."""
    kept = Dataset()
    # Native pixel data have no offset tables, whatever stands in their place.
    for keyword in _PIXEL_MODULE if syntax.is_encapsulated else _PIXEL_MODULE - _OFFSET_TABLES:
        try:
            kept[keyword] = dataset[keyword]
        # What is absent or no value of its representation is nothing to a decoder.
        except Exception:
            continue
        if kept[keyword].is_empty:
            del kept[keyword]
    if "PixelData" in kept:
        kept.pop("FloatPixelData", None)
        kept.pop("DoubleFloatPixelData", None)
    if syntax.is_encapsulated and dataset.get("SamplesPerPixel") == 3:
        # A codestream holds its samples in an order of its own.
        kept["PlanarConfiguration"] = DataElement(0x00280006, "US", 0)
    kept["PhotometricInterpretation"] = DataElement(0x00280004, "CS", str(dataset.PhotometricInterpretation))
    kept.file_meta = FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = syntax
    kept.set_original_encoding(*dataset.original_encoding)
    return kept


def _without_offset_tables(dataset: Dataset, is_encapsulated: bool) -> Dataset:
    bare = copy(dataset)
    for keyword in _OFFSET_TABLES:
        bare.pop(keyword, None)
    if is_encapsulated:
        _, *fragments = encaps.generate_fragments(dataset.PixelData)
        item = b"\xfe\xff\x00\xe0"
        parts = [item + struct.pack("<I", len(fragment)) + fragment for fragment in (b"", *fragments)]
        bare.PixelData = b"".join(parts) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return bare


def _single_items(groups: Dataset) -> list[Dataset]:
    found = []
    for tag in groups.keys():  # noqa: SIM118 - iterating a data set converts its elements
        try:
            element = groups[tag]
        # What cannot be converted is no sequence.
        except Exception:
            continue
        # What a private group means is its maker's secret.
        if not tag.is_private and element.VR == "SQ" and len(element.value) == 1:
            found.append(element.value[0])
    return found


def attribute(dataset: Dataset, frame: int, group: str, keyword: str) -> Any:
    """An attribute of a frame: of its own functional group, else of the shared one, else of the instance."""
    if "PerFrameFunctionalGroupsSequence" in dataset:
        per_frame = dataset.PerFrameFunctionalGroupsSequence
        shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
        for groups in (per_frame[frame] if frame < len(per_frame) else Dataset(), shared[0]):
            # Some writers put an attribute into another group than its own.
            for item in (*(groups.get(group) or ()), *_single_items(groups)):
                if item.get(keyword) is not None:
                    return item[keyword].value
    return dataset.get(keyword)


def plane(content: bytes, frame: int, tile: tuple[int, int] | None = None) -> Plane:
    """One frame, or the tile of a mosaic that begins at a row and column, with its place.

    Raises :class:`MismatchError` where pydicom cannot make one.
    """
    try:
        return _plane(content, frame, tile)
    # Gantry has read this plane: what pydicom says against it decides whether it should have.
    except BaseException as error:
        raise MismatchError(f"pydicom cannot: {type(error).__name__}: {error}") from error


def plane_values(content: bytes, frame: int) -> NDArray[np.float64]:
    """One frame in the modality's units; raises what pydicom raises."""
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    stored = stored_values(content, frame)
    slope = _numbers(dataset, frame, "PixelValueTransformationSequence", "RescaleSlope", [1.0])
    intercept = _numbers(dataset, frame, "PixelValueTransformationSequence", "RescaleIntercept", [0.0])
    return stored.astype(np.float64) * slope + intercept


def _numbers(dataset: Dataset, frame: int, group: str, keyword: str, default: Sequence[float] = ()) -> Vector:
    value = attribute(dataset, frame, group, keyword)
    values = default if value is None else [each for each in np.atleast_1d(value) if each != ""] or default
    return np.array(values, dtype=np.float64)


def _plane(content: bytes, frame: int, tile: tuple[int, int] | None) -> Plane:
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    values = plane_values(content, frame)

    def numbers(group: str, keyword: str) -> Vector:
        return _numbers(dataset, frame, group, keyword)

    spacing = numbers("PixelMeasuresSequence", "PixelSpacing")
    if dataset.SOPClassUID == NuclearMedicineImageStorage and "PerFrameFunctionalGroupsSequence" not in dataset:
        detector = dataset.DetectorInformationSequence[0]
        directions = np.array(detector.ImageOrientationPatient, dtype=np.float64)
        normal = np.cross(directions[:3], directions[3:])
        number = np.atleast_1d(dataset.SliceVector)[frame] - 1
        position = np.array(detector.ImagePositionPatient, dtype=np.float64)
        position = position + number * float(dataset.SpacingBetweenSlices) * normal / np.linalg.norm(normal)
    else:
        position = numbers("PlanePositionSequence", "ImagePositionPatient")
        directions = numbers("PlaneOrientationSequence", "ImageOrientationPatient")
    if tile is not None:
        values, position = _tile(dataset, values, tile, position, directions, spacing)
    return Plane(values, position, directions.reshape(2, 3), spacing)


def _siemens_header(dataset: Dataset) -> tuple[bytes, int]:
    """The private header of a mosaic, and the number of its tiles."""
    header = next(
        element.value
        for element in dataset.values()
        if isinstance(element.value, bytes) and b"SliceNormalVector" in element.value
    )
    if found := re.findall(rb"NumberOfImagesInMosaic\0.{0,90}?(\d+)\0", header, re.DOTALL):
        return header, int(found[0])
    return header, int(dataset.private_block(0x0019, "SIEMENS MR HEADER")[0x0A].value)


def _tile(
    dataset: Dataset,
    image: NDArray[Any],
    tile: tuple[int, int],
    position: Vector,
    directions: Vector,
    spacing: Vector,
) -> tuple[NDArray[Any], Vector]:
    """One tile of a mosaic and its position: the corner is that of an image of the mosaic's size about the centre."""
    header, count = _siemens_header(dataset)
    normal = np.array(
        [float(text) for text in re.findall(rb"[-\d.]{6,}", header[header.index(b"SliceNormalVector") :])][:3]
    )
    across = int(np.ceil(np.sqrt(count)))
    rows, columns = image.shape[0] // across, image.shape[1] // across
    number = tile[0] // rows * across + tile[1] // columns
    if tile[0] % rows or tile[1] % columns or number >= count:
        raise MismatchError(f"there is no tile at {tile}")
    centre = (
        position + directions[:3] * spacing[1] * image.shape[1] / 2 + directions[3:] * spacing[0] * image.shape[0] / 2
    )
    corner = centre - directions[:3] * spacing[1] * columns / 2 - directions[3:] * spacing[0] * rows / 2
    tiles = image.reshape(across, rows, across, columns).swapaxes(1, 2).reshape(-1, rows, columns)
    return tiles[number], corner + number * float(dataset.SpacingBetweenSlices) * normal


def compare(array: NDArray[Any], affine: NDArray[np.float64], planes: Sequence[Plane]) -> None:
    """Compare a volume with its planes in array order; raises :class:`MismatchError`."""
    if array.shape[0] != len(planes):
        raise MismatchError(f"{array.shape[0]} slices in the array, {len(planes)} in the list")
    for index, expected in enumerate(planes):
        values = expected.values.astype(array.dtype)
        if array[index].shape != values.shape or not np.array_equal(array[index], values, equal_nan=True):
            raise MismatchError(f"slice {index}: values differ\n{array[index]}\n{values}")
        if array.dtype.kind in "iu" and not np.array_equal(values, expected.values):
            raise MismatchError(f"slice {index}: {array.dtype} does not hold its values")
        column = expected.directions[0] * expected.spacing[1]
        row = expected.directions[1] * expected.spacing[0]
        # As documented: directions alike within 1e-4, spacing within 1e-4 of itself, distances within 1 % or 0.1 mm.
        tolerance = 3e-4 * max(expected.spacing)
        if np.abs(affine[:3, 0] - column).max() > tolerance or np.abs(affine[:3, 1] - row).max() > tolerance:
            raise MismatchError(f"slice {index}: affine\n{affine}\nagainst column {column}, row {row}")
        distance = np.linalg.norm(affine[:3, 3] + index * affine[:3, 2] - expected.position)
        allowed = max(0.01 * float(np.linalg.norm(affine[:3, 2])), 0.1) if index else 1e-6
        if not distance <= allowed * 1.01:
            raise MismatchError(f"slice {index}: {distance} mm beside its place {expected.position}\n{affine}")


def files_of_series(folder: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Series Instance UID to the files that pydicom finds in it."""
    found: dict[str, list[str]] = {}
    for name, content in folder.items():
        if (dataset := read(content)) is not None:
            found.setdefault(str(dataset.SeriesInstanceUID), []).append(name)
    return found


def frame_count(content: bytes) -> int:
    """How many frames an instance announces."""
    dataset = read(content)
    return 1 if dataset is None else int(float(str(dataset.get("NumberOfFrames") or 1)))


def tile_count(content: bytes) -> int:
    """How many tiles a mosaic announces."""
    dataset = read(content)
    return 0 if dataset is None else _siemens_header(dataset)[1]
