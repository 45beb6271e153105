"""Routing: which sequences a study has decides the configuration, and how the T1 comes to the FLAIR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.mr_white_matter_lesions.inputs import Configuration, Inputs, align_inputs, gate_results, read_volumes
from apps.mr_white_matter_lesions.likeness import load_references
from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from apps.run import app_manifest
from operators.check.checked_volume import CheckedVolume
from operators.check.gate import RefusedByGate
from operators.read.selection import require_series
from operators.read.study import read_study
from operators.refused import Reason, Refused
from phantoms.faults import drop_slice, set_attributes
from phantoms.mr_brain import BrainMRStudy, simulate_brain_mr, write_brain_mr

SEED = 11
REFERENCES = load_references(MODEL_FOLDER)


def written(folder: Path, sequences: Sequence[str] = ("FLAIR", "T1"), shift: float = 0.0) -> BrainMRStudy:
    phantom = simulate_brain_mr(SEED, size="small", t1_shift_mm=(shift, 0.0, 0.0))
    return write_brain_mr(phantom, folder, sequences=tuple(sequences))


def inputs_of(folder: Path) -> Inputs:
    manifest = app_manifest("mr_white_matter_lesions")
    return align_inputs(read_volumes(require_series(read_study(folder), manifest), manifest, REFERENCES))


@pytest.mark.parametrize(
    ("sequences", "configuration"),
    [
        (("FLAIR", "T1"), Configuration.BOTH),
        (("FLAIR",), Configuration.FLAIR_ONLY),
        (("T1",), Configuration.T1_ONLY),
    ],
)
def test_the_sequences_decide_the_configuration(
    tmp_path: Path, sequences: tuple[str, ...], configuration: Configuration
) -> None:
    written(tmp_path, sequences)
    assert inputs_of(tmp_path).configuration is configuration


def no_suitable_sequence(study: BrainMRStudy) -> None:
    for series in study.series.values():
        set_attributes(series.paths, EchoTime=30.0)


def contrast_agent(study: BrainMRStudy) -> None:
    for series in study.series.values():
        set_attributes(series.paths, ContrastBolusAgent="Gadobutrol")


@pytest.mark.parametrize(
    ("spoil", "told"), [(no_suitable_sequence, "echo time"), (contrast_agent, "contrast agent given")]
)
def test_a_study_without_a_suitable_series_is_refused_with_each_series_reason(
    tmp_path: Path, spoil: Callable[[BrainMRStudy], None], told: str
) -> None:
    spoil(written(tmp_path))
    with pytest.raises(Refused, match=told) as caught:
        inputs_of(tmp_path)
    assert caught.value.reason is Reason.NO_SUITABLE_SERIES


def test_a_flair_that_lacks_a_slice_is_refused(tmp_path: Path) -> None:
    study = written(tmp_path)
    drop_slice(study.series["FLAIR"].paths, 9)
    with pytest.raises(Refused) as caught:
        inputs_of(tmp_path)
    assert caught.value.reason is Reason.MISSING_SLICE


def test_a_t1_that_lacks_a_slice_is_left_out_beside_a_flair_and_that_is_told(tmp_path: Path) -> None:
    study = written(tmp_path)
    drop_slice(study.series["T1"].paths, 9)
    inputs = inputs_of(tmp_path)
    assert inputs.configuration is Configuration.FLAIR_ONLY
    assert inputs.roles == ("flair",)
    assert "T1 not used: A slice is missing" in inputs.t1_alignment


def test_a_t1_alone_that_lacks_a_slice_is_refused(tmp_path: Path) -> None:
    study = written(tmp_path, ("T1",))
    drop_slice(study.series["T1"].paths, 9)
    with pytest.raises(Refused) as caught:
        inputs_of(tmp_path)
    assert caught.value.reason is Reason.MISSING_SLICE


def test_the_verdicts_on_both_series_are_kept(tmp_path: Path) -> None:
    study = written(tmp_path)
    manifest = app_manifest("mr_white_matter_lesions")
    selection = require_series(read_study(tmp_path), manifest)
    good = gate_results(read_volumes(selection, manifest, REFERENCES))
    assert all(result.passed for result in good)
    assert len({(result.name.value, result.subject) for result in good}) == len(good) == 14
    set_attributes(study.series["T1"].paths[:1], ImagePositionPatient=[500.0, 0.0, 0.0])
    told = gate_results(read_volumes(require_series(read_study(tmp_path), manifest), manifest, REFERENCES))
    assert [result.passed for result in told] == [True] * 7 + [False]
    assert told[-1].subject.startswith("T1-weighted (")
    drop_slice(study.series["FLAIR"].paths, 9)
    with pytest.raises(RefusedByGate) as caught:
        read_volumes(require_series(read_study(tmp_path), manifest), manifest, REFERENCES)
    (geometry,) = caught.value.gates
    assert geometry.reason is Reason.MISSING_SLICE
    assert geometry.figures[0].value == len(study.series["FLAIR"].paths) - 1


def test_a_t1_in_place_keeps_its_header_geometry(tmp_path: Path) -> None:
    study = written(tmp_path)
    inputs = inputs_of(tmp_path)
    assert inputs.t1_alignment.startswith("header geometry")
    assert inputs.t1 is not None
    np.testing.assert_allclose(inputs.t1.affine, study.series["T1"].acquisition.affine, atol=1e-4)


def test_a_patient_who_moved_between_the_sequences_is_registered(tmp_path: Path) -> None:
    study = written(tmp_path, shift=15.0)
    inputs = inputs_of(tmp_path)
    assert inputs.configuration is Configuration.BOTH
    assert inputs.t1_alignment.startswith("rigid registration")
    assert inputs.t1 is not None
    moved = inputs.t1.affine @ np.linalg.inv(study.series["T1"].acquisition.affine)
    np.testing.assert_allclose(moved[:3, 3], [-15.0, 0.0, 0.0], atol=3.0)


def test_another_frame_of_reference_is_always_registered(tmp_path: Path) -> None:
    study = written(tmp_path)
    set_attributes(study.series["T1"].paths, FrameOfReferenceUID="2.25.4711")
    inputs = inputs_of(tmp_path)
    assert inputs.t1_alignment.startswith("rigid registration")
    assert inputs.configuration is Configuration.BOTH


def test_a_t1_of_something_else_is_left_out_and_that_is_told(tmp_path: Path) -> None:
    written(tmp_path)
    manifest = app_manifest("mr_white_matter_lesions")
    volumes = read_volumes(require_series(read_study(tmp_path), manifest), manifest, REFERENCES)
    t1 = volumes["t1"]
    assert isinstance(t1, CheckedVolume)
    noise = np.random.default_rng(SEED).normal(500, 50, t1.volume.array.shape).astype(np.uint16)
    inputs = align_inputs({**volumes, "t1": replace(t1, volume=replace(t1.volume, array=noise))})
    assert inputs.configuration is Configuration.FLAIR_ONLY
    assert inputs.t1_alignment.startswith("failed, T1 not used")
    assert inputs.roles == ("flair",)
