from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.secondary_capture import write_secondary_capture
from tests.operators.write.studies import SUMMARY, as_series, as_study, make_volume


def test_the_page_comes_back(tmp_path: Path, analysis: Analysis) -> None:
    page = np.random.default_rng(0).integers(0, 256, (31, 41, 3)).astype(np.uint8)
    volume = make_volume()
    result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    read = dcmread(save(result, tmp_path))
    np.testing.assert_array_equal(read.pixel_array, page)
    assert [item.ReferencedSOPInstanceUID for item in read.SourceImageSequence] == [
        instance.sop_instance_uid for instance in volume.instances
    ]
    assert read.BurnedInAnnotation == "NO"


@pytest.mark.parametrize(
    "body_part", ["BRAIN", "KNEE", "ORBIT", "CALF", "SHOULDER", "KIDNEY", "CHEST", "TMJ", "", None]
)
@pytest.mark.parametrize("laterality", ["R", "", None])
def test_the_side_is_given_where_it_must_be(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    body_part: str | None,
    laterality: str | None,
) -> None:
    paired = body_part not in ("BRAIN", "CHEST")
    volume = make_volume()
    header = volume.instances[0].header
    header.BodyPartExamined = body_part
    if body_part is None:
        del header.BodyPartExamined
    if laterality is not None:
        header.Laterality = laterality
    page = np.zeros((4, 4, 3), np.uint8)
    result = write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)
    validate(save(result, tmp_path))
    assert ("Laterality" in result) == paired
    assert (result.get("Laterality") or "") == (laterality or "" if paired else "")


def test_only_pages_in_colour(analysis: Analysis) -> None:
    volume = make_volume()
    for page in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))):
        with pytest.raises(ValueError, match="a page is"):
            write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis)  # type: ignore[arg-type]
