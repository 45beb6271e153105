"""Read a series as a volume and put it through its gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from operators.check.field_of_view import field_of_view_gate
from operators.check.gate import GateResult, RefusedByGate, require
from operators.check.geometry import geometry_gate
from operators.check.ghosting import ghosting_gate
from operators.check.intensity import clipping_gate, content_gate
from operators.check.noise import noise_gate
from operators.read.rules import DEFAULT_RULES, ReadingRules
from operators.read.study import Series
from operators.read.volume import Volume, read_volume
from operators.refused import Refused

Gates = Callable[[Volume], Sequence[GateResult]]
"""The gates that an app puts a volume through after it was read."""


@dataclass(frozen=True)
class CheckedVolume:
    """A volume that passed every gate, with their verdicts."""

    volume: Volume
    gates: tuple[GateResult, ...]


def image_quality_gates(
    volume: Volume,
    *,
    minimum_extent_mm: float | tuple[float, float, float],
    minimum_signal_to_noise: float = 0.0,
    maximum_ghosting: float = 1.0,
) -> tuple[GateResult, ...]:
    """Return the verdicts of the gates that suit a volume of any modality: content, clipping, field of view, noise,
    ghosting; the last two only measure unless a limit is given.
    """
    return (
        content_gate(volume),
        clipping_gate(volume),
        field_of_view_gate(volume, minimum_extent_mm),
        noise_gate(volume, minimum_signal_to_noise=minimum_signal_to_noise),
        ghosting_gate(volume, maximum=maximum_ghosting),
    )


def read_checked_volume(
    series: Series, gates: Gates, *, rules: ReadingRules = DEFAULT_RULES, title: str = ""
) -> CheckedVolume:
    """Read a series and judge it: its geometry first, then by ``gates``. ``title`` is the role that it plays.

    Raises :class:`RefusedByGate`, which holds every verdict on the series, unless all are passed.
    """
    subject = f"{title} ({series.description})" if title else series.description
    try:
        volume = read_volume(series, rules)
    except Refused as refused:
        geometry = geometry_gate(series, refused).about(subject)
        raise RefusedByGate(refused.reason, refused.detail, (geometry,)) from refused
    results = [geometry_gate(series, volume), *gates(volume)]
    named = tuple(result.about(subject) for result in results)
    require(*named)
    return CheckedVolume(volume, named)
