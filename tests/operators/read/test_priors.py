"""A role that an earlier study of the patient plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.run import app_manifest
from operators.manifest import InputRole, Manifest
from operators.read.selection import require_series, select_series
from operators.read.study import newest_first, read_priors, read_study
from operators.refused import Reason, Refused
from tests.operators.read.test_selection import FLAIR, T1, chosen, reasons, series


@pytest.fixture
def comparing() -> Manifest:
    """The app with an earlier FLAIR beside the present one."""
    manifest = app_manifest("mr_white_matter_lesions")
    flair = manifest.inputs["flair"].model_dump(exclude={"origin"})
    earlier = InputRole.model_validate({**flair, "title": "Earlier T2-FLAIR", "from": "prior"})
    return manifest.model_copy(update={"inputs": {**manifest.inputs, "earlier": earlier}})


def studies(folder: Path) -> Path:
    """The present study and three earlier ones, the newest of them without a FLAIR; return the folder of those."""
    series(folder / "study", "1.2.1", StudyInstanceUID="1.2", StudyDate="20240101", **FLAIR)
    for number, (date, kind) in enumerate((("20200101", FLAIR), ("20220101", FLAIR), ("20230101", T1)), 3):
        uid = f"1.{number}"
        series(folder / "priors" / uid, f"{uid}.1", StudyInstanceUID=uid, StudyDate=date, **kind)
    return folder / "priors"


def test_the_newest_earlier_study_with_a_suitable_series_plays_the_role(tmp_path: Path, comparing: Manifest) -> None:
    priors = read_priors(studies(tmp_path))
    assert [prior.study_instance_uid for prior in priors] == ["1.5", "1.4", "1.3"]
    selection = select_series(read_study(tmp_path / "study"), comparing, priors)
    assert chosen(selection) == {"flair": "1.2.1", "earlier": "1.4.1"}
    assert reasons(selection, "earlier")["1.3.1"].startswith("a series of a later study was preferred")
    assert "1.2.1" not in reasons(selection, "earlier")
    assert "1.4.1" not in reasons(selection, "flair")
    assert len(selection.sop_instance_uids) == 30


def test_without_an_earlier_study_the_role_stays_empty(tmp_path: Path, comparing: Manifest) -> None:
    studies(tmp_path)
    study = read_study(tmp_path / "study")
    assert read_priors(None) == ()
    assert chosen(select_series(study, comparing)) == {"flair": "1.2.1"}
    needy = comparing.model_copy(update={"required": ("earlier",)})
    with pytest.raises(Refused) as refused:
        require_series(study, needy)
    assert refused.value.reason is Reason.NO_SUITABLE_SERIES


def test_studies_of_one_day_are_in_order_of_their_time(tmp_path: Path) -> None:
    for uid, time in (("1.3", "080000"), ("1.4", "230000"), ("1.5", "")):
        series(tmp_path / uid, f"{uid}.1", StudyInstanceUID=uid, StudyDate="20240101", StudyTime=time, **FLAIR)
    found = newest_first([read_study(tmp_path / uid) for uid in ("1.3", "1.5", "1.4")])
    assert [study.study_instance_uid for study in found] == ["1.4", "1.3", "1.5"]


def test_an_app_has_a_role_in_the_study_itself(comparing: Manifest) -> None:
    content = comparing.model_dump(by_alias=True)
    content["inputs"] = {"earlier": content["inputs"]["earlier"]}
    content["at_least_one_of"] = ("earlier",)
    with pytest.raises(ValueError, match="must be from the study itself"):
        Manifest.model_validate(content)
