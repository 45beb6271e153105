"""Which sequences a run has and which networks therefore make the result (the paper's configurations)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from apps.mr_white_matter_lesions.likeness import judge_likeness
from apps.mr_white_matter_lesions.segmentation import (
    Networks,
    Scan,
    Segmentation,
    segment_lesions,
    segment_regions,
)
from operators.align.register import register_rigid
from operators.check.checked_volume import CheckedVolume, image_quality_gates, read_checked_volume
from operators.check.domain_shift import Reference
from operators.check.gate import GateResult, RefusedByGate
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.read.selection import Selection
from operators.read.volume import Volume
from operators.refused import Refused

MINIMUM_HEAD_EXTENT_MM = 100.0
"""Every side of a volume that shows a whole brain: an adult's is about 140 x 170 x 120 mm, a slab is thinner."""


class Configuration(str, Enum):
    """The input configuration; the value is what the report says."""

    BOTH = "C: FLAIR and T1"
    FLAIR_ONLY = "D on FLAIR for lesions, A for regions"
    T1_ONLY = "D on T1 for lesions, B for regions"


@dataclass(frozen=True)
class Inputs:
    """The volumes that the networks see, in one patient space: the FLAIR's, or the T1's where there is no FLAIR.

    ``t1_alignment`` tells how the T1 came to the FLAIR, or why a T1 that is there is not used (``t1`` is then None).
    """

    flair: Volume | None
    t1: Volume | None
    t1_alignment: str = "not needed"

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


def read_volumes(
    selection: Selection, manifest: Manifest, references: Mapping[str, Reference]
) -> dict[str, CheckedVolume | RefusedByGate]:
    """Read and check the chosen series by role; ``references`` tell what each role's training data are like.

    A T1 beside a FLAIR is the only series that can be done without: where it must not be analysed, the refusal stands
    in its place. Otherwise raises :class:`RefusedByGate` with the verdicts on every series read so far.
    """
    volumes: dict[str, CheckedVolume | RefusedByGate] = {}
    for role, series in selection.series.items():
        wanted = manifest.inputs[role]
        try:
            gates_of_role = partial(_head_gates, reference=references[role])
            volumes[role] = read_checked_volume(series, gates_of_role, rules=wanted.reading, title=wanted.title)
        except RefusedByGate as refused:
            if role != "t1" or "flair" not in selection.series:
                gates = gate_results(volumes) + refused.gates
                raise RefusedByGate(refused.reason, refused.detail, gates) from refused
            volumes[role] = refused
    return volumes


def _head_gates(volume: Volume, reference: Reference) -> tuple[GateResult, ...]:
    quality = image_quality_gates(volume, minimum_extent_mm=MINIMUM_HEAD_EXTENT_MM)
    return (*quality, judge_likeness(volume, reference))


def gate_results(volumes: Mapping[str, CheckedVolume | RefusedByGate]) -> tuple[GateResult, ...]:
    """Return the verdicts of all gates on all series: what reports and the node tell of them."""
    return tuple(result for read in volumes.values() for result in read.gates)


def align_inputs(volumes: Mapping[str, CheckedVolume | Refused]) -> Inputs:
    """Bring the T1 into the FLAIR's space by header geometry, corrected by rigid registration where that helps.

    A T1 whose registration fails is not used: the FLAIR alone is better than a misplaced pair.
    """
    read_flair, read_t1 = volumes.get("flair"), volumes.get("t1")
    if isinstance(read_flair, Refused):
        raise read_flair
    flair = None if read_flair is None else read_flair.volume
    if isinstance(read_t1, Refused):
        return Inputs(flair, None, f"T1 not used: {read_t1}")
    t1 = None if read_t1 is None else read_t1.volume
    if flair is None or t1 is None:
        return Inputs(flair, t1)
    registration = register_rigid(
        t1.array,
        t1.affine,
        flair.array,
        flair.affine,
        same_frame_of_reference=t1.frame_of_reference_uid == flair.frame_of_reference_uid,
    )
    figures = f"normalised mutual information {registration.before:.3f} by headers, {registration.after:.3f} used"
    if not registration.accepted:
        return Inputs(flair, None, f"failed, T1 not used ({figures})")
    how = "rigid registration" if registration.registered else "header geometry"
    return Inputs(flair, replace(t1, affine=registration.transform @ t1.affine), f"{how} ({figures})")


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
    parameters = {"Input configuration": inputs.configuration.value, "T1 alignment": inputs.t1_alignment}
    return replace(identity, parameters={**parameters, **identity.parameters})
