"""Real recordings, where they lie beside the checkout."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid

from apps.ecg_intervals.measured import measure
from apps.run import run_app
from operators.measure.ecg.analysis import analyse_ecg
from operators.measure.ecg.beats import find_beats
from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.leads import WORKING_HERTZ
from operators.measure.ecg.rules import ST_DEPRESSION
from operators.read.ecg import read_newest_ecg
from operators.read.study import read_study
from operators.read.waveforms.ecg_leads import EcgLeads
from phantoms.identity import Study, derived_uid, order_of, patient_of, save
from phantoms.waveforms.dicom import waveform_instance
from phantoms.waveforms.recording import Group
from phantoms.waveforms.wfdb import read_record
from tests.peers import real_data

_WINDOW_SECONDS = 0.15
"""Within which a beat is the annotated one (ANSI/AAMI EC57)."""


def test_beats_of_record_100_are_those_of_its_annotations() -> None:
    wfdb = pytest.importorskip("wfdb")
    record = str(real_data("ecg") / "100")
    signals, fields = wfdb.rdsamp(record)
    annotation = wfdb.rdann(record, "atr")
    beats = np.array(annotation.sample)[[symbol in "NLRBAaJSVrFejnE/fQ" for symbol in annotation.symbol]]
    leads = EcgLeads(("II", "V5"), np.ascontiguousarray(signals.T), float(fields["fs"]))
    found = find_beats(without_interference(leads.resampled(WORKING_HERTZ))) / WORKING_HERTZ
    truth = beats / fields["fs"]
    matched = np.abs(found[:, None] - truth[None]) < _WINDOW_SECONDS
    assert len(truth) == 2273
    assert matched.any(axis=0).mean() >= 0.995, "sensitivity"
    assert matched.any(axis=1).mean() >= 0.995, "precision"
    early = sum(symbol in "AV" for symbol in annotation.symbol)
    assert early == 34
    # Over half an hour the usual beats' shape changes, too: those are not ectopic.
    assert 1 <= analyse_ecg(leads).ectopic_count <= early


@pytest.fixture(scope="module")
def infarction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten seconds of PTB's record of an anterior infarction as a 12-lead object of 1000 Hz."""
    record = read_record(real_data("ecg") / "s0010_re.hea")
    study = Study(
        uid=derived_uid("s0010_re"),
        patient=patient_of(1),
        order=order_of(1, "Resting electrocardiogram"),
        started=datetime(1990, 10, 1),
        description="PTB s0010_re",
    )
    channels = tuple(
        replace(channel, stored=channel.stored[: round(10 * record.sampling_frequency)])
        for channel in record.group.channels[:12]
    )
    instance = waveform_instance(
        uid.TwelveLeadECGWaveformStorage, "ECG", (Group(channels, record.sampling_frequency),), study
    )
    path = tmp_path_factory.mktemp("ptb") / "s0010_re.dcm"
    save(instance, path)
    return path.parent


def test_the_anterior_infarction_is_measured(infarction: Path, tmp_path: Path) -> None:
    (series,) = read_study(infarction).series
    measured = measure(read_newest_ecg(series))
    ecg = measured.analysis
    assert ecg.rate == pytest.approx(81, abs=3)
    assert ecg.pr is not None
    assert 130 < ecg.pr < 230
    assert 100 < ecg.qrs < 130
    assert ecg.qt is not None
    # By eye T ends 415 to 450 ms after the onset of QRS, as a slow tail.
    assert 400 < ecg.qt < 480
    # What the tracing shows: ST lowered in V2 and V3, raised in V1; T upside down in II, III and aVF.
    assert ecg.levels["V3"].j < -0.15
    assert ecg.levels["V2"].j < -0.05
    assert ecg.levels["V1"].j > 0.1
    assert all(ecg.levels[name].t < 0 for name in ("II", "III", "aVF"))
    assert ST_DEPRESSION in [flag.finding for flag in measured.flags]
    outcome = run_app("ecg_intervals", infarction, tmp_path, device="cpu")
    assert outcome.status == "analysed"
    assert "ST depression" in outcome.summary
