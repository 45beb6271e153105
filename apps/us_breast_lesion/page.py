"""The summary page: the frames of each picture or clip in which a mass is measured, with outlines and axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.clips import Clip, Measured
from apps.us_breast_lesion.report import MASS_COLOUR
from operators.manifest import Manifest
from operators.write.pages.picture_page import OutlinedPicture, PicturePage, draw_pictures

_MOST = 6
"""Pictures on the page."""


def summary_page(clips: Sequence[Clip], summary: str, manifest: Manifest) -> NDArray[np.uint8]:
    """Draw the page, (row, column, 3) in sRGB: of clips with an accepted frame those with the largest masses first."""
    shown = [(clip, index) for clip in clips for index in _shown_frames(clip)]
    shown.sort(key=lambda each: _size(*each), reverse=True)
    lines = [summary]
    if len(shown) > _MOST:
        lines.append(f"{_MOST} of {len(shown)} pictures are shown")
    pictures = [_picture(clip, index) for clip, index in shown[:_MOST]]
    return draw_pictures(PicturePage(manifest.application.title, lines, manifest.footer, pictures, MASS_COLOUR))


def _size(clip: Clip, index: int) -> tuple[bool, bool, float]:
    """Sorts frames by their largest mass, calibrated ones above others, as the summary does; last, those without."""
    areas = [(each.mass.is_calibrated, each.mass.figures.area) for each in clip.measured if each.index == index]
    return (True, *max(areas)) if areas else (False, False, 0.0)


def _shown_frames(clip: Clip) -> list[int]:
    """The measured frames, else the accepted one that is most like the training data; none where none is accepted."""
    if clip.measured:
        return sorted({each.index for each in clip.measured})
    if not clip.verdicts.accepted:
        return []
    return [max(clip.verdicts.accepted, key=lambda index: clip.verdicts.verdicts[index].score)]


def _picture(clip: Clip, index: int) -> OutlinedPicture:
    tissue, labels = clip.tissue, clip.labels[index]
    masses = sorted((each for each in clip.measured if index in each.frames), key=lambda each: _column(labels, each))
    drawn = [each.mass.figures for each in masses if each.index == index]
    said = [_said(clip, each, index) for each in masses]
    if len(clip.measured) > 1:
        # Their outlines bear no numbers: the caption has them in the order in which they lie.
        said = [f"mass {each.number}, {words}" for each, words in zip(masses, said, strict=True)]
    ordered = ", from the left" if len(said) > 1 else ""
    return OutlinedPicture(
        tissue.array[index],
        labels > 0,
        f"{clip.frame_name(index)}{ordered}: {'; '.join(said) or 'no mass'}",
        [ends for figures in drawn for ends in (figures.long_ends, figures.short_ends)],
        tissue.spacing or (1.0, 1.0),
    )


def _said(clip: Clip, measured: Measured, index: int) -> str:
    if measured.index != index:
        return f"measured in frame {clip.frame_number(measured.index)}"
    figures = measured.mass.figures
    size = f"{figures.long_axis:.1f} x {figures.short_axis:.1f} mm" if measured.mass.is_calibrated else "not calibrated"
    return f"{size}, cut by the edge" if measured.mass.is_cut else size


def _column(labels: NDArray[np.uint16], measured: Measured) -> float:
    return float(np.nonzero(labels == measured.number)[1].mean())
