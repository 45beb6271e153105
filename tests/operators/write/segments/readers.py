"""Segmentations as two independent readers see them: highdicom, and dcmqi, by which 3D Slicer reads."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import SimpleITK
from numpy.typing import NDArray

from operators.read.volume import Volume


@dataclass(frozen=True, eq=False)
class SlicerSegment:
    """A segment as dcmqi describes it; ``values`` (slice, row, column) lie on the grid of the source volume."""

    label: str
    description: str
    tracking_uid: str
    colour: tuple[int, ...]
    values: NDArray[np.int64]


def read_by_highdicom(path: Path, volume: Volume, segments: int) -> NDArray[np.float64]:
    """The values of every segment, (slice, row, column, segment), found by the references to the source images."""
    read = highdicom.seg.segread(path)
    if all(item.is_frame for item in volume.slices):
        return np.asarray(
            read.get_pixels_by_source_frame(
                volume.instances[0].sop_instance_uid,
                [item.frame + 1 for item in volume.slices],
                assert_missing_frames_are_empty=True,
                rescale_fractional=True,
            ),
            float,
        )
    found = read.get_pixels_by_source_instance(
        [item.sop_instance_uid for item in volume.instances],
        assert_missing_frames_are_empty=True,
        rescale_fractional=True,
    )
    assert found.shape[-1] == segments
    return np.asarray(found, float)


def highdicom_in_space(path: Path, volume: Volume) -> NDArray[np.int64]:
    """The label map as highdicom puts it into the patient, laid onto the volume's grid by position."""
    read = highdicom.seg.segread(path).get_volume(combine_segments=True)
    # highdicom's affine takes (slice, row, column); ours (column, row, slice).
    return on_grid(volume, read.array, read.affine[:, [2, 1, 0, 3]])


def read_by_dcmqi(path: Path, folder: Path, volume: Volume, *, is_fractional: bool) -> dict[int, SlicerSegment]:
    """Every segment by number, from its own image or the one image of a label map, by position in the patient.

    Values are 0 and 1, or stored fractions.
    """
    # Part of the extra that the tests need: where it is not there, nothing may look as if it had been read.
    program = Path(sys.executable).with_name("segimage2itkimage")
    folder.mkdir()
    command = [str(program), "--inputDICOM", str(path), "--outputDirectory", str(folder), "--outputType", "nrrd"]
    subprocess.run(command, check=True, capture_output=True)
    described = [
        item for group in json.loads((folder / "meta.json").read_text())["segmentAttributes"] for item in group
    ]
    files = sorted(folder.glob("*.nrrd"))
    found = {}
    for item in described:
        number = item["labelID"]
        image = SimpleITK.ReadImage(str(folder / f"{number}.nrrd" if len(files) > 1 else files[0]))
        # Its images are of signed 16 bit integers: the numbers above 32767 are below zero in them.
        values = on_grid(volume, SimpleITK.GetArrayFromImage(image).astype(np.uint16), affine_of(image))
        found[number] = SlicerSegment(
            item["SegmentLabel"],
            item["SegmentDescription"],
            item["TrackingUniqueIdentifier"],
            tuple(item["recommendedDisplayRGBValue"]),
            values if is_fractional else (values == number).astype(np.int64),
        )
    return found


def affine_of(image: SimpleITK.Image) -> NDArray[np.float64]:
    """(column, row, slice, 1) to LPS mm."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return affine


def on_grid(volume: Volume, values: NDArray[np.generic], affine: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values of another array, which ``affine`` puts into the patient, laid onto the volume's grid by position."""
    slices, rows, columns = np.nonzero(values)
    points = np.linalg.inv(volume.affine) @ affine @ np.stack([columns, rows, slices, np.ones_like(rows)])
    column, row, index = np.round(points[:3]).astype(int)
    np.testing.assert_allclose(points[:3], [column, row, index], atol=1e-3)
    result = np.zeros(volume.array.shape, np.int64)
    result[index, row, column] = values[slices, rows, columns]
    return result
