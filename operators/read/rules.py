"""How an app wants its series to be read: what is refused, what is tolerated, which of several volumes is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from pydantic import ConfigDict, field_validator
from pydantic.dataclasses import dataclass

from operators.read.geometry.dimensions import DIMENSIONS


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ReadingRules:
    """The reading rules of an input role, with the careful choice as default.

    ``gantry_tilt``: a stack whose slices are shifted within their plane from one to the next is refused, kept as it is
    with its sheared affine, or resampled onto an upright grid.

    ``choose``: of a series of several volumes, the value of one or more dimensions (:data:`DIMENSIONS`) that the wanted
    volume has: a number, a text, or "lowest" or "highest".

    ``suv``: values of PET are turned into SUV by body weight (g/ml).

    ``padding``: the value that voxels outside the reconstruction get; by default they keep what the scanner stored,
    and the volume tells which value that is.

    ``maximum_gap`` and ``maximum_overlap``: how far Slice Thickness may fall short of the slices' distance or exceed
    it, in mm; by default any gap and overlap is recorded only.
    """

    gantry_tilt: Literal["refuse", "keep", "resample"] = "refuse"
    choose: Mapping[str, float | str] = field(default_factory=dict)
    suv: Literal["body weight"] | None = None
    padding: float | None = None
    maximum_gap: float | None = None
    maximum_overlap: float | None = None

    @field_validator("choose")
    @classmethod
    def _dimensions_exist(cls, choose: Mapping[str, float | str]) -> Mapping[str, float | str]:
        unknown = sorted(set(choose) - set(DIMENSIONS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no dimension of a series; these are: {', '.join(DIMENSIONS)}")
        return choose


DEFAULT_RULES = ReadingRules()
"""Refuse whatever could be read in more than one way."""
