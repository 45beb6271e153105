"""How far volumes are from those of training: told, never a reason to refuse."""

from __future__ import annotations

from apps.mr_white_matter_lesions.likeness import judge_likeness, load_references
from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from phantoms.mr_brain import simulate_brain_mr
from tests.operators.check.volumes import figure, volume
from tests.peers import real_data

REFERENCES = load_references(MODEL_FOLDER)


def small_head() -> dict[str, Volume]:
    phantom = simulate_brain_mr(3, size="small")
    scans = {"flair": phantom.flair, "t1": phantom.t1}
    return {role: volume(scan.array, scan.affine) for role, scan in scans.items()}


def test_heads_on_a_coarse_grid_are_told_to_be_unlike_and_pass() -> None:
    for role, head in small_head().items():
        told = judge_likeness(head, REFERENCES[role])
        assert told.passed
        assert told.detail.startswith("warning: ")
        assert figure(told, "domain-distance") > figure(told, "domain-distance-limit")


def test_a_real_t1_is_told_to_be_unlike_simulated_ones() -> None:
    (series,) = read_study(real_data("mr_t1_uih")).series
    told = judge_likeness(read_volume(series), REFERENCES["t1"])
    assert told.passed
    assert "simulated T1 volumes of training" in told.detail
    assert figure(told, "domain-distance") > 2 * figure(told, "domain-distance-limit")
