"""Whether a node's spool holds only what may be accepted: judged file by file, by pydicom."""

from __future__ import annotations

import re
import warnings
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_SEARCHED_BYTES = 1 << 20

_LARGEST_DEFLATED = 200_000
"""A deflated file beyond this is a bomb in pixel data: kept as sent, and not inflated here either."""


@dataclass
class Accepted:
    """What was found in a spool.

    ``unreadable`` counts data sets that pydicom cannot read to their end: the node looks at the identifiers of what it
    receives, keeps all as sent, and leaves the rest to be refused when an app reads it.
    """

    files: int = 0
    unreadable: int = 0
    findings: list[str] = field(default_factory=list)
    sop_instance_uids: set[str] = field(default_factory=set)


def judge_spool(spool: Path) -> Accepted:
    """Judge every instance below ``spool``."""
    found = Accepted()
    for path in sorted(spool.glob("*/*/*.dcm")):
        found.files += 1
        place = {
            "StudyInstanceUID": path.parts[-3],
            "SeriesInstanceUID": path.parts[-2],
            "SOPInstanceUID": path.stem.partition(".sha256-")[0],
        }
        found.sop_instance_uids.add(place["SOPInstanceUID"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.findings += [f"{path}: {problem}" for problem in _problems(path, place, found)]
    return found


def _problems(path: Path, place: dict[str, str], found: Accepted) -> list[str]:
    problems = [f"{name} {uid!r} is none" for name, uid in place.items() if not _UID.fullmatch(uid) or len(uid) > 64]
    meta = read_file_meta_info(path)
    place["SOPClassUID"] = str(meta.MediaStorageSOPClassUID)
    if meta.MediaStorageSOPInstanceUID != place["SOPInstanceUID"]:
        problems.append(f"File Meta Information of {meta.MediaStorageSOPInstanceUID}")
    try:
        dataset = _beginning(path, str(meta.TransferSyntaxUID))
        # Under another VR than UI the identifiers are no texts to pydicom.
        identifiers = {name: str(dataset[name].value) for name in _IDENTIFIERS if dataset[name].VR == "UI"}
    # A broken data set can make the parser raise nearly anything.
    except Exception:
        found.unreadable += 1
        return problems
    problems += [
        f"{name} is {identifiers[name]!r}, not {uid!r}"
        for name, uid in place.items()
        if identifiers.get(name, uid) != uid
    ]
    if meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian and path.stat().st_size > _LARGEST_DEFLATED:
        return problems
    try:
        for _ in dcmread(path).iterall():
            pass
    # As above.
    except Exception:
        found.unreadable += 1
    return problems


def _beginning(path: Path, transfer_syntax: str) -> Dataset:
    """The data set up to its pixels; of a deflated one no more is inflated than that can need."""
    if transfer_syntax != DeflatedExplicitVRLittleEndian:
        return dcmread(path, specific_tags=list(_IDENTIFIERS))
    content = path.read_bytes()
    deflated = content[144 + int.from_bytes(content[140:144], "little") :]
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(deflated, _SEARCHED_BYTES)
    return read_dataset(BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
