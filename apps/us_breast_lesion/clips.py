"""The pictures and clips of a series: which frames the network may judge, and the mass that it outlines in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.masses import Mass, mass_masks, measure_mass
from apps.us_breast_lesion.model import Model
from operators.check.checked_tissue import CheckedTissue
from operators.check.frames import FrameVerdicts
from operators.infer.pictures import picture_probabilities
from operators.measure.least_area import LeastArea
from operators.read.ultrasound import TissueFrames
from operators.write.numbered_names import distinct_names


@dataclass(frozen=True)
class Measured:
    """The frame that is measured, and its mass."""

    index: int
    mass: Mass


@dataclass(frozen=True, eq=False)
class Clip:
    """One instance: its name, its tissue, the verdict on each frame, and each frame's mass.

    ``masks`` (frame, row, column) lie on the tissue; those of refused frames are empty, and their mass is None.
    """

    name: str
    tissue: TissueFrames
    verdicts: FrameVerdicts
    masks: NDArray[np.bool_]
    masses: tuple[Mass | None, ...]

    @property
    def measured(self) -> Measured | None:
        """The frame with the largest mass; None where none has any."""
        found = [Measured(index, mass) for index, mass in enumerate(self.masses) if mass is not None]
        return max(found, key=lambda each: each.mass.figures.area) if found else None

    def frame_number(self, index: int) -> int | None:
        """The number, from 1, of a frame in its instance; None where that has only one."""
        return self.tissue.frames.frame_numbers[index] + 1 if len(self.masses) > 1 else None

    def frame_name(self, index: int) -> str:
        """A frame of a clip, or a single picture, as people call it."""
        number = self.frame_number(index)
        return self.name if number is None else f"{self.name}, frame {number}"


def find_masses(
    pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...], model: Model, smallest: LeastArea
) -> tuple[Clip, ...]:
    """Outline and measure the mass of every accepted frame."""
    # Two instances of one number would have one tracking identifier.
    names = distinct_names(tissue.frames.instance.name for tissue in pictures.tissue)
    return tuple(
        _clip(name, tissue, judged, model, smallest)
        for name, tissue, judged in zip(names, pictures.tissue, verdicts, strict=True)
    )


def _clip(name: str, tissue: TissueFrames, verdicts: FrameVerdicts, model: Model, smallest: LeastArea) -> Clip:
    masks = np.zeros(tissue.array.shape, dtype=bool)
    masses: list[Mass | None] = [None] * len(masks)
    # One frame after the other: the probabilities of a whole clip need not be kept.
    for index in verdicts.accepted:
        frame = tissue.array[index : index + 1]
        probability = picture_probabilities(model.network, frame, model.pixels, device=model.device)
        masks[index] = mass_masks(probability, tissue.spacing, smallest)[0]
        masses[index] = measure_mass(masks[index], probability[0], tissue.spacing)
    return Clip(name, tissue, verdicts, masks, tuple(masses))
