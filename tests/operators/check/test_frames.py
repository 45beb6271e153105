from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from operators.check.frames import FramesRefusedByGate, judge_frames, require_frames
from operators.check.likeness import Likeness, Method
from operators.check.scores import Threshold
from operators.refused import Reason
from tests.operators.check.pictures import clip, known_breasts, tissue_profiles
from tests.operators.check.volumes import figure

CONFIDENT = Likeness(Method.SOFTMAX, Threshold(0.5, 0.95, "sure answers"))


def test_the_one_corrupted_frame_of_ten_is_the_one_refused(tmp_path: Path) -> None:
    frames = clip(tmp_path, 10, other_scanner=[3])
    verdicts = judge_frames(frames, tissue_profiles(frames), known_breasts())
    assert [verdict.number for verdict in verdicts.refused] == [4]
    assert verdicts.refused[0].reason is Reason.DOMAIN_SHIFT
    assert verdicts.accepted == (0, 1, 2, 4, 5, 6, 7, 8, 9)
    assert verdicts.best.index in verdicts.accepted
    assert require_frames([verdicts]) == (verdicts.gate,)


def test_the_gate_tells_its_figures(tmp_path: Path) -> None:
    frames = clip(tmp_path, 10, other_scanner=[3])
    verdicts = judge_frames(frames, tissue_profiles(frames), known_breasts())
    gate = verdicts.gate
    assert gate.passed
    assert gate.subject == frames.instance.name
    assert gate.detail.startswith("9 of 10 frames are like simulated breasts (embedding distance")
    assert "; refused: 4 (" in gate.detail
    scores = [verdict.score for verdict in verdicts.verdicts]
    assert figure(gate, "lowest-score") == pytest.approx(min(scores), rel=1e-5)
    assert figure(gate, "highest-score") == pytest.approx(max(scores), rel=1e-5)
    assert figure(gate, "score-threshold") == pytest.approx(known_breasts().threshold.score, rel=1e-5)
    assert figure(gate, "share-accepted") == 90
    assert figure(gate, "target-accepted") == 100


def test_frames_that_were_chosen_keep_their_numbers(tmp_path: Path) -> None:
    whole = clip(tmp_path, 4)
    frames = type(whole)(**{**vars(whole), "array": whole.array[1::2], "frame_numbers": (1, 3)})
    verdicts = judge_frames(frames, np.log([[0.9, 0.1], [0.5, 0.5]]) * 2, CONFIDENT)
    assert [verdict.number for verdict in verdicts.verdicts] == [2, 4]


def test_a_study_without_an_accepted_frame_is_refused(tmp_path: Path) -> None:
    first, second = clip(tmp_path, 2, [0, 1]), clip(tmp_path, 1, [0], number=2)
    verdicts = [judge_frames(each, tissue_profiles(each), known_breasts()) for each in (first, second)]
    assert not any(each.gate.passed for each in verdicts)
    with pytest.raises(FramesRefusedByGate) as caught:
        require_frames(verdicts)
    assert caught.value.reason is Reason.DOMAIN_SHIFT
    assert caught.value.frames == tuple(verdicts)
    assert caught.value.gates == tuple(each.gate for each in verdicts)
    assert "instance 1: 0 of 2 frames" in caught.value.detail
    assert "0 of 1 frames" in caught.value.detail


def test_one_accepted_clip_is_enough(tmp_path: Path) -> None:
    good, bad = clip(tmp_path, 2), clip(tmp_path, 1, [0], number=2)
    verdicts = [judge_frames(each, tissue_profiles(each), known_breasts()) for each in (good, bad)]
    assert [gate.passed for gate in require_frames(verdicts)] == [True, False]


def test_a_score_that_is_no_number_is_refused(tmp_path: Path) -> None:
    verdicts = judge_frames(clip(tmp_path, 2), np.array([[np.nan, np.nan], [9.0, 0.0]]), CONFIDENT)
    assert [verdict.number for verdict in verdicts.refused] == [1]


def test_there_must_be_one_score_a_frame(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 frames have scores \(3,\)"):
        judge_frames(clip(tmp_path, 2), np.zeros((3, 2)), CONFIDENT)
