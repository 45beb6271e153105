from __future__ import annotations

import numpy as np
import pytest

from operators.check.intensity import clipping_gate, content_gate
from operators.refused import Reason
from phantoms.mr_brain import simulate_brain_mr
from tests.operators.check.volumes import SHAPE, figure, noise, volume


def test_figures_of_a_good_volume() -> None:
    array = noise()
    array[0] = 0
    array[5, 5, 5:8] = 1000
    content, clipping = content_gate(volume(array)), clipping_gate(volume(array))
    assert content.passed
    assert clipping.passed
    assert figure(content, "minimum-value") == 0.0
    assert figure(content, "maximum-value") == 1000.0
    assert figure(content, "blank-slices") == 1
    assert figure(clipping, "share-at-maximum") == pytest.approx(100 * 3 / 24000)
    assert figure(clipping, "share-at-minimum") == pytest.approx(100 / 20)


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_a_constant_volume_is_refused(dtype: str) -> None:
    constant = volume(np.full(SHAPE, 7, dtype))
    result = content_gate(constant)
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail == "every voxel is 7"
    # One problem is told once.
    assert clipping_gate(constant).passed


def test_a_mostly_blank_volume_is_refused() -> None:
    array = noise()
    array[:11] = 0
    result = content_gate(volume(array))
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail == "11 of 20 slices are blank"
    assert figure(result, "blank-slices") == 11
    assert content_gate(volume(array), maximum_blank_share=0.6).passed


def test_a_volume_that_is_not_a_number_is_refused() -> None:
    array = noise().astype(np.float32)
    array[3, 4, 5] = np.nan
    result = content_gate(volume(array))
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.figures == ()


def test_a_volume_clipped_at_the_top_is_refused() -> None:
    result = clipping_gate(volume(np.minimum(noise(), 380)))
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail.endswith("% of the voxels are clipped at 380, at most 1.0 % may be")
    assert 4.0 < float(result.detail.split()[0]) < 7.0
    assert figure(result, "share-at-maximum") == pytest.approx(100 * np.mean(noise() >= 380), rel=1e-5)


def test_a_volume_clipped_at_the_bottom_is_refused_where_that_matters() -> None:
    clipped = volume(np.maximum(noise(), 250))
    assert clipping_gate(clipped).passed
    result = clipping_gate(clipped, maximum_at_bottom=0.05)
    assert result.reason is Reason.IMAGE_QUALITY
    assert "clipped at 250, at most 5.0 % may be" in result.detail


def test_a_simulated_head_passes() -> None:
    phantom = simulate_brain_mr(5, size="small")
    for acquisition in (phantom.flair, phantom.t1):
        head = volume(acquisition.array.astype(np.uint16), acquisition.affine)
        assert content_gate(head).passed
        result = clipping_gate(head)
        assert result.passed
        assert figure(result, "share-at-maximum") < 0.01
