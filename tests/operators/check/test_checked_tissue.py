from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from operators.check.checked_tissue import read_checked_tissue
from operators.check.gate import RefusedByGate
from operators.read.study import Series, read_study
from operators.refused import Reason
from phantoms.frames.ultrasound import doppler
from phantoms.sonography import Lesion, simulate_breast, write_sonogram

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
