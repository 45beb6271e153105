"""Siemens CSA header: the private list of named values inside (0029,xx10).

Siemens publishes no specification; this follows nibabel's description (https://nipy.org/nibabel/dicom/siemens_csa.html):
"SV10" and four bytes, then the number of items, then for each a name of 64 bytes, its multiplicity and its values as
text, each with a length and padded to four bytes. Headers without "SV10" (CSA1) are older than syngo MR VA25.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError
from operators.read.headers.private import private_values

_MAXIMUM_ITEMS = 1000


def csa_image_header(header: Dataset) -> Mapping[str, tuple[str, ...]]:
    """Return the values of the CSA Image Header Info by name; empty if there is none.

    Raises :class:`MalformedAttributeError` when it cannot be read.
    """
    found = private_values(header, "SIEMENS CSA HEADER", 0x0029, 0x10)
    if not found or not isinstance(found[0], bytes):
        return {}
    try:
        return parse_csa(found[0])
    except (struct.error, ValueError) as error:
        raise MalformedAttributeError(f"the Siemens CSA header cannot be read: {error}") from error


def parse_csa(content: bytes) -> Mapping[str, tuple[str, ...]]:
    """Return the values of a CSA header by name; raises :class:`ValueError` or :class:`struct.error`."""
    is_second = content[:4] == b"SV10"
    place = 8 if is_second else 0
    (count,) = struct.unpack_from("<I", content, place)
    if not 0 < count <= _MAXIMUM_ITEMS:
        raise ValueError(f"{count} names")
    place += 8
    first_items = None
    tags: dict[str, tuple[str, ...]] = {}
    for _ in range(count):
        name, _, _, _, items, _ = struct.unpack_from("<64si4siii", content, place)
        place += 84
        if not 0 <= items <= _MAXIMUM_ITEMS:
            raise ValueError(f"{items} values in one name")
        first_items = items if first_items is None else first_items
        values = []
        for _ in range(items):
            lengths = struct.unpack_from("<4i", content, place)
            place += 16
            length = lengths[1] if is_second else lengths[0] - first_items
            if length < 0 or place + length > len(content):
                raise ValueError("a value reaches beyond the header's end")
            values.append(_text(content[place : place + length]))
            place += (length + 3) // 4 * 4
        tags[_text(name)] = tuple(value for value in values if value)
    return tags


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("latin-1").strip()
