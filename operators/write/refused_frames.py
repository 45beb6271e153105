"""Frames that a gate refused → Key Object Selection "Quality Issue" with the coded reasons."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes

from operators.check.frames import FrameVerdicts, described
from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.attributes import integer
from operators.write.key_object_selection import KeyObject, write_key_object_selection


def write_refused_frames(
    output_name: str, output: OutputPart, frames: Sequence[FrameVerdicts], analysis: Analysis
) -> FileDataset | None:
    """Return a document (113010, DCM, "Quality Issue") that names every refused frame; None where none was refused.

    The Document Title Modifiers are the reasons, coded; the description tells the score of each frame and the
    threshold. An instance all of whose frames were refused, or that has only one, is named as a whole.
    """
    concerned = [each for each in frames if each.refused]
    if not concerned:
        return None
    reasons = {verdict.reason.code: None for each in concerned for verdict in each.refused if verdict.reason}
    return write_key_object_selection(
        output_name,
        output,
        codes.DCM.QualityIssue,
        [KeyObject(each.instance.header, _numbers(each)) for each in concerned],
        analysis,
        description=described(concerned),
        modifiers=tuple(reasons),
    )


def _numbers(frames: FrameVerdicts) -> tuple[int, ...]:
    count = integer(frames.instance.header, "NumberOfFrames") or 1
    return () if len(frames.refused) == count else tuple(verdict.number for verdict in frames.refused)
