"""Scores of segmentations whose agreement can be counted by hand."""

import numpy as np
import pytest

from apps.mr_white_matter_lesions.evaluate import summarise
from apps.mr_white_matter_lesions.scores import dice, score_lesions, score_regions


def test_two_lesions_of_which_one_is_found_and_one_is_invented() -> None:
    reference, predicted = np.zeros((2, 10, 10, 10), dtype=bool)
    reference[1:3, 1:3, 1:3] = True  # 8 voxels, found with 4 of them
    reference[7:9, 7:9, 7:9] = True  # 8 voxels, missed
    predicted[1:3, 1:3, 1] = True
    predicted[5, 0:2, 9] = True  # invented
    scores = score_lesions(predicted, reference, voxel_mm3=500.0)
    assert scores.dice == pytest.approx(2 * 4 / (6 + 16))
    assert scores.recall == pytest.approx(1 / 2)
    assert scores.f1 == pytest.approx(1 / 2)
    assert scores.volume_ml == pytest.approx(3.0)
    assert scores.reference_ml == pytest.approx(8.0)
    assert scores.volume_error_ml == pytest.approx(5.0)
    assert scores.volume_error_percent == pytest.approx(62.5)


def test_voxels_that_share_a_corner_are_one_lesion() -> None:
    reference, predicted = np.zeros((2, 4, 4, 4), dtype=bool)
    reference[0, 0, 0] = reference[1, 1, 1] = True
    predicted[0, 0, 0] = True
    assert score_lesions(predicted, reference, 1.0).recall == 1.0


def test_without_lesions_only_volumes_are_defined() -> None:
    reference, predicted = np.zeros((2, 4, 4, 4), dtype=bool)
    predicted[0] = True
    scores = score_lesions(predicted, reference, 1000.0)
    assert (scores.dice, scores.recall, scores.f1, scores.volume_error_percent) == (None, None, None, None)
    assert scores.volume_error_ml == 16.0
    with pytest.raises(ValueError, match="empty"):
        dice(reference, reference)


def test_nothing_found() -> None:
    reference, predicted = np.zeros((2, 4, 4, 4), dtype=bool)
    reference[0, 0, 0] = True
    scores = score_lesions(predicted, reference, 1.0)
    assert (scores.dice, scores.recall, scores.f1) == (0.0, 0.0, 0.0)


def test_regions_are_scored_where_the_reference_holds_them() -> None:
    reference, predicted = np.zeros((2, 4, 4), dtype=np.uint8)
    reference = np.array([[[1, 1, 5, 5]]], dtype=np.uint8)
    predicted = np.array([[[1, 5, 5, 9]]], dtype=np.uint8)
    assert score_regions(predicted, reference) == {1: pytest.approx(2 / 3), 5: pytest.approx(1 / 2)}


def test_a_summary_leaves_undefined_figures_out() -> None:
    summary = summarise([{"C": {"dice": 0.8}}, {"C": {"dice": None}}, {"C": {"dice": 0.6}}])
    assert summary == {"C": {"dice": {"mean": 0.7, "sd": 0.1, "studies": 2}}}
