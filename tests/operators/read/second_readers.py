"""Other readers of the same files, and one comparison for all: voxel by voxel, at its place in the patient."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel
import numpy as np
import SimpleITK
from numpy.typing import NDArray

from operators.read.rules import DEFAULT_RULES, ReadingRules
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume

Array = NDArray[Any]
Affine = NDArray[np.float64]

DCM2NIIX = Path("/usr/bin/dcm2niix")

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def volume_of(folder: Path, rules: ReadingRules = DEFAULT_RULES) -> Volume:
    (series,) = read_study(folder).series
    return read_volume(series, rules)


def by_itk(paths: Sequence[Path]) -> tuple[Array, Affine]:
    """SimpleITK: (slice, row, column) and the affine from (column, row, slice, 1) to LPS; one file or one a slice."""
    if len(paths) == 1:
        image = SimpleITK.ReadImage(str(paths[0]))
    else:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames([str(path) for path in paths])
        image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine


def by_highdicom(path: Path) -> tuple[Array, Affine]:
    """highdicom, for multi-frame objects: its volumes are indexed (slice, row, column), in LPS."""
    volume = hd.imread(path).get_volume(rtol=1e-3)
    affine = volume.affine[:, [2, 1, 0, 3]]
    return volume.array, affine


def by_dcm2niix(folder: Path, output: Path) -> tuple[Array, Affine]:
    """dcm2niix: NIfTI's (column, row, slice) and RAS turned into ours; a fourth axis comes first."""
    output.mkdir(parents=True, exist_ok=True)
    arguments = [str(DCM2NIIX), "-z", "n", "-f", "converted", "-o", str(output), str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    (found,) = output.glob("*.nii") or [None]
    assert found is not None, done.stdout
    image = nibabel.load(found)
    return np.asanyarray(image.dataobj).T, _RAS_TO_LPS @ image.affine


def by_nibabel(path: Path) -> tuple[Array, Affine]:
    """nibabel, for Siemens mosaics: its arrays are (row, column, slice), in LPS."""
    with warnings.catch_warnings():
        # It calls its DICOM reader experimental.
        warnings.simplefilter("ignore")
        from nibabel.nicom.dicomwrappers import wrapper_from_file

        other = wrapper_from_file(path)
    return np.asarray(other.get_data()).transpose(2, 0, 1), other.affine[:, [1, 0, 2, 3]]


def assert_same(volume: Volume, array: Array, affine: Affine, *, rtol: float = 0.0, atol_mm: float = 1e-4) -> None:
    """The other reader has the same voxels at the same places, whatever the order of its axes."""
    to_other = np.linalg.inv(affine) @ volume.affine
    steps = np.rint(to_other)
    shape = volume.array.shape
    corners = np.array([[*corner, 1] for corner in product(*((0, count - 1) for count in shape[::-1]))]).T
    np.testing.assert_allclose(volume.affine @ corners, affine @ steps @ corners, rtol=0, atol=atol_mm)
    assert sorted(shape) == sorted(array.shape)
    column, row, slice_ = np.meshgrid(*(np.arange(count) for count in shape[::-1]), indexing="ij")
    indices = np.stack([column, row, slice_, np.ones_like(column)]).reshape(4, -1)
    x, y, z, _ = (steps.astype(int) @ indices).astype(int)
    np.testing.assert_allclose(
        volume.array[indices[2], indices[1], indices[0]].astype(np.float64), array[z, y, x], rtol=rtol, atol=0
    )
