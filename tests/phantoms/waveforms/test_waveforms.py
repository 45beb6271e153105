from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import (
    BasicVoiceAudioWaveformStorage,
    CardiacElectrophysiologyWaveformStorage,
    GeneralECGWaveformStorage,
    HemodynamicWaveformStorage,
    TwelveLeadECGWaveformStorage,
)

from phantoms.identity import save
from phantoms.waveforms import RECORDERS
from tests.operators.read.recordings import make_study
from tests.peers import dciodvfy_errors

# The IODs that Debian's edition of the validator knows.
KNOWN = (
    TwelveLeadECGWaveformStorage,
    GeneralECGWaveformStorage,
    HemodynamicWaveformStorage,
    CardiacElectrophysiologyWaveformStorage,
    BasicVoiceAudioWaveformStorage,
)


@pytest.mark.peer
@pytest.mark.parametrize("sop_class", KNOWN, ids=lambda uid: uid.name)
def test_a_recorder_writes_valid_objects(sop_class: object, tmp_path: Path) -> None:
    (recorder,) = (item for item in RECORDERS.values() if item.sop_class_uid == sop_class)
    save(recorder.instance(make_study()), tmp_path / "waveform.dcm")
    assert dciodvfy_errors(tmp_path / "waveform.dcm") == []


def test_there_is_a_recorder_for_every_waveform_sop_class() -> None:
    assert len(RECORDERS) == 16
    assert all(name.endswith("Waveform Storage") for name in RECORDERS)
