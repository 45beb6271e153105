"""The summary page: each joint's measured frame with its outline, long axis and thickness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.us_joint_effusion.clips import Clip
from apps.us_joint_effusion.findings import JointFinding
from apps.us_joint_effusion.report import EFFUSION_COLOUR
from operators.manifest import Manifest
from operators.write.pages.picture_page import OutlinedPicture, PicturePage, draw_pictures

_MOST = 6
"""Pictures on the page."""


def summary_page(
    findings: Sequence[JointFinding], clips: Sequence[Clip], lines: Sequence[str], manifest: Manifest
) -> NDArray[np.uint8]:
    """Draw the page, (row, column, 3) in sRGB: joints with the thickest effusions first, then dry ones."""
    ordered = sorted((finding for finding in findings if finding.is_known), key=_thickness, reverse=True)
    pictures = [_picture(finding, clips[finding.shown.clip]) for finding in ordered[:_MOST]]
    said = [*lines, *([f"{_MOST} of {len(ordered)} joints are shown"] if len(ordered) > _MOST else [])]
    return draw_pictures(PicturePage(manifest.application.title, said, manifest.footer, pictures, EFFUSION_COLOUR))


def _thickness(finding: JointFinding) -> tuple[bool, bool, float]:
    """Sorts effusions by thickness, calibrated ones above others; last, dry joints."""
    if (effusion := finding.effusion) is None:
        return False, False, 0.0
    return True, effusion.is_calibrated, effusion.thickness.length


def _picture(finding: JointFinding, clip: Clip) -> OutlinedPicture:
    effusion, frame = finding.effusion, finding.shown.frame
    axes = () if effusion is None else (effusion.figures.long_ends, effusion.thickness.ends)
    said = "no effusion" if effusion is None else "not calibrated"
    if effusion is not None and effusion.is_calibrated:
        said = f"{effusion.thickness.length:.1f} mm thick"
    return OutlinedPicture(
        clip.tissue.array[frame],
        clip.masks[frame],
        f"{finding.joint.title}: {said}",
        axes,
        clip.tissue.spacing or (1.0, 1.0),
    )
