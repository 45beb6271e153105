from __future__ import annotations

import numpy as np
import pytest

from operators.check.field_of_view import field_of_view_gate, patient_extents_mm, sides_mm
from operators.refused import Reason
from tests.operators.check.volumes import figure, noise, volume


def test_the_extents_follow_an_oblique_affine() -> None:
    angle = np.radians(30)
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    oblique = volume(noise(), turn @ np.diag([5.0, 3.5, 6.0, 1.0]))
    assert sides_mm(oblique) == pytest.approx((120.0, 140.0, 150.0))
    assert patient_extents_mm(oblique) == pytest.approx((150.0, 140.0, 120.0))


def test_a_sagittal_volume_has_its_slices_from_left_to_right() -> None:
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2], affine[3, 3] = 3.0, -2.0, 5.0, 1.0
    sagittal = volume(noise(), affine)
    assert patient_extents_mm(sagittal) == pytest.approx((100.0, 90.0, 80.0))
    result = field_of_view_gate(sagittal, (90.0, 90.0, 90.0))
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail == (
        "the field of view is 100 x 90 x 80 mm (left-right x anterior-posterior x head-feet), "
        "must be at least 90 x 90 x 90 mm"
    )
    assert field_of_view_gate(sagittal, (90.0, 80.0, 70.0)).passed


def test_a_slab_is_refused_as_a_head_but_not_where_a_slab_is_wanted() -> None:
    slab = volume(noise(), np.diag([4.0, 3.0, 2.0, 1.0]))
    result = field_of_view_gate(slab, 100.0)
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail == "the field of view is 40 x 120 x 120 mm, every side must be at least 100 mm"
    accepted = field_of_view_gate(slab, 30.0)
    assert accepted.passed
    assert figure(accepted, "extent-head-feet") == 40.0
