from __future__ import annotations

from pathlib import Path

from pydicom.sr.codedict import codes

from operators.check.frames import FrameVerdicts, judge_frames
from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.refused import Reason
from operators.write.base.result import save
from operators.write.refused_frames import write_refused_frames
from tests.operators.check.pictures import clip, known_breasts, tissue_profiles
from tests.peers import dciodvfy_errors

REFUSED = OutputPart(object="key_object_selection", title="Refused frames", series_number=9209)


def judged(folder: Path, count: int, other_scanner: list[int], number: int = 1) -> FrameVerdicts:
    frames = clip(folder, count, other_scanner, number=number)
    return judge_frames(frames, tissue_profiles(frames), known_breasts())


def test_refused_frames_become_a_key_object_with_the_coded_reason(analysis: Analysis, tmp_path: Path) -> None:
    verdicts = [
        judged(tmp_path / "in", 5, [1, 3]),
        judged(tmp_path / "in", 2, [], 2),
        judged(tmp_path / "in", 1, [0], 3),
    ]
    document = write_refused_frames("refused", REFUSED, verdicts, analysis)
    assert document is not None
    assert document.ConceptNameCodeSequence[0].CodeValue == codes.DCM.QualityIssue.value
    (modifier,) = (item for item in document.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "113011")
    reason = modifier.ConceptCodeSequence[0]
    assert (reason.CodeValue, reason.CodingSchemeDesignator) == ("domain-shift", "99GANTRY")
    assert reason.CodeMeaning == Reason.DOMAIN_SHIFT.meaning
    (description,) = (
        item for item in document.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "113012"
    )
    assert "instance 1: 3 of 5 frames are like simulated breasts" in description.TextValue
    named = [item.ReferencedSOPSequence[0] for item in document.ContentSequence if item.ValueType == "IMAGE"]
    assert [item.ReferencedSOPInstanceUID for item in named] == [
        verdicts[0].instance.sop_instance_uid,
        verdicts[2].instance.sop_instance_uid,
    ]
    assert list(named[0].ReferencedFrameNumber) == [2, 4]
    assert "ReferencedFrameNumber" not in named[1]
    assert dciodvfy_errors(save(document, tmp_path)) == []


def test_nothing_is_written_where_nothing_was_refused(analysis: Analysis, tmp_path: Path) -> None:
    assert write_refused_frames("refused", REFUSED, [judged(tmp_path, 2, [])], analysis) is None
