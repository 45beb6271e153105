"""Examinations as a scanner sends them: two pictures and a clip, in one series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import UID

from phantoms.identity import derived_uid
from phantoms.sonography.breast import Lesion, SimulatedSonogram, simulate_breast
from phantoms.sonography.dicom import WrittenSonogram, write_sonogram
from phantoms.sonography.joint import simulate_joint
from phantoms.sonography.speckle import REFERENCE, Scanner

_FIRST_PLANE, _LAST_PLANE = -1.2, 0.9
"""The sweep begins before the lesion and stops within it: its largest section is not in the middle of the clip."""
_SECTIONS = 7
"""Of a joint in an examination: two pictures and the frames of the clip."""


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
    pictures = [simulate_breast(lesion, seed=seed, sweep=sweep) for sweep in (0.0, 0.4)]
    clip = simulate_breast_clip(lesion, seed=seed)
    study = derived_uid("breast", seed, lesion.value)
    return _write(folder, pictures, clip, study, seed=seed, BodyPartExamined="BREAST", Laterality="L")


def write_joint_study(folder: Path, *, effusion: bool, seed: int) -> list[WrittenSonogram]:
    """Write two pictures of a joint of the left index finger, the second with calipers, and a clip of five frames.

    Each picture and each frame is a section of an anatomy of its own, all with an effusion or all without.
    """
    first, second, *clip = (simulate_joint(effusion=effusion, seed=_SECTIONS * seed + n) for n in range(_SECTIONS))
    # A study of its own, and series of another number: a patient may have both examinations.
    return _write(
        folder,
        [first, second],
        clip,
        derived_uid("joint", seed, effusion),
        seed=seed,
        number=2,
        description="MCP 2",
        BodyPartExamined="FINGER",
        Laterality="L",
    )


def _write(
    folder: Path,
    pictures: Sequence[SimulatedSonogram],
    clip: Sequence[SimulatedSonogram],
    study: UID,
    **attributes: Any,
) -> list[WrittenSonogram]:
    """Write an examination with the arguments of :func:`write_sonogram`; the second picture has calipers."""
    uids: dict[str, Any] = {"StudyInstanceUID": study, "SeriesInstanceUID": derived_uid(study, 1)}
    return [
        write_sonogram(shown, folder, instance=number, calipers=number == 2, **attributes, **uids)
        for number, shown in enumerate((*([picture] for picture in pictures), clip), start=1)
    ]
