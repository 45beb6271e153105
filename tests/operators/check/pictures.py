"""Clips of simulated breasts, as frames that were read, and what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from operators.check.likeness import Likeness, fit_likeness
from operators.check.picture_profile import picture_profile
from operators.read.frames import Frames, read_frames
from operators.read.study import read_study
from operators.read.ultrasound import tissue_frames
from phantoms.sonography import OTHER_SCANNER, REFERENCE, Lesion, SimulatedSonogram, simulate_breast, write_sonogram

_SHAPE, _SPACING = (64, 64), 0.6


def breast(seed: int, *, other_scanner: bool = False) -> SimulatedSonogram:
    """One small picture of a benign lesion."""
    scanner = OTHER_SCANNER if other_scanner else REFERENCE
    return simulate_breast(Lesion.BENIGN, seed=seed, shape=_SHAPE, spacing=_SPACING, scanner=scanner)


def profiles(seeds: Sequence[int]) -> NDArray[np.float64]:
    """Profiles of pictures of the reference scanner."""
    return picture_profile(np.stack([breast(seed).image / 255 for seed in seeds]))


@cache
def known_breasts() -> Likeness:
    """The likeness of the reference scanner's pictures; every validation picture is accepted."""
    return fit_likeness(profiles(range(80)), profiles(range(1000, 1060)), "simulated breasts", passing=1.0)


def clip(folder: Path, count: int, other_scanner: Sequence[int] = (), *, number: int = 1) -> Frames:
    """A clip of ``count`` frames; the places ``other_scanner`` (from 0) are of another scanner."""
    pictures = [breast(2000 + index, other_scanner=index in other_scanner) for index in range(count)]
    written = write_sonogram(pictures, folder, seed=1, number=number, pixels="grey")
    (instance,) = (
        instance
        for series in read_study(folder).series
        for instance in series.instances
        if instance.path == written.path
    )
    return read_frames(instance)


def tissue_profiles(frames: Frames) -> NDArray[np.float64]:
    """Profiles of the tissue that frames show."""
    return picture_profile(tissue_frames(frames).array)
