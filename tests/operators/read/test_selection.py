from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRColorImageStorage, SegmentationStorage, generate_uid

from operators.manifest import Manifest
from operators.provenance import MANUFACTURER
from operators.read.selection import Selection, is_accepted, missing_roles, require_series, select_series
from operators.read.study import Study, read_study
from operators.read.volume import read_volume
from operators.refused import Reason, Refused
from phantoms.mr_brain import write_brain_mr
from phantoms.mr_brain.data import BrainMRPhantom
from phantoms.mr_brain.dicom import BrainMRStudy, write_localizer
from tests.operators.read.slices import ramp, write_series

FLAIR: dict[str, Any] = {
    "SeriesDescription": "flair",
    "InversionTime": 2500,
    "RepetitionTime": 9000,
    "EchoTime": 120,
    "MRAcquisitionType": "2D",
}
T1: dict[str, Any] = {
    "SeriesDescription": "t1 mprage",
    "InversionTime": 900,
    "RepetitionTime": 2300,
    "EchoTime": 3,
    "MRAcquisitionType": "3D",
}


def series(folder: Path, uid: str, **attributes: Any) -> None:
    write_series(folder / uid, ramp("u2", (15, 4, 3)), SeriesInstanceUID=uid, **attributes)


def chosen(selection: Selection) -> dict[str, str]:
    return {role: str(series.series_instance_uid) for role, series in selection.series.items()}


def reasons(selection: Selection, role: str) -> dict[str, str]:
    return {item.series_instance_uid: item.reason for item in selection.decisions if item.role == role}


def copy_series(paths: Sequence[Path], folder: Path, **attributes: Any) -> str:
    """Another series with the same pixels, as when a sequence is repeated."""
    folder.mkdir()
    uid = generate_uid()
    for path in paths:
        instance = dcmread(path)
        instance.SeriesInstanceUID = uid
        instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword, value in attributes.items():
            setattr(instance, keyword, value)
        instance.save_as(folder / path.name)
    return str(uid)


class TestRoutingTruthTable:
    """shw-01 section 9, check 5, as far as the headers decide: which series plays which role."""

    @pytest.fixture
    def write(self, brain: BrainMRPhantom, tmp_path: Path) -> Callable[..., BrainMRStudy]:
        def write(*sequences: str) -> BrainMRStudy:
            written = write_brain_mr(brain, tmp_path, sequences=sequences)
            write_localizer(written)
            return written

        return write

    def test_flair_and_t1(self, write: Callable[..., BrainMRStudy], manifest: Manifest) -> None:
        written = write("FLAIR", "T1")
        study = read_study(written.folder)
        selection = select_series(study, manifest)
        assert is_accepted(study, manifest)
        assert chosen(require_series(study, manifest)) == chosen(selection)
        assert chosen(selection) == {
            "flair": written.series["FLAIR"].series_uid,
            "t1": written.series["T1"].series_uid,
        }
        assert missing_roles(selection, manifest) is None
        assert set(selection.sop_instance_uids) == {
            uid for one in written.series.values() for uid in one.sop_instance_uids
        }
        assert reasons(selection, "flair")[written.series["T1"].series_uid] == (
            "inversion time not between 1600 and 2900 ms (InversionTime 900)"
        )
        assert "a localizer (ImageType" in "".join(reasons(selection, "t1").values())
        for role, sequence in (("flair", "FLAIR"), ("t1", "T1")):
            volume = read_volume(selection.series[role])
            truth = written.series[sequence].acquisition
            np.testing.assert_array_equal(volume.array, truth.array)
            np.testing.assert_allclose(volume.affine, truth.affine, rtol=0, atol=1e-6)
            assert [instance.sop_instance_uid for instance in volume.instances] == list(
                written.series[sequence].sop_instance_uids
            )

    def test_flair_only(self, write: Callable[..., BrainMRStudy], manifest: Manifest) -> None:
        selection = select_series(read_study(write("FLAIR").folder), manifest)
        assert set(selection.series) == {"flair"}
        assert missing_roles(selection, manifest) is None

    def test_t1_only(self, write: Callable[..., BrainMRStudy], manifest: Manifest) -> None:
        selection = select_series(read_study(write("T1").folder), manifest)
        assert set(selection.series) == {"t1"}
        assert missing_roles(selection, manifest) is None

    def test_neither(self, write: Callable[..., BrainMRStudy], manifest: Manifest) -> None:
        study = read_study(write().folder)
        selection = select_series(study, manifest)
        assert is_accepted(study, manifest)
        assert selection.series == {}
        assert selection.sop_instance_uids == ()
        said = missing_roles(selection, manifest)
        assert said is not None
        assert said.startswith("no series for T2-FLAIR or T1-weighted (T2-FLAIR: 1 localizer: a localizer (ImageType")
        with pytest.raises(Refused) as refused:
            require_series(study, manifest)
        assert refused.value.reason is Reason.NO_SUITABLE_SERIES
        assert refused.value.detail == said

    def test_flair_twice(self, write: Callable[..., BrainMRStudy], manifest: Manifest, tmp_path: Path) -> None:
        written = write("FLAIR")
        first = str(written.series["FLAIR"].series_uid)
        again = copy_series(written.series["FLAIR"].paths, tmp_path / "again", AcquisitionTime="235900", SeriesNumber=9)
        selection = select_series(read_study(written.folder), manifest)
        assert chosen(selection) == {"flair": again}
        assert reasons(selection, "flair")[first].startswith(
            "another series was preferred: 9 t2_flair_tra_3mm (acquisition_time is 86340, here "
        )

    def test_t1_after_contrast_only(self, write: Callable[..., BrainMRStudy], manifest: Manifest) -> None:
        written = write("T1")
        for path in written.paths:
            instance = dcmread(path)
            instance.ContrastBolusAgent = "Gadobutrol"
            instance.save_as(path)
        selection = select_series(read_study(written.folder), manifest)
        assert selection.series == {}
        assert "contrast agent given (ContrastBolusAgent Gadobutrol)" in (missing_roles(selection, manifest) or "")

    def test_t1_before_and_after_contrast(
        self, write: Callable[..., BrainMRStudy], manifest: Manifest, tmp_path: Path
    ) -> None:
        written = write("T1")
        copy_series(written.series["T1"].paths, tmp_path / "post", ContrastBolusAgent="Gd", AcquisitionTime="235900")
        selection = select_series(read_study(written.folder), manifest)
        assert chosen(selection) == {"t1": written.series["T1"].series_uid}


def test_preferences_in_their_order_and_the_uid_for_a_tie(tmp_path: Path, manifest: Manifest) -> None:
    series(tmp_path, "1.2.5", **FLAIR)
    series(tmp_path, "1.2.4", **FLAIR)
    selection = select_series(read_study(tmp_path), manifest)
    assert chosen(selection) == {"flair": "1.2.4"}
    assert reasons(selection, "flair")["1.2.5"] == (
        "another series was preferred: 4 flair (equal; lower Series Instance UID)"
    )
    series(tmp_path, "1.2.6", **FLAIR, PixelSpacing=[0.5, 0.5], SeriesNumber=6)
    selection = select_series(read_study(tmp_path), manifest)
    assert chosen(selection) == {"flair": "1.2.6"}
    assert reasons(selection, "flair")["1.2.4"] == (
        "another series was preferred: 6 flair (-voxel_volume is -0.75, here -3.24)"
    )
    series(tmp_path, "1.2.7", **{**FLAIR, "MRAcquisitionType": "3D"})
    assert chosen(select_series(read_study(tmp_path), manifest)) == {"flair": "1.2.7"}


def test_an_unknown_value_is_never_preferred(tmp_path: Path, manifest: Manifest) -> None:
    series(tmp_path, "1.2.4", **FLAIR)
    series(tmp_path, "1.2.5", **FLAIR, AcquisitionTime="000000")
    selection = select_series(read_study(tmp_path), manifest)
    assert chosen(selection) == {"flair": "1.2.5"}
    assert "acquisition_time is 0, here unknown" in reasons(selection, "flair")["1.2.4"]


@pytest.mark.parametrize(
    ("base", "attributes", "said"),
    [
        (T1, {"Modality": "CT"}, "not MR (Modality CT)"),
        (T1, {"EchoTime": None}, "echo time not below 12 ms (EchoTime absent)"),
        (T1, {"EchoTime": 98}, "echo time not below 12 ms (EchoTime 98)"),
        (T1, {"EchoTime": [2, 4]}, "cannot be decided: echo time not below 12 ms (EchoTime unreadable (EchoTime has 2"),
        (T1, {"DiffusionBValue": 1000.0}, "a diffusion series (DiffusionBValue 1000)"),
        (T1, {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "derived from another series (ImageType DERIVED"),
        (T1, {"ImageType": None}, "cannot be decided: a localizer (ImageType absent)"),
        (
            T1,
            {"SOPClassUID": EnhancedMRColorImageStorage},
            "holds Enhanced MR Color Image Storage, which is no T1-weighted input",
        ),
        (
            T1,
            {"SeriesDescription": "sag", "InversionTime": None},
            "neither named as T1 nor an inversion-prepared 3D acquisition",
        ),
        (
            T1,
            {"SeriesDescription": None, "InversionTime": None},
            "cannot be decided: neither named as T1 nor an inversion-prepared 3D acquisition (SeriesDescription absent",
        ),
    ],
)
def test_the_reason_names_the_first_failed_requirement_with_its_value(
    tmp_path: Path, manifest: Manifest, base: dict[str, Any], attributes: dict[str, Any], said: str
) -> None:
    series(tmp_path, "1.2.4", **{**base, **attributes})
    selection = select_series(read_study(tmp_path), manifest)
    assert selection.series == {}
    assert reasons(selection, "t1")["1.2.4"].startswith(said)
    assert not any(item.chosen for item in selection.decisions)


def test_every_series_has_a_decision_for_every_role(tmp_path: Path, manifest: Manifest) -> None:
    series(tmp_path, "1.2.4", **FLAIR)
    series(tmp_path, "1.2.5", **T1)
    series(tmp_path, "1.2.6", SOPClassUID=SegmentationStorage, Modality="SEG")
    selection = select_series(read_study(tmp_path), manifest)
    assert {(item.series_instance_uid, item.role) for item in selection.decisions} == {
        (uid, role) for uid in ("1.2.4", "1.2.5", "1.2.6") for role in ("flair", "t1")
    }
    assert all(item.reason for item in selection.decisions)
    assert {(item.series_instance_uid, item.role) for item in selection.decisions if item.chosen} == {
        ("1.2.4", "flair"),
        ("1.2.5", "t1"),
    }
    assert "holds Segmentation Storage" in reasons(selection, "flair")["1.2.6"]


def code(value: str, scheme: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "meaning"
    return item


def own_result(folder: Path, uid: str, purpose: Dataset, manufacturer: str = MANUFACTURER, **attributes: Any) -> Study:
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    series(folder, uid, **attributes, Manufacturer=manufacturer, ContributingEquipmentSequence=[equipment])
    return read_study(folder)


def test_results_of_this_product_are_never_inputs(tmp_path: Path, manifest: Manifest) -> None:
    study = own_result(tmp_path, "1.2.4", code("109102", "DCM"), **FLAIR)
    selection = select_series(study, manifest)
    assert selection.series == {}
    assert reasons(selection, "flair")["1.2.4"] == "a result of this product"
    assert not is_accepted(study, manifest)


def test_an_image_that_another_product_processed_is_an_input(tmp_path: Path, manifest: Manifest) -> None:
    study = own_result(tmp_path, "1.2.4", code("109102", "DCM"), manufacturer="Other", **FLAIR)
    assert chosen(select_series(study, manifest)) == {"flair": "1.2.4"}
    study = own_result(tmp_path, "1.2.5", code("109101", "DCM"), **T1)
    assert chosen(select_series(study, manifest)) == {"flair": "1.2.4", "t1": "1.2.5"}


@pytest.mark.parametrize(
    ("attributes", "accepted"),
    [
        ({"BodyPartExamined": "HEAD"}, True),
        ({"BodyPartExamined": ""}, True),
        ({}, True),
        ({"BodyPartExamined": "KNEE"}, False),
        ({"Modality": "CT"}, False),
    ],
)
def test_a_study_is_accepted_by_any_of_its_series(
    tmp_path: Path, manifest: Manifest, attributes: dict[str, Any], accepted: bool
) -> None:
    series(tmp_path, "1.2.4", Modality="CT")
    series(tmp_path, "1.2.5", **attributes)
    assert is_accepted(read_study(tmp_path), manifest) is accepted


def with_inputs(manifest: Manifest, inputs: dict[str, dict[str, Any]], required: Sequence[str] = ()) -> Manifest:
    content = manifest.model_dump()
    content["inputs"] = {
        name: {"title": name, "sop_classes": ["MRImageStorage"], **role} for name, role in inputs.items()
    }
    content["required"] = list(required)
    content["at_least_one_of"] = [] if required else list(inputs)
    return Manifest.model_validate(content)


def echo_below(milliseconds: float) -> list[dict[str, str]]:
    return [{"require": f"EchoTime < {milliseconds:.1f}", "otherwise": "echo time too long"}]


def test_one_series_never_plays_two_roles(tmp_path: Path, manifest: Manifest) -> None:
    two = with_inputs(manifest, {"first": {"where": echo_below(12)}, "second": {"where": echo_below(12)}})
    series(tmp_path, "1.2.4", **T1)
    selection = select_series(read_study(tmp_path), two)
    assert chosen(selection) == {"first": "1.2.4"}
    assert reasons(selection, "second")["1.2.4"] == "chosen as first"
    series(tmp_path, "1.2.5", **T1)
    selection = select_series(read_study(tmp_path), two)
    assert chosen(selection) == {"first": "1.2.4", "second": "1.2.5"}


def test_a_role_gives_way_only_where_that_fills_another_one(tmp_path: Path, manifest: Manifest) -> None:
    roles = {
        "any": {"where": echo_below(100), "prefer": ["-EchoTime"]},
        "short": {"where": echo_below(12), "prefer": ["-EchoTime"]},
    }
    two = with_inputs(manifest, roles, required=("any", "short"))
    series(tmp_path, "1.2.4", **{**T1, "EchoTime": 3})
    selection = select_series(read_study(tmp_path), two)
    assert chosen(selection) == {"any": "1.2.4"}
    assert missing_roles(selection, two) == ("no series for short (short: 4 t1 mprage: chosen as any)")
    series(tmp_path, "1.2.5", **{**T1, "EchoTime": 50})
    assert chosen(select_series(read_study(tmp_path), two)) == {"any": "1.2.5", "short": "1.2.4"}
    series(tmp_path, "1.2.6", **{**T1, "EchoTime": 5})
    assert chosen(select_series(read_study(tmp_path), two)) == {"any": "1.2.4", "short": "1.2.6"}


def test_every_missing_required_role_is_named(tmp_path: Path, manifest: Manifest) -> None:
    two = with_inputs(manifest, {"a": {"where": echo_below(1)}, "b": {"where": echo_below(1)}}, required=("a", "b"))
    series(tmp_path, "1.2.4", **T1)
    said = missing_roles(select_series(read_study(tmp_path), two), two)
    assert said is not None
    assert said.startswith("no series for a and b (a: 4 t1 mprage: echo time too long (EchoTime 3); b: 4 t1 mprage")
