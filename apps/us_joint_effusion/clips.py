"""The pictures and clips of a series: which frames the network may judge, and the effusion that it outlines in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.us_joint_effusion.effusions import Effusion, effusion_mask, measure_effusion, noise_level, other_outlines
from apps.us_joint_effusion.joints import Joint, joint_of
from apps.us_joint_effusion.model import Model
from operators.check.checked_tissue import CheckedTissue
from operators.check.frames import FrameVerdicts
from operators.measure.least_area import LeastArea
from operators.read.ultrasound import TissueFrames


@dataclass(frozen=True, eq=False)
class Clip:
    """One instance, a picture or a clip: its joint, its tissue, the verdict on each frame, and each frame's effusion.

    ``masks`` (frame, row, column) lie on the tissue; those of refused frames are empty, and their effusion is None.
    ``noise`` is the noise level of each frame; that of one frame is high where it is above ``usual_noise``.
    """

    joint: Joint
    tissue: TissueFrames
    verdicts: FrameVerdicts
    masks: NDArray[np.bool_]
    effusions: tuple[Effusion | None, ...]
    noise: tuple[float, ...]
    usual_noise: float


def find_effusions(
    pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...], model: Model, least: LeastArea
) -> tuple[Clip, ...]:
    """Outline and measure the effusion of every accepted frame."""
    return tuple(_clip(tissue, judged, model, least) for tissue, judged in zip(pictures.tissue, verdicts, strict=True))


def _clip(tissue: TissueFrames, verdicts: FrameVerdicts, model: Model, least: LeastArea) -> Clip:
    masks = np.zeros(tissue.array.shape, dtype=bool)
    effusions: list[Effusion | None] = [None] * len(masks)
    # One frame after the other: the probabilities of a whole clip need not be kept.
    for index in verdicts.accepted:
        picture = tissue.array[index]
        probability = model.probability(picture)
        masks[index] = effusion_mask(probability, tissue.spacing, least)
        others = other_outlines(probability, tissue.spacing, least)
        effusions[index] = measure_effusion(masks[index], picture, probability, tissue.spacing, others=others)
    noise = tuple(noise_level(picture) for picture in tissue.array)
    return Clip(joint_of(tissue.frames), tissue, verdicts, masks, tuple(effusions), noise, model.usual_noise)
