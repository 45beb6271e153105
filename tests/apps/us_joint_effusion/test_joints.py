"""Which joint and side a header tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from apps.us_joint_effusion.joints import Joint, joint_of
from operators.read.frames import read_frames
from operators.read.study import read_study
from phantoms.frames.common import code
from phantoms.sonography import SimulatedSonogram, write_sonogram

PICTURE = SimulatedSonogram(np.zeros((40, 40), dtype=np.uint8), np.zeros((40, 40), dtype=bool), (0.1, 0.1))
FINGER, WRIST = "125682004", "74670003"


def joint(folder: Path, **attributes: Any) -> Joint:
    write_sonogram([PICTURE], folder, seed=1, **{"StudyDescription": "Hands", "description": "B-mode", **attributes})
    (series,) = read_study(folder).series
    return joint_of(read_frames(series.instances[0]))


@pytest.mark.parametrize(
    ("attributes", "title", "region"),
    [
        ({"description": "MCP 2 right"}, "MCP 2, right", FINGER),
        ({"description": "Left PIP III dorsal"}, "PIP 3, left", FINGER),
        ({"description": "dip4 re"}, "DIP 4, right", FINGER),
        ({"ImageComments": "MCP 5", "ImageLaterality": "L"}, "MCP 5, left", FINGER),
        ({"BodyPartExamined": "FINGER", "ImageLaterality": "R"}, "finger joint, right", FINGER),
        ({"description": "metacarpal head"}, "finger joint, side unknown", FINGER),
        ({"BodyPartExamined": "WRIST"}, "wrist joint, side unknown", WRIST),
        ({"description": "Radiocarpal joint lt"}, "wrist joint, left", WRIST),
        # What is told of the image goes before what is told in words.
        ({"description": "wrist left", "ImageLaterality": "R"}, "wrist joint, right", WRIST),
        (
            {"description": "wrist", "StudyDescription": "Both hands, left and right"},
            "wrist joint, side unknown",
            WRIST,
        ),
        ({"description": "wrist", "ImageLaterality": "B"}, "wrist joint, side unknown", WRIST),
    ],
)
def test_joint_and_side(tmp_path: Path, attributes: dict[str, str], title: str, region: str) -> None:
    found = joint(tmp_path, **attributes)
    assert (found.title, found.region.value) == (title, region)
    assert (found.laterality is None) == (found.side == "")


@pytest.mark.parametrize(("region", "name"), [(FINGER, "finger joint"), (WRIST, "wrist joint")])
def test_coded_region_and_side(tmp_path: Path, region: str, name: str) -> None:
    item = code(region, "SCT", "Joint")
    item.AnatomicRegionModifierSequence = [code("7771000", "SCT", "Left")]
    found = joint(tmp_path, AnatomicRegionSequence=[item], description="MSK")
    assert (found.title, found.region.value) == (f"{name}, left", region)
    assert found.laterality is not None
    assert found.laterality.value == "7771000"


def test_the_region_of_an_image_is_a_joint_even_where_the_words_are_of_the_other(tmp_path: Path) -> None:
    item: Dataset = code(WRIST, "SCT", "Wrist joint")
    assert joint(tmp_path, AnatomicRegionSequence=[item], description="MCP protocol").name == "wrist joint"
