"""The pictures and clips of a series: which frames the network may judge, and the masses that it outlines in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.us_breast_lesion.following import Labels, follow
from apps.us_breast_lesion.masses import Mass, mass_labels, measure_mass
from apps.us_breast_lesion.model import Model
from operators.check.checked_tissue import CheckedTissue
from operators.check.frames import FrameVerdicts
from operators.infer.pictures import picture_probabilities
from operators.measure.least_area import LeastArea
from operators.read.ultrasound import TissueFrames
from operators.write.numbered_names import distinct_names


@dataclass(frozen=True)
class Measured:
    """A mass of a clip: its label, the frame that it is largest in and is measured in, and all that it is outlined in.

    Frames count from 0, of those of the clip's tissue.
    """

    number: int
    index: int
    mass: Mass
    frames: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Clip:
    """One instance: its name, its tissue, the verdict on each frame, and its masses, the largest first.

    ``labels`` (frame, row, column) lie on the tissue: 0, or the number of the mass; those of refused frames are 0.
    """

    name: str
    tissue: TissueFrames
    verdicts: FrameVerdicts
    labels: NDArray[np.uint16]
    measured: tuple[Measured, ...]

    @property
    def largest(self) -> Measured | None:
        """The largest mass; None where no frame has any."""
        return self.measured[0] if self.measured else None

    def frame_number(self, index: int) -> int | None:
        """The number, from 1, of a frame in its instance; None where that has only one."""
        return self.tissue.frames.frame_numbers[index] + 1 if len(self.labels) > 1 else None

    def frame_name(self, index: int) -> str:
        """A frame of a clip, or a single picture, as people call it."""
        number = self.frame_number(index)
        return self.name if number is None else f"{self.name}, frame {number}"


def find_masses(
    pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...], model: Model, smallest: LeastArea
) -> tuple[Clip, ...]:
    """Outline and measure the masses of every accepted frame."""
    # Two instances of one number would have one tracking identifier.
    names = distinct_names(tissue.frames.instance.name for tissue in pictures.tissue)
    return tuple(
        _clip(name, tissue, judged, model, smallest)
        for name, tissue, judged in zip(names, pictures.tissue, verdicts, strict=True)
    )


def _clip(name: str, tissue: TissueFrames, verdicts: FrameVerdicts, model: Model, smallest: LeastArea) -> Clip:
    labels = np.zeros(tissue.array.shape, dtype=np.uint16)
    outlined: dict[int, list[Mass]] = {}
    # One frame after the other: the probabilities of a whole clip need not be kept.
    for index in verdicts.accepted:
        frame = tissue.array[index : index + 1]
        (probability,) = picture_probabilities(model.network, frame, model.pixels, device=model.device)
        found = mass_labels(probability, tissue.spacing, smallest)
        labels[index] = found
        outlined[index] = [
            measure_mass(found == label, probability, tissue.spacing) for label in range(1, int(found.max()) + 1)
        ]
    return Clip(name, tissue, verdicts, *number_masses(labels, outlined))


def number_masses(
    labels: Labels, outlined: Mapping[int, Sequence[Mass]]
) -> tuple[NDArray[np.uint16], tuple[Measured, ...]]:
    """Return the labels with one number for a mass in all frames, the largest being 1, and the masses in that order.

    ``labels`` are (frame, row, column), each frame's its own; ``outlined`` are the masses of the accepted frames in the
    order of these labels.
    """
    followed = dict(zip(outlined, follow([labels[index] for index in outlined]), strict=True))
    sections: dict[int, dict[int, Mass]] = defaultdict(dict)
    for index, masses in followed.items():
        for mass, section in zip(masses, outlined[index], strict=True):
            sections[mass][index] = section
    largest = {mass: max(found, key=lambda index: found[index].figures.area) for mass, found in sections.items()}
    order = sorted(sections, key=lambda mass: -sections[mass][largest[mass]].figures.area)
    numbers = {mass: number for number, mass in enumerate(order, start=1)}
    numbered = np.zeros(labels.shape, dtype=np.uint16)
    for index, masses in followed.items():
        numbered[index] = np.array([0, *(numbers[mass] for mass in masses)], dtype=np.uint16)[labels[index]]
    return numbered, tuple(
        Measured(numbers[mass], largest[mass], sections[mass][largest[mass]], tuple(sections[mass])) for mass in order
    )
