"""What is measured of an outline, and what is said of those that are not."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from apps.us_joint_effusion.effusions import effusion_mask, measure_effusion, other_outlines
from apps.us_joint_effusion.findings import JointFinding, Shown
from apps.us_joint_effusion.joints import Joint
from apps.us_joint_effusion.results import describe
from operators.measure.least_area import LeastArea

LEAST = LeastArea(area_mm2=1.0, part=0.002)
SPACING = (0.1, 0.2)


def probability(*boxes: tuple[slice, slice]) -> np.ndarray:
    found = np.full((64, 64), 0.1, dtype=np.float32)
    for box in boxes:
        found[box] = 0.9
    return found


LARGE, SMALL, TINY = np.s_[10:25, 5:45], np.s_[40:50, 10:20], np.s_[60:62, 60:62]


def test_the_thickness_is_along_the_beam() -> None:
    found = probability(LARGE)
    effusion = measure_effusion(effusion_mask(found, SPACING, LEAST), found, found, SPACING)
    assert effusion is not None
    assert effusion.thickness.length == pytest.approx(1.5)
    # Of a rectangle the long axis is the diagonal, and the chord across it is longer than it is high.
    assert effusion.figures.short_axis > 1.5


@pytest.mark.parametrize(
    ("boxes", "others", "said"),
    [
        ((LARGE,), 0, "1.5 mm thick, 12.0 mm²"),
        ((LARGE, SMALL), 1, "1.5 mm thick, 12.0 mm², 1 smaller outline in that frame not measured"),
        ((LARGE, TINY), 0, "1.5 mm thick, 12.0 mm²"),
    ],
)
def test_outlines_that_are_not_measured_are_counted(
    boxes: tuple[tuple[slice, slice], ...], others: int, said: str
) -> None:
    found = probability(*boxes)
    assert other_outlines(found, SPACING, LEAST) == others
    effusion = measure_effusion(effusion_mask(found, SPACING, LEAST), found, found, SPACING, others=others)
    finding = JointFinding(Joint("wrist joint", codes.SCT.WristJoint), Shown(0, 0), effusion, 1, 1)
    assert describe(finding) == f"wrist joint, side unknown: effusion {said}"


def test_nothing_has_no_others() -> None:
    assert other_outlines(probability(), SPACING, LEAST) == 0
