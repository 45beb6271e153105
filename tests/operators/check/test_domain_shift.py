from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from operators.check.domain_shift import Embedding, Reference, domain_shift_gate, fit_reference, intensity_profile
from operators.read.volume import Volume
from operators.refused import Reason
from phantoms.mr_brain import simulate_brain_mr
from tests.operators.check.volumes import figure, volume


@pytest.fixture(scope="module")
def heads() -> list[tuple[Volume, Volume]]:
    """FLAIR and T1 of simulated patients."""
    phantoms = [simulate_brain_mr(seed, size="small") for seed in range(8)]
    return [
        (volume(phantom.flair.array, phantom.flair.affine), volume(phantom.t1.array, phantom.t1.affine))
        for phantom in phantoms
    ]


def test_a_t1_is_unlike_the_flairs_that_the_reference_is_made_of(heads: list[tuple[Volume, Volume]]) -> None:
    profiles = [intensity_profile(flair) for flair, _ in heads]
    reference = fit_reference("five simulated FLAIRs", profiles[:5], profiles[5:7])
    like = domain_shift_gate(heads[7][0], intensity_profile, reference)
    assert like.passed, like.detail
    for _, t1 in heads:
        unlike = domain_shift_gate(t1, intensity_profile, reference)
        assert unlike.reason is Reason.DOMAIN_SHIFT
        assert figure(unlike, "domain-distance") > figure(unlike, "domain-distance-limit")
        assert "from five simulated FLAIRs" in unlike.detail


def test_brightness_and_offset_do_not_count(heads: list[tuple[Volume, Volume]]) -> None:
    flair = heads[0][0]
    brighter = volume(3 * flair.array.astype(np.float64) + 100, flair.affine)
    np.testing.assert_allclose(intensity_profile(brighter), intensity_profile(flair), atol=0.02)


def test_a_reference_is_stored_and_read_back(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(0, (1.0, 2.0, 5.0), (90, 3))
    reference = fit_reference("normal points", list(points[:80]), list(points[80:]))
    reference.save(tmp_path / "reference.json")
    copy = Reference.load(tmp_path / "reference.json")
    point = np.array([0.5, -1.0, 2.0])
    assert copy.distance(point) == reference.distance(point)
    assert (copy.description, copy.limit) == (reference.description, reference.limit)
    # Independent normal variables: the Mahalanobis distance is that of the standardised point.
    assert reference.distance(point) == pytest.approx(np.sqrt(0.5**2 + 0.5**2 + 0.4**2), rel=0.3)


def test_any_embedding_serves() -> None:
    def size(volume: Volume) -> np.ndarray:
        return np.array([float(volume.array.size)])

    embedding: Embedding[Volume] = size
    reference = fit_reference("sizes", [np.array([float(count)]) for count in (100, 110, 130)], [np.array([120.0])])
    assert domain_shift_gate(volume(np.zeros((1, 10, 12))), embedding, reference).passed
    assert not domain_shift_gate(volume(np.zeros((4, 10, 12))), embedding, reference).passed


def test_what_never_varied_in_the_reference_is_no_reason_to_fail() -> None:
    points = [np.array([value, 7.0]) for value in (1.0, 2.0, 3.0)]
    reference = fit_reference("points", points, points[:1])
    assert reference.distance(np.array([2.0, 7.0])) == pytest.approx(0.0)
    assert np.isfinite(reference.distance(np.array([2.0, 8.0])))


def test_two_points_make_no_reference() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        fit_reference("two", [np.zeros(2), np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match="1 held out"):
        fit_reference("none held out", [np.zeros(2), np.ones(2), np.ones(2)], [])


def test_a_volume_that_shows_nothing_has_a_profile() -> None:
    assert not intensity_profile(volume(np.zeros((3, 8, 8)))).any()


def test_a_gate_that_does_not_refuse_warns() -> None:
    reference = fit_reference("numbers", [np.array([value]) for value in (1.0, 2.0, 3.0)], [np.array([2.5])])
    far: Embedding[float] = lambda value: np.array([value])  # noqa: E731
    refused, warned = (domain_shift_gate(50.0, far, reference, refuses=refuses) for refuses in (True, False))
    assert (refused.reason, warned.reason) == (Reason.DOMAIN_SHIFT, None)
    assert warned.detail.startswith("warning: ")
    assert warned.figures == refused.figures
    assert not domain_shift_gate(2.0, far, reference, refuses=False).detail.startswith("warning")
