"""What is said of each joint: the frame with the thickest effusion, or that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from apps.us_joint_effusion.clips import Clip
from apps.us_joint_effusion.effusions import Effusion
from apps.us_joint_effusion.joints import Joint


@dataclass(frozen=True, eq=False)
class Shown:
    """One frame of a clip; ``clip`` is the clip's place among all, ``frame`` the frame's in it, both from 0."""

    clip: int
    frame: int


@dataclass(frozen=True, eq=False)
class JointFinding:
    """What all pictures and clips of one joint together tell.

    ``shown`` is the frame with the thickest effusion, or the one most like the training data where there is none;
    ``effusion`` is that of the frame, None for a dry joint. ``accepted`` frames were judged, ``wet`` of them show
    fluid. Where no frame was accepted, nothing is known of the joint.
    """

    joint: Joint
    shown: Shown
    effusion: Effusion | None
    accepted: int
    wet: int

    @property
    def is_known(self) -> bool:
        """Whether any frame of the joint could be judged."""
        return self.accepted > 0


def joint_findings(clips: tuple[Clip, ...]) -> tuple[JointFinding, ...]:
    """Return one finding for each joint and side, in the order of the clips.

    Thickness in mm goes before thickness in pixels: frames of different scale cannot be compared by pixels.
    """
    joints = dict.fromkeys(clip.joint for clip in clips)
    return tuple(_finding(joint, clips) for joint in joints)


def _finding(joint: Joint, clips: tuple[Clip, ...]) -> JointFinding:
    own = [(number, clip) for number, clip in enumerate(clips) if clip.joint == joint]
    wet = [
        ((effusion.is_calibrated, effusion.thickness.length), Shown(number, frame), effusion)
        for number, clip in own
        for frame, effusion in enumerate(clip.effusions)
        if effusion is not None
    ]
    accepted = sum(len(clip.verdicts.accepted) for _, clip in own)
    if wet:
        _, shown, effusion = max(wet, key=lambda each: each[0])
        return JointFinding(joint, shown, effusion, accepted, len(wet))
    best = [(clip.verdicts.best.score, Shown(number, clip.verdicts.best.index)) for number, clip in own]
    return JointFinding(joint, max(best, key=lambda each: each[0])[1], None, accepted, 0)
