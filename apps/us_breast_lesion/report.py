"""What the result objects say of the clips: segments, measurement groups, evaluations."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from apps.us_breast_lesion.clips import Clip, Measured
from apps.us_breast_lesion.masses import Mass
from operators.measure.concepts import ABSENT, CONFIDENCE, MILLIMETRE, NO_UNITS, SCALE, SQUARE_MILLIMETRE, STATEMENT
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.measure.region import ImageRegion
from operators.refused import CODING_SCHEME
from operators.write.segment import Segment

MASS_COLOUR = (255, 200, 40)

HEIGHT_TO_WIDTH = Code("height-to-width-ratio", CODING_SCHEME, "Height by width")

ABSENCE = Evaluation(codes.SCT.Mass, ABSENT)

_SIDES = {"L": codes.SCT.Left, "R": codes.SCT.Right}


def tracking_identifier(clip: Clip, measured: Measured) -> str:
    """Return what a mass of an instance is called: with its number where there are several."""
    return f"{_label(clip, measured)}, {clip.name}"


def laterality(clip: Clip) -> Code | None:
    """Return the side that the header tells, None where it tells none or both."""
    return _SIDES.get(clip.tissue.frames.laterality or "")


def segments(clip: Clip) -> list[Segment]:
    """Return the segments of an instance's Segmentation: one for each mass, the largest first."""
    return [
        Segment(
            number=each.number,
            label=_label(clip, each),
            category=codes.SCT.MorphologicallyAbnormalStructure,
            type=codes.SCT.Mass,
            tracking_identifier=tracking_identifier(clip, each),
            colour=MASS_COLOUR,
            anatomic_region=codes.SCT.Breast,
            laterality=laterality(clip),
        )
        for each in clip.measured
    ]


def measurement_groups(clips: Sequence[Clip], outputs: Sequence[str | None]) -> list[MeasurementGroup]:
    """Return one planar group for each mass of each instance: of the frame that it is measured in.

    ``outputs`` names each clip's Segmentation, None where there is none.
    """
    return [
        _group(clip, measured, output)
        for clip, output in zip(clips, outputs, strict=True)
        if output is not None
        for measured in clip.measured
    ]


def evaluations(clips: Sequence[Clip]) -> list[Evaluation]:
    """Return where no mass was outlined; absent is said of the whole series, and only if there is none in all of it."""
    without = [clip for clip in clips if not clip.measured and clip.verdicts.accepted]
    if not without:
        return []
    if any(clip.measured for clip in clips):
        where, absent = ", ".join(clip.name for clip in without), []
    else:
        accepted = sum(len(clip.verdicts.accepted) for clip in without)
        where, absent = f"{accepted} analysed {'frame' if accepted == 1 else 'frames'}", [ABSENCE]
    words = f"no mass segmented in {where}; that none is outlined does not mean that there is none"
    return [*absent, Evaluation(STATEMENT, words)]


def _label(clip: Clip, measured: Measured) -> str:
    return "Mass" if len(clip.measured) == 1 else f"Mass {measured.number}"


def _group(clip: Clip, measured: Measured, output: str) -> MeasurementGroup:
    index, mass = measured.index, measured.mass
    # A Segmentation has all frames of its first mass, then those of the next.
    before = sum(len(each.frames) for each in clip.measured if each.number < measured.number)
    place = 1 + before + measured.frames.index(index)
    comment = f"Measured in {clip.frame_name(index)}"
    if len(clip.labels) > 1:
        comment += f", where it is largest; it is outlined in {len(measured.frames)} of {_analysed(clip)}"
    if len(clip.measured) > 1:
        comment += f". One of {len(clip.measured)} masses in {clip.name}"
    if mass.is_cut:
        comment += ". The mass is cut by the edge of the picture: it may be larger and of another shape"
    if not mass.is_calibrated:
        comment += ". The picture has no scale: there are no lengths and no area"
    return MeasurementGroup(
        tracking_identifier=tracking_identifier(clip, measured),
        finding=codes.SCT.Mass,
        finding_site=codes.SCT.Breast,
        laterality=laterality(clip),
        segment=SegmentReference(output, measured.number, frames=(place,)),
        measurements=_measurements(clip, index, mass),
        evaluations=() if mass.is_calibrated else (Evaluation(SCALE, "not calibrated"),),
        comment=comment,
    )


def _analysed(clip: Clip) -> str:
    count = len(clip.verdicts.accepted)
    return f"{count} analysed {'frame' if count == 1 else 'frames'}"


def _measurements(clip: Clip, index: int, mass: Mass) -> tuple[Measurement, ...]:
    confidence = Measurement(CONFIDENCE, round(mass.confidence, 4), NO_UNITS)
    if not mass.is_calibrated:
        return (confidence,)
    figures = mass.figures
    long, short = (_line(clip, index, ends) for ends in (figures.long_ends, figures.short_ends))
    return (
        Measurement(codes.SCT.Area, round(figures.area, 2), SQUARE_MILLIMETRE),
        Measurement(codes.SCT.LongAxis, round(figures.long_axis, 2), MILLIMETRE, sources=(long,)),
        Measurement(codes.SCT.ShortAxis, round(figures.short_axis, 2), MILLIMETRE, sources=(short,)),
        Measurement(codes.SCT.Perimeter, round(figures.perimeter, 2), MILLIMETRE),
        Measurement(HEIGHT_TO_WIDTH, round(mass.height_to_width, 3), NO_UNITS),
        confidence,
    )


def _line(clip: Clip, index: int, ends: tuple[tuple[float, float], tuple[float, float]]) -> ImageRegion:
    """An axis on the source image, whose coordinates begin at the outer corner of the first pixel."""
    tissue = clip.tissue
    points = tuple((column + tissue.left + 0.5, row + tissue.top + 0.5) for row, column in ends)
    return ImageRegion(tissue.frames.instance.header, "POLYLINE", points, clip.frame_number(index))
