"""What cardiographs, monitors and Holter recorders send, through both ECG apps: right, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from apps.run import run_app
from operators.refused import Reason
from phantoms.ecg import (
    AMBULATORY,
    FIVE_ELECTRODES,
    GENERAL,
    GENERAL_32_BIT,
    RESTING,
    TWELVE_LEAD,
    Heart,
    Rhythm,
    SimulatedECG,
    median_beat_group,
    rhythm_group,
    simulate_ecg,
    write_ecg,
    write_groups,
)
from phantoms.ecg.dicom import Recorder
from phantoms.ecg.electrodes import LEADS
from phantoms.waveforms.recording import Group
from tests.operators.write.validators import dciodvfy_problems

Signal = NDArray[np.float64]
Writer = Callable[[Path], Path]

HEART = Heart(pr=170, qrs=92, qt=390, rate=72)
PACED = Heart(rhythm=Rhythm.PACED, qrs=150, qt=440)
SINUS = "sinus rhythm, 72 beats a minute"
NOTHING = "no finding of the list"
REASONS = tuple(f"{reason.value}: " for reason in Reason)


def recorded(
    recorder: Recorder = TWELVE_LEAD, leads: tuple[str, ...] = LEADS, heart: Heart = HEART, **options: object
) -> Writer:
    """A recording of some leads; ``options`` are those of the simulation."""
    ecg = simulate_ecg(heart, noise=RESTING, **options)  # type: ignore[arg-type]
    return lambda path: write_ecg(ecg, path, seed=7, recorder=recorder, leads=leads)


def changed(change: Callable[[Signal], Signal]) -> Writer:
    """Twelve leads whose samples (mV) are not what they should be."""
    ecg = simulate_ecg(HEART, noise=RESTING)
    return lambda path: write_ecg(replace(ecg, leads=change(ecg.leads.copy())), path, seed=7)


def grouped(make: Callable[[SimulatedECG], list[Group]], recorder: Recorder = TWELVE_LEAD) -> Writer:
    """One object of several multiplex groups."""
    groups = make(simulate_ecg(HEART, noise=RESTING))
    return lambda path: write_groups(groups, path, seed=7, recorder=recorder)


def damaged(change: Callable[[Dataset], None]) -> Writer:
    """Twelve leads in an object that a bad writer, or a bad line, has spoilt."""

    def write(path: Path) -> Path:
        dataset = dcmread(recorded()(path))
        change(dataset)
        dataset.save_as(path)
        return path

    return write


def lost(lead: str, start: float, end: float) -> Callable[[Signal], Signal]:
    def change(leads: Signal) -> Signal:
        leads[LEADS.index(lead), round(500 * start) : round(500 * end)] = 0
        return leads

    return change


def dropped_out(leads: Signal) -> Signal:
    leads[:, 3600:] = 0
    return leads


def saturated(leads: Signal) -> Signal:
    leads[6:8] = np.clip(leads[6:8], -0.3, 0.3)
    return leads


def no_samples(dataset: Dataset) -> None:
    group = dataset.WaveformSequence[0]
    group.NumberOfWaveformSamples, group.WaveformData = 0, b""


def four_groups_at_once(ecg: SimulatedECG) -> list[Group]:
    return [rhythm_group(ecg, GENERAL, LEADS[first : first + 3]) for first in range(0, 12, 3)]


def four_groups_in_turn(ecg: SimulatedECG) -> list[Group]:
    """As older cardiographs record: three leads for 2.5 s each, and lead II all the while."""
    turns = [
        rhythm_group(ecg, leads=LEADS[3 * turn : 3 * turn + 3], start=2.5 * turn, seconds=2.5) for turn in range(4)
    ]
    return [*turns, rhythm_group(ecg, leads=("II",), seconds=10)]


@dataclass(frozen=True)
class Case:
    """An input, and what each app says of it: words of the summary, after the reason where it is refused.

    ``sees_all`` is whether its leads together see the whole of each wave, so that the intervals are the heart's.
    """

    name: str
    write: Callable[[], Writer]
    intervals: str
    findings: str
    sees_all: bool = True


CASES = (
    Case(
        "arms swapped",
        lambda: recorded(swapped_electrodes=(("RA", "LA"),)),
        "arm ECG leads reversed",
        "domain-shift: Suspect arm ECG leads reversed",
    ),
    Case(
        "right arm and leg swapped",
        lambda: recorded(swapped_electrodes=(("RA", "LL"),)),
        "right arm and left leg ECG leads reversed",
        "domain-shift: Suspect right arm and left leg",
    ),
    Case(
        "five electrodes",
        lambda: recorded(GENERAL, FIVE_ELECTRODES, sampling_frequency=250),
        SINUS,
        NOTHING,
    ),
    Case("lead I alone", lambda: recorded(GENERAL, ("I",)), "of lead I alone", NOTHING, sees_all=False),
    Case("lead V1 alone", lambda: recorded(GENERAL, ("V1",)), SINUS, "domain-shift: ", sees_all=False),
    Case(
        "without V2 and V5",
        lambda: recorded(leads=tuple(name for name in LEADS if name not in ("V2", "V5"))),
        SINUS,
        NOTHING,
    ),
    Case("chest leads only", lambda: recorded(GENERAL, LEADS[6:]), SINUS, NOTHING),
    Case("32 bits", lambda: recorded(GENERAL_32_BIT), SINUS, NOTHING),
    Case(
        "100 Hz",
        lambda: recorded(AMBULATORY, ("II", "V5"), sampling_frequency=100, seconds=30),
        SINUS,
        NOTHING,
    ),
    Case(
        "50 Hz",
        lambda: recorded(AMBULATORY, ("II", "V5"), sampling_frequency=50),
        "signal-quality: sampled 50 times",
        "signal-quality: sampled 50 times",
    ),
    Case("1000 Hz", lambda: recorded(sampling_frequency=1000), SINUS, NOTHING),
    Case(
        "a pacemaker",
        lambda: recorded(heart=PACED),
        "ventricular pacing, 70 beats a minute",
        "Rhythm from artificial pacing",
    ),
    Case(
        "a pacemaker on a Holter",
        lambda: recorded(AMBULATORY, ("II", "V5"), heart=PACED, sampling_frequency=125, seconds=30),
        "ventricular pacing, 70 beats a minute",
        "Rhythm from artificial pacing",
    ),
    Case(
        "2 s",
        lambda: recorded(seconds=2.0),
        "signal-quality: 2 beats in 2.0 s",
        "signal-quality: 2 s were recorded, 5 s are needed",
    ),
    Case(
        "0.01 s",
        lambda: changed(lambda leads: leads[:, :5]),
        "signal-quality: 0.01 s were recorded",
        "signal-quality: 0.01 s were recorded",
    ),
    Case(
        "lead II lost",
        lambda: changed(lost("II", 3, 10)),
        "not used, no signal for 7.0 of 10.0 s: II",
        f"{NOTHING}; not used, no signal",
    ),
    Case("nobody connected any more", lambda: changed(dropped_out), SINUS, NOTHING),
    Case(
        "an amplifier at its end",
        lambda: changed(saturated),
        "not used, saturated: V1, V2",
        "not used, saturated: V1, V2",
    ),
    Case(
        "never connected",
        lambda: changed(np.zeros_like),
        "signal-quality: no lead can be used",
        "signal-quality: no lead can be used",
    ),
    Case(
        "a sine wave",
        lambda: changed(lambda leads: leads * 0 + np.sin(np.arange(leads.shape[1]) / 66)),
        "signal-quality: what recurs lasts",
        "domain-shift: ",
    ),
    Case(
        "no samples",
        lambda: damaged(no_samples),
        "unsupported-waveform: group 1 has 12 channels of 0",
        "unsupported-waveform: group 1 has 12 channels of 0",
    ),
    Case(
        "no waveform",
        lambda: damaged(lambda dataset: delattr(dataset, "WaveformSequence")),
        "unsupported-waveform: ",
        "unsupported-waveform: ",
    ),
    Case(
        "with a median beat",
        lambda: grouped(lambda ecg: [median_beat_group(ecg), rhythm_group(ecg)]),
        SINUS,
        NOTHING,
    ),
    Case("groups at once", lambda: grouped(four_groups_at_once, GENERAL), SINUS, NOTHING),
    Case(
        "groups in turn",
        lambda: grouped(four_groups_in_turn),
        "4 other parts of the recording not read",
        "4 other parts of the recording not read",
        sees_all=False,
    ),
)


def assert_intervals(summary: str, heart: Heart) -> None:
    """As far as IEC 60601-2-25 lets the mean of many recordings be off."""
    found = {name: float(value) for name, value in re.findall(r"\b(PR|QRS|QT) (\d+) ms", summary)}
    assert found.get("PR") == (None if heart is PACED else pytest.approx(heart.pr, abs=10))
    assert found["QRS"] == pytest.approx(heart.qrs, abs=10)
    assert found["QT"] == pytest.approx(heart.qt, abs=25)


@pytest.mark.parametrize("app", ["ecg_intervals", "ecg_findings"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_input_is_right_or_refused_by_name(case: Case, app: str, tmp_path: Path) -> None:
    case.write()(tmp_path / "study" / "ecg.dcm")
    outcome = run_app(app, tmp_path / "study", tmp_path / "results", device="cpu")
    expected: str = getattr(case, app.removeprefix("ecg_"))
    reason, _, words = expected.rpartition(": ") if expected.startswith(REASONS) else ("", "", expected)
    assert (outcome.status, outcome.reason or "") == (("refused", reason) if reason else ("analysed", ""))
    assert words in outcome.summary
    if app == "ecg_intervals" and not reason and case.sees_all:
        assert_intervals(outcome.summary, PACED if "pacing" in words else HEART)
    assert len(outcome.files) == (1 if reason else 3)
    for name in outcome.files:
        assert dciodvfy_problems(tmp_path / "results" / name) == []
