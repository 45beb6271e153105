"""The real T1 series of a United Imaging scanner: oblique, 160 slices, de-identified by "***"."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from operators.check.checked_volume import image_quality_gates
from operators.check.field_of_view import sides_mm
from operators.manifest import Manifest
from operators.read.geometry.slice_geometry import missing_slices, slice_spacing
from operators.read.selection import is_accepted, missing_roles, select_series
from operators.read.study import Study, read_study
from operators.read.volume import read_volume
from tests.operators.read.conftest import REPOSITORY

FOLDER = REPOSITORY.parent / "shared" / "data" / "mr_t1_uih"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="mr_t1_uih is not beside the checkout"),
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]


@pytest.fixture(scope="module")
def study() -> Study:
    return read_study(FOLDER)


def test_it_is_chosen_as_t1_and_the_reason_against_flair_is_told(study: Study, manifest: Manifest) -> None:
    assert is_accepted(study, manifest)
    selection = select_series(study, manifest)
    assert {role: series.description for role, series in selection.series.items()} == {"t1": "2 t1_gre_fsp_3d_sag"}
    assert missing_roles(selection, manifest) is None
    assert [(item.role, item.reason) for item in selection.decisions] == [
        ("flair", "inversion time not between 1600 and 2900 ms (InversionTime 750)"),
        ("t1", "chosen"),
    ]


def test_it_is_read_as_itk_reads_it(study: Study) -> None:
    (series,) = study.series
    volume = read_volume(series)

    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(FOLDER))
    reader.SetFileNames(names)
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()

    assert volume.array.shape == (160, 512, 460)
    assert volume.array.dtype == np.uint16
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayViewFromImage(image))
    # The affine itself and the place of the farthest voxel, in mm.
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-4)
    farthest = np.array([*image.GetSize(), 1])
    np.testing.assert_allclose(volume.affine @ farthest, affine @ farthest, rtol=0, atol=1e-4)
    assert [str(instance.path) for instance in volume.instances] == list(names)


def test_it_is_complete_and_fit_for_analysis(study: Study) -> None:
    (series,) = study.series
    assert missing_slices(series) == 0
    assert slice_spacing(series) == pytest.approx(1.0, abs=1e-5)
    volume = read_volume(series)
    assert all(result.passed for result in image_quality_gates(volume, minimum_extent_mm=100.0))
    assert sides_mm(volume) == pytest.approx((160.0, 256.0, 230.0), abs=1e-3)
