"""Gate on the frames of pictures: each is accepted or refused by itself, and the report says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from operators.check.domain_shift import DOMAIN_GATE
from operators.check.figures import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    SCORE_THRESHOLD,
    SHARE_ACCEPTED,
    TARGET_ACCEPTED,
    percent,
    plain,
)
from operators.check.gate import GateResult, RefusedByGate, gate_failed, gate_passed
from operators.check.likeness import Likeness
from operators.check.scores import Array
from operators.read.frames import Frames
from operators.read.instance import Instance
from operators.refused import Reason

_NAMED = 12
"""So many refused frames are named in a sentence, the others counted."""


@dataclass(frozen=True)
class FrameVerdict:
    """One frame: its place in what was judged (from 0), its number in the instance (from 1), its score.

    ``reason`` is None if it is accepted.
    """

    index: int
    number: int
    score: float
    reason: Reason | None = None


@dataclass(frozen=True, eq=False)
class FrameVerdicts:
    """Verdicts on the frames of one instance, in their order, and the gate's verdict on all of them."""

    instance: Instance
    verdicts: tuple[FrameVerdict, ...]
    gate: GateResult

    @property
    def accepted(self) -> tuple[int, ...]:
        """Places, from 0, of the accepted frames in what was judged: ``array[list(verdicts.accepted)]``."""
        return tuple(verdict.index for verdict in self.verdicts if verdict.reason is None)

    @property
    def refused(self) -> tuple[FrameVerdict, ...]:
        """The verdicts on refused frames."""
        return tuple(verdict for verdict in self.verdicts if verdict.reason is not None)

    @property
    def best(self) -> FrameVerdict:
        """The frame that is most like the reference data."""
        return max(self.verdicts, key=lambda verdict: verdict.score)


class FramesRefusedByGate(RefusedByGate):
    """The refusal of a study no frame of which was accepted; ``frames`` are the verdicts on each instance."""

    def __init__(self, reason: Reason, detail: str, frames: Sequence[FrameVerdicts]) -> None:
        super().__init__(reason, detail, [each.gate for each in frames])
        self.frames = tuple(frames)


def judge_frames(frames: Frames, outputs: Array, likeness: Likeness) -> FrameVerdicts:
    """Judge each frame by what a network gives of it; ``outputs`` is shaped as the likeness's method says.

    The gate is passed if at least one frame is accepted. Raises :class:`ValueError` unless there is one score for each
    frame.
    """
    scores = likeness.scores(outputs)
    numbers = [number + 1 for number in frames.frame_numbers]
    if scores.shape != (len(numbers),):
        raise ValueError(f"{len(numbers)} frames have scores {scores.shape}")
    limit = likeness.threshold.score
    verdicts = tuple(
        # A score that is no number is no likeness either.
        FrameVerdict(index, number, float(score), None if score >= limit else Reason.DOMAIN_SHIFT)
        for index, (number, score) in enumerate(zip(numbers, scores, strict=True))
    )
    return FrameVerdicts(frames.instance, verdicts, _gate(frames.instance, verdicts, likeness))


def require_frames(frames: Sequence[FrameVerdicts]) -> tuple[GateResult, ...]:
    """Return the gate's verdict on every instance; raise :class:`FramesRefusedByGate` if no frame of any is accepted.

    An instance without an accepted frame beside others that have some is left out by the app, and its verdict, not
    passed, stands in the report.
    """
    if not any(each.accepted for each in frames):
        raise FramesRefusedByGate(Reason.DOMAIN_SHIFT, described(frames), frames)
    return tuple(each.gate for each in frames)


def described(frames: Sequence[FrameVerdicts]) -> str:
    """Return in one sentence what was found of each instance."""
    return "; ".join(f"{each.instance.name}: {each.gate.detail}" for each in frames)


def _gate(instance: Instance, verdicts: Sequence[FrameVerdict], likeness: Likeness) -> GateResult:
    scores = [verdict.score for verdict in verdicts]
    refused = [verdict for verdict in verdicts if verdict.reason is not None]
    threshold = likeness.threshold
    figures = (
        plain(LOWEST_SCORE, min(scores)),
        plain(HIGHEST_SCORE, max(scores)),
        plain(SCORE_THRESHOLD, threshold.score),
        percent(SHARE_ACCEPTED, 1 - len(refused) / len(verdicts)),
        percent(TARGET_ACCEPTED, threshold.passing),
    )
    detail = (
        f"{len(verdicts) - len(refused)} of {len(verdicts)} frames are like "
        f"{threshold.description} ({likeness.method.value}, at least {threshold.score:.3g} must be)"
        f"{_named(refused)}"
    )
    if len(refused) == len(verdicts):
        return gate_failed(DOMAIN_GATE, Reason.DOMAIN_SHIFT, detail, figures).about(instance.name)
    return gate_passed(DOMAIN_GATE, detail, figures).about(instance.name)


def _named(refused: Sequence[FrameVerdict]) -> str:
    if not refused:
        return ""
    named = ", ".join(f"{verdict.number} ({verdict.score:.3g})" for verdict in refused[:_NAMED])
    rest = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    return f"; refused: {named}{rest}"
