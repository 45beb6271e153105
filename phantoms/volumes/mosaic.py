"""Siemens mosaics: a whole volume as the tiles of one MR image, with the private headers that tell so.

The layout follows nibabel's description (https://nipy.org/nibabel/dicom/dicom_mosaic.html and siemens_csa.html).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import MRImageStorage

from phantoms.identity import derived_uid, save, set_instance_uid
from phantoms.volumes.common import (
    Affine,
    Array,
    WrittenVolume,
    decimals,
    new_series,
    set_attributes,
    set_pixels,
    set_plane,
    slice_distance,
    spacing_of,
)


def write_mosaic(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 6,
    b_values: Sequence[float] | None = None,
    **attributes: Any,
) -> WrittenVolume:
    """Write each volume of `stored` (volume, slice, row, column) as one mosaic, with its b-value if there are any."""
    _, slices, rows, columns = stored.shape
    across = math.ceil(math.sqrt(slices))
    spacing = spacing_of(affine)
    normal = affine[:3, 2] / spacing[2]
    # The corner of the mosaic, as if its centre were that of a slice.
    corner = affine.copy()
    corner[:3, 3] -= (across - 1) * (columns * affine[:3, 0] + rows * affine[:3, 1]) / 2
    paths = []
    for index, volume in enumerate(stored):
        instance = new_series(MRImageStorage, "MR", seed, number, "ep2d_diff")
        instance.Manufacturer = "SIEMENS"
        set_instance_uid(instance, derived_uid(instance.SeriesInstanceUID, index + 1))
        set_plane(instance, corner, 0)
        mosaic = np.zeros((across * rows, across * columns), stored.dtype)
        for tile, plane in enumerate(volume):
            row, column = tile // across * rows, tile % across * columns
            mosaic[row : row + rows, column : column + columns] = plane
        set_pixels(instance, mosaic, 12)
        b_value = None if b_values is None else b_values[index]
        set_attributes(
            instance,
            {
                "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
                "ScanningSequence": "EP",
                "SequenceVariant": "SK",
                "MRAcquisitionType": "2D",
                "RepetitionTime": 5000,
                "EchoTime": 90,
                "EchoTrainLength": 1,
                "FlipAngle": 90,
                "InstanceNumber": index + 1,
                "AcquisitionNumber": index + 1,
                "SpacingBetweenSlices": decimals([slice_distance(affine)])[0],
                **attributes,
            },
        )
        instance.ScanOptions = None
        header = instance.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        header.add_new(0x0A, "US", slices)
        if b_value is not None:
            header.add_new(0x0C, "IS", int(b_value))
        csa = csa_header(
            {
                "NumberOfImagesInMosaic": ("US", [str(slices)]),
                "AcquisitionMatrixText": ("SH", [f"{rows}*{columns}"]),
                "SliceNormalVector": ("FD", [f"{value:.8f}" for value in normal]),
                "ImageOrientationPatient": ("DS", [str(value) for value in instance.ImageOrientationPatient]),
                "B_value": ("IS", [] if b_value is None else [str(int(b_value))]),
            }
        )
        instance.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa)
        path = folder / f"{index + 1:04d}.dcm"
        save(instance, path)
        paths.append(path)
    return WrittenVolume(folder, tuple(paths), stored.astype(np.float64), affine)


def csa_header(tags: Mapping[str, tuple[str, Sequence[str]]]) -> bytes:
    """A CSA2 header of tags by name, each with its value representation and values as text."""
    content = b"SV10" + b"\4\3\2\1" + struct.pack("<2I", len(tags), 77)
    for name, (vr, values) in tags.items():
        content += struct.pack("<64si4siii", name.encode(), len(values), vr.encode(), 0, len(values), 77)
        for value in values:
            text = value.encode() + b"\0"
            content += struct.pack("<4i", len(text), len(text), 77, len(text)) + text.ljust(
                (len(text) + 3) // 4 * 4, b"\0"
            )
    return content + b"\0" * (len(content) % 2)
