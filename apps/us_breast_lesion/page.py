"""The summary page: the measured frame of each picture or clip with its outline and axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.clips import Clip
from apps.us_breast_lesion.report import MASS_COLOUR
from operators.manifest import Manifest
from operators.write.pages.picture_page import OutlinedPicture, PicturePage, draw_pictures

_MOST = 6
"""Pictures on the page."""


def summary_page(clips: Sequence[Clip], summary: str, manifest: Manifest) -> NDArray[np.uint8]:
    """Draw the page, (row, column, 3) in sRGB: of clips with an accepted frame those with the largest masses first."""
    ordered = sorted(clips, key=_size, reverse=True)
    pictures = [_picture(clip, index) for clip in ordered if (index := _shown_frame(clip)) is not None]
    lines = [summary]
    if len(pictures) > _MOST:
        lines.append(f"{_MOST} of {len(pictures)} pictures are shown")
    return draw_pictures(PicturePage(manifest.application.title, lines, manifest.footer, pictures[:_MOST], MASS_COLOUR))


def _size(clip: Clip) -> tuple[bool, bool, float]:
    """Sorts masses by size, calibrated ones above others, as the summary does; last, clips without any."""
    if (measured := clip.measured) is None:
        return False, False, 0.0
    return True, measured.mass.is_calibrated, measured.mass.figures.area


def _shown_frame(clip: Clip) -> int | None:
    """The measured frame, else the accepted one that is most like the training data; None where none is accepted."""
    if (measured := clip.measured) is not None:
        return measured.index
    if not clip.verdicts.accepted:
        return None
    return max(clip.verdicts.accepted, key=lambda index: clip.verdicts.verdicts[index].score)


def _picture(clip: Clip, index: int) -> OutlinedPicture:
    mass, tissue = clip.masses[index], clip.tissue
    name = clip.frame_name(index)
    if mass is None:
        return OutlinedPicture(
            tissue.array[index], clip.masks[index], f"{name}: no mass", spacing=tissue.spacing or (1.0, 1.0)
        )
    figures = mass.figures
    size = f"{figures.long_axis:.1f} x {figures.short_axis:.1f} mm" if mass.is_calibrated else "not calibrated"
    return OutlinedPicture(
        tissue.array[index],
        clip.masks[index],
        f"{name}: {size}",
        (figures.long_ends, figures.short_ends),
        tissue.spacing or (1.0, 1.0),
    )
