"""A breast examination as a scanner sends it: a picture of each plane and a clip through the lesion, in one series."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from phantoms.identity import derived_uid
from phantoms.sonography.breast import Lesion, SimulatedSonogram, simulate_breast
from phantoms.sonography.dicom import WrittenSonogram, write_sonogram
from phantoms.sonography.speckle import REFERENCE, Scanner

_FIRST_PLANE, _LAST_PLANE = -1.2, 0.9
"""The sweep begins before the lesion and stops within it: its largest section is not in the middle of the clip."""


def simulate_breast_clip(
    lesion: Lesion,
    *,
    seed: int,
    frames: int = 9,
    shape: tuple[int, int] = (256, 256),
    spacing: float = 0.15,
    scanner: Scanner = REFERENCE,
) -> list[SimulatedSonogram]:
    """Simulate planes through a lesion one after the other, with the arguments of :func:`simulate_breast`."""
    return [
        simulate_breast(lesion, seed=seed, shape=shape, spacing=spacing, scanner=scanner, sweep=float(sweep))
        for sweep in np.linspace(_FIRST_PLANE, _LAST_PLANE, frames)
    ]


def write_breast_study(folder: Path, lesion: Lesion, *, seed: int) -> list[WrittenSonogram]:
    """Write two pictures of the left breast, the second with calipers, and a clip of nine frames."""
    first, second = (simulate_breast(lesion, seed=seed, sweep=sweep) for sweep in (0.0, 0.4))
    clip = simulate_breast_clip(lesion, seed=seed)
    study = derived_uid("breast", seed, lesion.value)
    write = partial(
        write_sonogram,
        folder=folder,
        seed=seed,
        BodyPartExamined="BREAST",
        Laterality="L",
        StudyInstanceUID=study,
        SeriesInstanceUID=derived_uid(study, 1),
    )
    return [write([first], instance=1), write([second], instance=2, calipers=True), write(clip, instance=3)]
