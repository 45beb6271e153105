"""The pixel data of a deflated data set (PS3.5 section A.5): inflated once, no more than announced."""

from __future__ import annotations

from io import BytesIO

from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble
from pydicom.tag import BaseTag

from operators.read.headers.deflated import DeflatedDataSet
from operators.read.headers.elements import PIXEL_DATA_TAGS
from operators.read.headers.reference import LARGEST_INFLATED_HEADER
from operators.read.instance import Instance
from operators.refused import Reason, Refused

_ELEMENT_HEAD_BYTES = 12


def inflated_pixel_data(instance: Instance, wanted: int) -> bytes:
    """Return the pixel data element, head and at most the first ``wanted`` bytes of its value, as an uncompressed
    explicit little endian file would hold it; fewer where the data set has no more.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the data set cannot be inflated or has no pixel data.
    """
    try:
        with instance.path.open("rb") as file:
            read_preamble(file, force=False)
            _read_file_meta_info(file)
            deflated = DeflatedDataSet(file.fileno(), file.tell())
            deflated.inflate(LARGEST_INFLATED_HEADER)
            position = _pixel_data_position(deflated.data)
            deflated.inflate(position + _ELEMENT_HEAD_BYTES + wanted)
    # A damaged file can make zlib and the parser raise nearly anything; whatever it is, there are no pixels.
    except Exception as error:
        raise Refused(Reason.TRUNCATED_PIXEL_DATA, f"{instance.name} cannot be inflated: {error}") from error
    if position + _ELEMENT_HEAD_BYTES > len(deflated.data):
        raise Refused(Reason.TRUNCATED_PIXEL_DATA, f"{instance.name} ends before its pixel data")
    return deflated.data[position : position + _ELEMENT_HEAD_BYTES + wanted]


def _pixel_data_position(data: bytes) -> int:
    stream = BytesIO(data)

    def is_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag in PIXEL_DATA_TAGS

    read_dataset(stream, False, True, stop_when=is_pixel_data)
    return stream.tell()
