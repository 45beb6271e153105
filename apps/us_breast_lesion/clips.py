"""The pictures and clips of a series: which frames the network may judge, and the mass that it outlines in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.masses import Mass, mass_masks, measure_mass
from apps.us_breast_lesion.model import Model
from operators.check.checked_tissue import CheckedTissue, read_checked_tissue
from operators.check.frames import FramesRefusedByGate, FrameVerdicts, judge_frames, require_frames
from operators.check.gate import GateResult
from operators.infer.pictures import network_profiles, picture_probabilities
from operators.measure.least_area import LeastArea
from operators.read.selection import Selection
from operators.read.ultrasound import TissueFrames


@dataclass(frozen=True)
class Measured:
    """The frame that is measured, and its mass."""

    index: int
    mass: Mass


@dataclass(frozen=True, eq=False)
class Clip:
    """One instance: its tissue, the verdict on each frame, and each frame's mass.

    ``masks`` (frame, row, column) lie on the tissue; those of refused frames are empty, and their mass is None.
    """

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
        name, number = self.tissue.frames.instance.name, self.frame_number(index)
        return name if number is None else f"{name}, frame {number}"


def read_tissue(selection: Selection) -> CheckedTissue:
    """Read every instance of the chosen series."""
    return read_checked_tissue(selection.series["sonogram"])


def judge(pictures: CheckedTissue, model: Model) -> tuple[FrameVerdicts, ...]:
    """Judge every frame of every instance. Raises :class:`FramesRefusedByGate` where none is accepted."""
    verdicts = tuple(
        judge_frames(each.frames, network_profiles(each.array, model.pixels), model.likeness)
        for each in pictures.tissue
    )
    try:
        require_frames(verdicts)
    except FramesRefusedByGate as refused:
        # The report of the refusal tells of the instances that could not be read, too.
        refused.gates = (*pictures.gates, *refused.gates)
        raise
    return verdicts


def gate_results(pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...]) -> tuple[GateResult, ...]:
    """Return the verdicts on every instance: can it be read, and is it like what the network knows."""
    return (*pictures.gates, *(each.gate for each in verdicts))


def find_masses(
    pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...], model: Model, smallest: LeastArea
) -> tuple[Clip, ...]:
    """Outline and measure the mass of every accepted frame."""
    return tuple(
        _clip(tissue, judged, model, smallest) for tissue, judged in zip(pictures.tissue, verdicts, strict=True)
    )


def _clip(tissue: TissueFrames, verdicts: FrameVerdicts, model: Model, smallest: LeastArea) -> Clip:
    masks = np.zeros(tissue.array.shape, dtype=bool)
    masses: list[Mass | None] = [None] * len(masks)
    # One frame after the other: the probabilities of a whole clip need not be kept.
    for index in verdicts.accepted:
        frame = tissue.array[index : index + 1]
        probability = picture_probabilities(model.network, frame, model.pixels, device=model.device)
        masks[index] = mass_masks(probability, tissue.spacing, smallest)[0]
        masses[index] = measure_mass(masks[index], probability[0], tissue.spacing)
    return Clip(tissue, verdicts, masks, tuple(masses))
