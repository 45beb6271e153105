"""Which sequences a run has and which networks therefore make the result (the paper's configurations)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from apps.mr_white_matter_lesions.segmentation import (
    Networks,
    Scan,
    Segmentation,
    segment_lesions,
    segment_regions,
)
from operators.align.register import RigidRegistration, register_rigid
from operators.check.image_quality import check_volume
from operators.provenance import Analysis
from operators.read.selection import Selection
from operators.read.volume import Volume, read_volume


class Configuration(str, Enum):
    """The input configuration; the value is what the report says."""

    BOTH = "C: FLAIR and T1"
    FLAIR_ONLY = "D on FLAIR for lesions, A for regions"
    T1_ONLY = "D on T1 for lesions, B for regions"


@dataclass(frozen=True)
class Inputs:
    """The volumes that the networks see, in one patient space: the FLAIR's, or the T1's where there is no FLAIR.

    ``registration`` is how the T1 came to the FLAIR; a T1 that does not fit is left out (``t1`` is None) but its
    registration is kept to be told.
    """

    flair: Volume | None
    t1: Volume | None
    registration: RigidRegistration | None = None

    @property
    def configuration(self) -> Configuration:
        """What the available sequences allow. One single-sequence network serves either; never over both."""
        if self.flair is not None:
            return Configuration.BOTH if self.t1 is not None else Configuration.FLAIR_ONLY
        return Configuration.T1_ONLY

    @property
    def reference(self) -> Volume:
        """The volume whose grid the results lie on."""
        volume = self.flair or self.t1
        if volume is None:
            raise ValueError("inputs without a volume")
        return volume

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the result is made from, the reference first."""
        return tuple(role for role, volume in (("flair", self.flair), ("t1", self.t1)) if volume is not None)


def read_volumes(selection: Selection) -> dict[str, Volume]:
    """Read and check the chosen series by role. Raises ``Refused`` for one that must not be analysed."""
    volumes = {role: read_volume(series) for role, series in selection.series.items()}
    for volume in volumes.values():
        check_volume(volume)
    return volumes


def align_inputs(volumes: Mapping[str, Volume]) -> Inputs:
    """Bring the T1 into the FLAIR's space by header geometry, corrected by rigid registration where that helps.

    A T1 whose registration fails is not used: the FLAIR alone is better than a misplaced pair.
    """
    flair, t1 = volumes.get("flair"), volumes.get("t1")
    if flair is None or t1 is None:
        return Inputs(flair, t1)
    registration = register_rigid(
        t1.array,
        t1.affine,
        flair.array,
        flair.affine,
        same_frame_of_reference=t1.frame_of_reference_uid == flair.frame_of_reference_uid,
    )
    if not registration.accepted:
        return Inputs(flair, None, registration)
    return Inputs(flair, replace(t1, affine=registration.transform @ t1.affine), registration)


def find_lesions(inputs: Inputs, networks: Networks) -> Segmentation:
    """Outline the lesions on the reference's grid."""
    return segment_lesions(networks, flair=_scan(inputs.flair), t1=_scan(inputs.t1))


def find_regions(inputs: Inputs, networks: Networks) -> Segmentation:
    """Outline the white-matter regions on the reference's grid."""
    return segment_regions(networks, flair=_scan(inputs.flair), t1=_scan(inputs.t1))


def _scan(volume: Volume | None) -> Scan | None:
    return None if volume is None else Scan(volume.array, volume.affine)


def describe_inputs(identity: Analysis, inputs: Inputs) -> Analysis:
    """Return the analysis of that identity with the input configuration, which every report has to tell."""
    parameters = {"Input configuration": inputs.configuration.value, "T1 alignment": _alignment(inputs)}
    return replace(identity, parameters={**parameters, **identity.parameters})


def _alignment(inputs: Inputs) -> str:
    found = inputs.registration
    if found is None:
        return "not needed"
    figures = f"normalised mutual information {found.before:.3f} by headers, {found.after:.3f} used"
    if not found.accepted:
        return f"failed, T1 not used ({figures})"
    return f"{'rigid registration' if found.registered else 'header geometry'} ({figures})"
