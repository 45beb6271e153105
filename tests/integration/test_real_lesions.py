"""A real T1 of a person with lesions, as DICOM through a running node: what the model card says of it."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from apps.mr_white_matter_lesions.training.studies import read_volume
from phantoms.mr_brain import Acquisition, BrainMRPhantom, write_brain_mr
from tests.integration.sites import Site, storescu
from tests.peers import dciodvfy_errors, real_data

pytestmark = [pytest.mark.real_data, pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

FOLDER = "mr_t1_wmh"
# The model card's figures: demonstration weights, trained on simulated data, fail on this scan.
DICE, VOLUME_ML, REFERENCE_ML = 0.008, 5.1, 32.6


def test_result_is_what_the_model_card_says(site: Site, tmp_path: Path) -> None:
    folder = real_data(FOLDER)
    array, affine = read_volume(folder / "sub-0001_T1.nii.gz")
    reference = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "sub-0001_wmh_reference.nii.gz"))) > 0
    stored = np.round(array / array.max() * 4095).astype(np.float32)
    t1 = Acquisition(stored, affine, reference, np.zeros(array.shape, np.uint8), "T1")
    study = write_brain_mr(BrainMRPhantom(t1, t1, 170, ()), tmp_path / "study", sequences=("T1",))
    assert t1.lesion_volume_ml == pytest.approx(REFERENCE_ML, abs=0.1)

    done = storescu(site.port, *study.paths)
    assert done.returncode == 0, done.stderr
    site.wait_for_event(study.study_uid, "delivered")

    results = site.fetch(site.archive.instances(study.study_uid), tmp_path / "results")
    for result in results.values():
        assert dciodvfy_errors(result.path) == []
    segmentation = highdicom.seg.segread(results["White matter lesions"].path)
    found = np.zeros(array.shape, bool)
    for frame, pixels in zip(segmentation.PerFrameFunctionalGroupsSequence, segmentation.pixel_array, strict=True):
        position = [float(value) for value in frame.PlanePositionSequence[0].ImagePositionPatient]
        column, row, index, _ = np.linalg.inv(affine) @ [*position, 1.0]
        assert (column, row) == pytest.approx((0, 0), abs=1e-3)
        assert index == pytest.approx(round(index), abs=1e-3)
        found[round(index)] = pixels > 0
    dice = 2 * (found & reference).sum() / (found.sum() + reference.sum())
    assert dice == pytest.approx(DICE, abs=0.01)
    assert found.sum() * t1.voxel_volume_mm3 / 1000 == pytest.approx(VOLUME_ML, abs=0.5)
