"""Legacy Converted Enhanced objects: a series of single frames as one multi-frame object, made by highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
from pydicom import dcmread
from pydicom.uid import UID

from phantoms.identity import derived_uid

_CONVERSIONS = {
    "CT": hd.legacy.LegacyConvertedEnhancedCTImage,
    "MR": hd.legacy.LegacyConvertedEnhancedMRImage,
    "PT": hd.legacy.LegacyConvertedEnhancedPETImage,
}


def convert_to_legacy(paths: Sequence[Path], folder: Path, *, number: int = 100) -> Path:
    """Write the legacy conversion of a CT, MR or PET series to `folder` and return its file."""
    sources = [dcmread(path) for path in paths]
    series = UID(sources[0].SeriesInstanceUID)
    converted = _CONVERSIONS[sources[0].Modality](
        legacy_datasets=sources,
        series_instance_uid=derived_uid(series, "legacy"),
        series_number=number,
        sop_instance_uid=derived_uid(series, "legacy", 1),
        instance_number=1,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "legacy.dcm"
    converted.save_as(path)
    return path
