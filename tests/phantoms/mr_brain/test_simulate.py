from __future__ import annotations

import numpy as np
import pytest

from phantoms.mr_brain import Acquisition, BrainMRPhantom, Lesion, lesion_in_region, simulate_brain_mr
from tests.phantoms.mr_brain.conftest import PLANTED_REGIONS


def _lps(acquisition: Acquisition, mask: np.ndarray) -> np.ndarray:
    index = np.argwhere(mask)[:, ::-1]
    return index @ acquisition.affine[:3, :3].T + acquisition.affine[:3, 3]


def _near(acquisition: Acquisition, lesion: Lesion) -> np.ndarray:
    """The lesion's own voxels: those of the truth within its radius and a voxel's diagonal."""
    mask = np.zeros(acquisition.lesions.shape, bool)
    diagonal = np.linalg.norm(acquisition.affine[:3, :3].sum(1))
    close = np.linalg.norm(_lps(acquisition, acquisition.lesions) - lesion.centre, axis=1) < lesion.radius + diagonal
    mask[tuple(np.argwhere(acquisition.lesions)[close].T)] = True
    return mask


@pytest.mark.parametrize("sequence", ["flair", "t1"])
def test_lesions_lie_where_they_were_planted(planted: BrainMRPhantom, sequence: str) -> None:
    acquisition: Acquisition = getattr(planted, sequence)
    for lesion, region in zip(planted.lesion_list, PLANTED_REGIONS, strict=True):
        mask = _near(acquisition, lesion)
        offset = np.linalg.inv(acquisition.affine[:3, :3]) @ (_lps(acquisition, mask).mean(0) - lesion.centre)
        assert np.abs(offset).max() < 0.5, "centroid within half a voxel of the planted centre"
        volume = mask.sum() * acquisition.voxel_volume_mm3
        assert volume == pytest.approx(4 / 3 * np.pi * lesion.radius**3, rel=0.35 if mask.sum() < 50 else 0.10)
        # The label under the centre is the region that was asked for.
        column, row, index = np.rint(np.linalg.solve(acquisition.affine, [*lesion.centre, 1])[:3]).astype(int)
        assert acquisition.regions[index, row, column] == region


def test_laterality(planted: BrainMRPhantom) -> None:
    for lesion, region in zip(planted.lesion_list, PLANTED_REGIONS, strict=True):
        left = region % 2 == 1
        assert lesion.side == ("left" if left else "right")
        assert (lesion.centre[0] > 0) == left
        for acquisition in (planted.flair, planted.t1):
            labels = acquisition.regions[_near(acquisition, lesion)]
            assert (labels[labels > 0] % 2 == left).all()
    for acquisition in (planted.flair, planted.t1):
        odd = _lps(acquisition, acquisition.regions % 2 == 1)
        even = _lps(acquisition, (acquisition.regions > 0) & (acquisition.regions % 2 == 0))
        assert odd[:, 0].mean() > even[:, 0].mean() + 30


def test_lesions_are_bright_on_flair_and_not_on_t1(planted: BrainMRPhantom) -> None:
    def contrast(acquisition: Acquisition) -> float:
        white = (acquisition.regions > 0) & ~acquisition.lesions
        return float(np.median(acquisition.array[acquisition.lesions]) / np.median(acquisition.array[white]))

    assert contrast(planted.flair) > 1.4
    assert 0.6 < contrast(planted.t1) < 0.95


def test_every_region_is_there_in_full_size(full_phantom: BrainMRPhantom) -> None:
    for acquisition in (full_phantom.flair, full_phantom.t1):
        volumes = np.bincount(acquisition.regions.ravel(), minlength=35)[1:] * acquisition.voxel_volume_mm3 / 1000
        assert volumes.min() > 1.0
        ratio = volumes[0::2] / volumes[1::2]
        assert ratio.min() > 0.4
        assert ratio.max() < 2.5
        assert 350 < volumes.sum() < 750, "mL of cerebral white matter"


def test_full_size_grids(full_phantom: BrainMRPhantom) -> None:
    flair, t1 = full_phantom.flair, full_phantom.t1
    assert flair.array.shape == (60, 250, 202)
    np.testing.assert_allclose(np.linalg.norm(flair.affine[:3, :3], axis=0), (1.1, 0.98, 3.0))
    tilt = np.degrees(np.arccos(flair.affine[2, 2] / 3.0))
    assert 8 <= tilt <= 12
    np.testing.assert_allclose(flair.affine[:3, 0], (1.1, 0, 0), atol=1e-12)
    assert t1.array.shape == (176, 256, 256)
    np.testing.assert_allclose(np.linalg.norm(t1.affine[:3, :3], axis=0), 1.0)
    for acquisition in (flair, t1):
        assert np.linalg.det(acquisition.affine[:3, :3]) > 0


def test_voxels_are_whole_numbers_of_12_bits(small_phantom: BrainMRPhantom) -> None:
    for acquisition in (small_phantom.flair, small_phantom.t1):
        assert acquisition.array.dtype == np.float32
        np.testing.assert_array_equal(acquisition.array, np.rint(acquisition.array))
        assert acquisition.array.min() >= 0
        assert acquisition.array.max() <= 4095
        assert acquisition.regions.shape == acquisition.lesions.shape == acquisition.array.shape


def test_both_sequences_see_the_same_lesions(full_phantom: BrainMRPhantom) -> None:
    assert full_phantom.flair.lesion_volume_ml == pytest.approx(full_phantom.t1.lesion_volume_ml, rel=0.2)


def test_the_distractor_is_bright_and_not_in_the_truth() -> None:
    with_one = simulate_brain_mr(5, size="small", lesions=[], distractors=1)
    without = simulate_brain_mr(5, size="small", lesions=[], distractors=0)
    assert not with_one.flair.lesions.any()
    changed = with_one.flair.array - without.flair.array
    where = _lps(with_one.flair, changed > 0.2 * np.median(without.flair.array[without.flair.regions > 0]))
    assert len(where) > 0
    assert np.linalg.norm(where - with_one.distractors[0].centre, axis=1).max() < 20


def test_the_same_seed_gives_the_same_voxels() -> None:
    first, second = (simulate_brain_mr(11, size="small") for _ in range(2))
    other = simulate_brain_mr(12, size="small")
    for sequence in ("flair", "t1"):
        one, two = getattr(first, sequence), getattr(second, sequence)
        for field in ("array", "affine", "lesions", "regions"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
        assert not np.array_equal(one.array, getattr(other, sequence).array)
    assert first.lesion_list == second.lesion_list


def test_other_lesions_leave_the_head_as_it_is() -> None:
    drawn, none = simulate_brain_mr(1, size="small"), simulate_brain_mr(1, size="small", lesions=[])
    np.testing.assert_array_equal(drawn.flair.regions, none.flair.regions)
    np.testing.assert_array_equal(drawn.flair.affine, none.flair.affine)
    same = drawn.flair.array == none.flair.array
    assert same[~drawn.flair.lesions].mean() > 0.9


def test_a_patient_who_moves_shows_it_in_the_t1_only() -> None:
    lesion = lesion_in_region(2, 13, 8.0, size="small")
    still = simulate_brain_mr(2, size="small", lesions=[lesion])
    moved = simulate_brain_mr(2, size="small", lesions=[lesion], t1_shift_mm=(0.0, 15.0, 0.0))
    np.testing.assert_array_equal(still.flair.array, moved.flair.array)
    np.testing.assert_array_equal(still.t1.affine, moved.t1.affine)
    shift = _lps(moved.t1, moved.t1.lesions).mean(0) - _lps(still.t1, still.t1.lesions).mean(0)
    np.testing.assert_allclose(shift, (0, 15, 0), atol=0.5)
    # 15 mm are 5 voxels of 3 mm along the columns of the sagittal T1.
    # Not every label, because the deformation is interpolated between nodes that belong to the grid.
    assert (moved.t1.regions[:, :, 5:] == still.t1.regions[:, :, :-5]).mean() > 0.999


def test_an_unknown_region_is_an_error() -> None:
    with pytest.raises(ValueError, match="no region 35"):
        lesion_in_region(1, 35, 5.0, size="small")
