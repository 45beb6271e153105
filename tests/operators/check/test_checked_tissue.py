from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.check.checked_tissue import TISSUE_GATE, CheckedTissue, gate_results, judge, read_checked_tissue
from operators.check.domain_shift import DOMAIN_GATE
from operators.check.frames import FramesRefusedByGate
from operators.check.gate import RefusedByGate
from operators.check.likeness import Likeness
from operators.check.picture_profile import picture_profile
from operators.read.study import Series, read_study
from operators.refused import Reason
from phantoms.frames.ultrasound import doppler
from phantoms.sonography import Lesion, simulate_breast, write_sonogram
from tests.operators.check.pictures import breast, known_breasts

SPECTRUM = [doppler((0, 0, 60, 60), 0.01, 1.0, 20).item()]


def write(folder: Path, *spoilt: int) -> Series:
    """A series of three pictures; those spoilt show a spectrum."""
    picture = simulate_breast(Lesion.NONE, seed=1, shape=(64, 64))
    for instance in (1, 2, 3):
        write = partial(write_sonogram, [picture] * instance, folder, seed=1, instance=instance)
        write(SequenceOfUltrasoundRegions=SPECTRUM) if instance in spoilt else write()
    (series,) = read_study(folder).series
    return series


def test_what_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    checked = read_checked_tissue(write(tmp_path, 2))
    assert [len(each.array) for each in checked.tissue] == [1, 3]
    assert [gate.passed for gate in checked.gates] == [True, False, True]
    assert "instance 2" in checked.gates[1].subject
    assert "no two-dimensional region" in checked.gates[1].detail
    assert "3 frames of 64 x 64 pixels, pixels of 0.15 x 0.15 mm" in checked.gates[2].detail


def test_a_series_without_any_tissue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedByGate) as refused:
        read_checked_tissue(write(tmp_path, 1, 2, 3))
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert len(refused.value.gates) == 3


@dataclass(frozen=True)
class Known:
    """A model that knows the simulated breasts of one scanner."""

    likeness: Likeness

    def profiles(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        return picture_profile(pictures)


def write_clips(folder: Path, *strange: int) -> CheckedTissue:
    """An instance with a spectrum and two clips of two frames; the instances ``strange`` are of another scanner."""
    for instance in (1, 2, 3):
        pictures = [breast(2000 + 10 * instance + frame, other_scanner=instance in strange) for frame in range(2)]
        write = partial(write_sonogram, pictures, folder, seed=1, instance=instance)
        write(SequenceOfUltrasoundRegions=SPECTRUM) if instance == 1 else write()
    (series,) = read_study(folder).series
    return read_checked_tissue(series)


def test_frames_are_judged_and_every_instance_has_its_verdicts(tmp_path: Path) -> None:
    pictures = write_clips(tmp_path, 3)
    verdicts = judge(pictures, Known(known_breasts()))
    assert [len(each.accepted) for each in verdicts] == [2, 0]
    found = [(gate.name, gate.passed) for gate in gate_results(pictures, verdicts)]
    read, alike = TISSUE_GATE, DOMAIN_GATE
    assert found == [(read, False), (read, True), (read, True), (alike, True), (alike, False)]


def test_a_refusal_tells_of_instances_that_could_not_be_read_too(tmp_path: Path) -> None:
    with pytest.raises(FramesRefusedByGate) as refused:
        judge(write_clips(tmp_path, 2, 3), Known(known_breasts()))
    assert [gate.name for gate in refused.value.gates] == [TISSUE_GATE] * 3 + [DOMAIN_GATE] * 2
