"""What the result objects say of the joints: segments, measurement groups, evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from apps.us_joint_effusion.clips import Clip
from apps.us_joint_effusion.effusions import Effusion
from apps.us_joint_effusion.findings import JointFinding, Shown
from apps.us_joint_effusion.joints import Joint
from operators.measure.concepts import ABSENT, CONFIDENCE, MILLIMETRE, NO_UNITS, PRESENT, SCALE, SQUARE_MILLIMETRE
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.measure.region import ImageRegion
from operators.refused import CODING_SCHEME
from operators.write.segment import Segment

EFFUSION_COLOUR = (80, 200, 255)

ECHO_LEVEL = Code("mean-echo-level", CODING_SCHEME, "Mean echo level inside the outline (0 to 1)")
NOISE = Code("noise", CODING_SCHEME, "Noise (standard deviation)")
NOISE_RATING = Code("noise-rating", CODING_SCHEME, "Noise of the picture")
USUAL_NOISE = Code("usual-noise", CODING_SCHEME, "As in the pictures of training")
HIGH_NOISE = Code("high-noise", CODING_SCHEME, "Higher than in the pictures of training")
MAXIMUM_THICKNESS = "Maximum thickness of the fluid along the beam"


def tracking_identifier(joint: Joint) -> str:
    """Return what the effusion of a joint is called, in every study of the patient."""
    return f"Effusion: {joint.title}"


def segments(clip: Clip) -> list[Segment]:
    """Return the one segment of an instance's Segmentation."""
    return [
        Segment(
            number=1,
            label="Effusion",
            category=codes.SCT.MorphologicallyAbnormalStructure,
            type=codes.SCT.Effusion,
            tracking_identifier=tracking_identifier(clip.joint),
            colour=EFFUSION_COLOUR,
            anatomic_region=clip.joint.region,
            laterality=clip.joint.laterality,
        )
    ]


def measurement_groups(
    findings: Sequence[JointFinding], clips: Sequence[Clip], outputs: Sequence[str | None]
) -> list[MeasurementGroup]:
    """Return one group for each joint: of its measured frame, or of a dry joint.

    ``outputs`` names each clip's Segmentation, None where there is none.
    """
    return [_group(finding, clips[finding.shown.clip], outputs[finding.shown.clip]) for finding in findings]


def frame_name(clip: Clip, frame: int) -> str:
    """Return a frame of a clip, or a single picture, as people call it."""
    name = clip.tissue.frames.instance.name
    return f"{name}, frame {clip.tissue.frames.frame_numbers[frame] + 1}" if len(clip.masks) > 1 else name


def source_frame(clip: Clip, shown: Shown) -> int | None:
    """Return the number (from 1) of a frame in its instance; None in a single picture."""
    return clip.tissue.frames.frame_numbers[shown.frame] + 1 if len(clip.masks) > 1 else None


def frames_of(finding: JointFinding) -> str:
    """Return how many frames were analysed, in words."""
    return f"{finding.accepted} analysed {'frame' if finding.accepted == 1 else 'frames'}"


def others_of(effusion: Effusion) -> str:
    """Return in words how many outlines of its frame are not measured."""
    return f"{effusion.others} smaller {'outline' if effusion.others == 1 else 'outlines'} in that frame not measured"


def _group(finding: JointFinding, clip: Clip, output: str | None) -> MeasurementGroup:
    joint, effusion = finding.joint, finding.effusion
    group = MeasurementGroup(
        tracking_identifier=tracking_identifier(joint),
        finding=codes.SCT.Effusion,
        finding_site=joint.region,
        laterality=joint.laterality,
    )
    if not finding.is_known:
        return replace(group, comment="Not judged: no frame is like those that the app was made for")
    noise = clip.noise[finding.shown.frame]
    rating = Evaluation(NOISE_RATING, USUAL_NOISE if noise <= clip.usual_noise else HIGH_NOISE)
    noise_measured = Measurement(NOISE, round(noise, 4), NO_UNITS)
    if effusion is None or output is None:
        return replace(
            group,
            measurements=(noise_measured,),
            evaluations=(Evaluation(codes.SCT.Effusion, ABSENT), rating),
            comment=f"No effusion in {frames_of(finding)}; that none is outlined does not mean that there is none",
        )
    # Only frames with fluid are in the Segmentation.
    place = sum(bool(mask.any()) for mask in clip.masks[: finding.shown.frame]) + 1
    comment = f"Measured in {frame_name(clip, finding.shown.frame)}"
    if finding.accepted > 1:
        comment += f", where the fluid is thickest; it is outlined in {finding.wet} of {frames_of(finding)}"
    if effusion.others:
        comment += f". {others_of(effusion)}"
    scale: tuple[Evaluation, ...] = ()
    if not effusion.is_calibrated:
        comment += ". The picture has no scale: there are no lengths and no area"
        scale = (Evaluation(SCALE, "not calibrated"),)
    return replace(
        group,
        segment=SegmentReference(output, 1, frames=(place,)),
        measurements=(*_measurements(clip, finding.shown, effusion), noise_measured),
        evaluations=(Evaluation(codes.SCT.Effusion, PRESENT), rating, *scale),
        comment=comment,
    )


def _measurements(clip: Clip, shown: Shown, effusion: Effusion) -> tuple[Measurement, ...]:
    plain = (
        Measurement(ECHO_LEVEL, round(effusion.echo_level, 4), NO_UNITS),
        Measurement(CONFIDENCE, round(effusion.confidence, 4), NO_UNITS),
    )
    if not effusion.is_calibrated:
        return plain
    figures = effusion.figures
    thickness, long, short = (
        _line(clip, shown, ends) for ends in (effusion.thickness.ends, figures.long_ends, figures.short_ends)
    )
    return (
        Measurement(codes.SCT.Area, round(figures.area, 2), SQUARE_MILLIMETRE),
        Measurement(
            codes.SCT.Depth,
            round(effusion.thickness.length, 2),
            MILLIMETRE,
            equivalent_meaning=MAXIMUM_THICKNESS,
            sources=(thickness,),
        ),
        Measurement(codes.SCT.LongAxis, round(figures.long_axis, 2), MILLIMETRE, sources=(long,)),
        Measurement(codes.SCT.ShortAxis, round(figures.short_axis, 2), MILLIMETRE, sources=(short,)),
        *plain,
    )


def _line(clip: Clip, shown: Shown, ends: tuple[tuple[float, float], tuple[float, float]]) -> ImageRegion:
    """An axis on the source image, whose coordinates begin at the outer corner of the first pixel."""
    tissue = clip.tissue
    points = tuple((column + tissue.left + 0.5, row + tissue.top + 0.5) for row, column in ends)
    return ImageRegion(tissue.frames.instance.header, "POLYLINE", points, source_frame(clip, shown))
