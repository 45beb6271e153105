"""Which networks there are, and how large each training size makes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from apps.mr_white_matter_lesions.network import NetworkSettings
from apps.mr_white_matter_lesions.training.augmentation import AugmentationSettings

Target = Literal["lesions", "regions"]

TARGETS: tuple[Target, ...] = ("lesions", "regions")

REGIONS = 34
"""White-matter regions of the app; class 0 is everything else."""


@dataclass(frozen=True)
class Role:
    """One network of the app.

    ``samples`` names what a training study contributes: "pair" is [FLAIR, T1] on the FLAIR's axes, "flair" and
    "t1_on_flair" its channels, "t1" the T1 on its own axes. Configuration D learns from each sequence in turn.
    ``starts_from`` names the two-sequence network, and the channel of it, that a one-sequence network may start from.
    """

    name: str
    target: Target
    samples: tuple[str, ...]
    inputs: str
    starts_from: tuple[str, int] | None = None

    @property
    def channels(self) -> int:
        """Input channels of the network."""
        return 2 if self.samples == ("pair",) else 1

    @property
    def classes(self) -> int:
        """Output classes, background included."""
        return 2 if self.target == "lesions" else REGIONS + 1


ROLES = (
    Role("lesion_c", "lesions", ("pair",), "FLAIR and T1"),
    Role("lesion_d", "lesions", ("flair", "t1_on_flair", "t1"), "FLAIR or T1", ("lesion_c", 0)),
    Role("region_c", "regions", ("pair",), "FLAIR and T1"),
    Role("region_a", "regions", ("flair",), "FLAIR", ("region_c", 0)),
    Role("region_b", "regions", ("t1", "t1_on_flair"), "T1", ("region_c", 1)),
)
"""The smallest set that serves every routing configuration."""


@dataclass(frozen=True)
class TargetSettings:
    """How the networks of one target are built and trained.

    Spacing in mm, ``window`` and ``patch`` in voxels, all (slice, row, column). A trained network runs in windows;
    training cuts patches, of the window's size where no other is given: small ones allow more steps in the time, and
    large windows cost less, as less of them overlaps. ``intensity_ceiling`` as in
    :func:`apps.mr_white_matter_lesions.preprocess.normalise`; ``foreground`` is the share of patches centred on a
    labelled voxel. ``balance`` is the power of the inverse class frequency that weights the cross-entropy at the start
    of a training; it falls to 0, the paper's plain loss, at the end. Small classes among 35 are found in hundreds of
    steps that way: the Dice term alone hardly moves a class whose probability is still near zero.
    """

    spacing: tuple[float, float, float]
    window: tuple[int, int, int]
    channels: tuple[int, ...]
    strides: tuple[tuple[int, int, int], ...]
    batch: int
    steps: int
    foreground: float
    intensity_ceiling: float = 1.0
    balance: float = 0.0
    patch: tuple[int, int, int] | None = None
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)

    @property
    def patch_size(self) -> tuple[int, int, int]:
        """Voxels of a training patch."""
        return self.patch or self.window

    def network(self, role: Role) -> NetworkSettings:
        """The network of a role of this target."""
        return NetworkSettings(role.channels, role.classes, self.channels, self.strides)


@dataclass(frozen=True)
class TrainingSettings:
    """One training size.

    With ``later_steps`` a network that may start from another one does so and learns for that many steps only; most
    of what it has to know, shapes and places, does not depend on the sequence. None: all start from random weights.

    ``optimiser`` "sgd" is the paper's (Nesterov, momentum 0.9, learning rate 1e-3), which needs its 250 000 steps;
    "adamw" reaches a useful network in the hundreds of steps the small sizes allow. The learning rate follows a
    cosine to zero in both, after a short linear start with AdamW.
    """

    lesions: TargetSettings
    regions: TargetSettings
    optimiser: Literal["adamw", "sgd"]
    learning_rate: float
    weight_decay: float
    studies: int
    held_out: int
    folds: int = 1
    later_steps: int | None = None

    def of(self, target: Target) -> TargetSettings:
        """The settings of one target."""
        return self.lesions if target == "lesions" else self.regions

    def steps(self, role: Role) -> int:
        """Training steps of a role."""
        if self.later_steps is not None and role.starts_from is not None:
            return self.later_steps
        return self.of(role.target).steps


_ANISOTROPIC = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
_LESION_SPACING = (3.0, 0.98, 1.1)
# 250 k updates spend most of their time on rare changes; a few hundred have to meet each kind often enough.
_SHORT = AugmentationSettings(
    rotation=0.5, rotation_degrees=12.0, scale=0.5, gamma=0.3, bias_field=0.4, additive_noise=0.3, inversion=0.0
)

SIZES: dict[str, TrainingSettings] = {
    "cpu": TrainingSettings(
        lesions=TargetSettings(
            _LESION_SPACING,
            (32, 128, 128),
            (16, 32, 64, 128),
            _ANISOTROPIC,
            patch=(32, 64, 64),
            batch=2,
            steps=800,
            foreground=0.6,
            balance=0.4,
            intensity_ceiling=2.0,
            augmentation=_SHORT,
        ),
        regions=TargetSettings(
            (3.0, 2.0, 2.0),
            (32, 96, 80),
            (16, 32, 64, 128),
            _ANISOTROPIC,
            batch=1,
            steps=1600,
            foreground=0.0,
            balance=0.5,
            augmentation=_SHORT,
        ),
        optimiser="adamw",
        learning_rate=3e-3,
        weight_decay=1e-4,
        studies=64,
        held_out=12,
        later_steps=1000,
    ),
    "gpu": TrainingSettings(
        lesions=TargetSettings(
            _LESION_SPACING,
            (32, 128, 128),
            (32, 64, 128, 256),
            _ANISOTROPIC,
            batch=4,
            steps=4000,
            foreground=0.5,
            intensity_ceiling=2.0,
            augmentation=_SHORT,
        ),
        regions=TargetSettings(
            (3.0, 1.5, 1.5),
            (48, 128, 112),
            (32, 64, 128, 256),
            _ANISOTROPIC,
            batch=2,
            steps=4000,
            foreground=0.0,
            balance=0.5,
            augmentation=_SHORT,
        ),
        optimiser="adamw",
        learning_rate=2e-3,
        weight_decay=1e-4,
        studies=200,
        held_out=20,
    ),
    "paper": TrainingSettings(
        lesions=TargetSettings(
            (3.0, 1.0, 1.1),
            (32, 128, 128),
            (64, 128, 256, 512, 1024),
            ((2, 2, 2),) * 4,
            batch=12,
            steps=250_000,
            foreground=1 / 3,
            intensity_ceiling=2.0,
        ),
        regions=TargetSettings(
            (3.0, 1.0, 1.1),
            (32, 128, 128),
            (64, 128, 256, 512, 1024),
            ((2, 2, 2),) * 4,
            batch=12,
            steps=250_000,
            foreground=0.0,
        ),
        optimiser="sgd",
        learning_rate=1e-3,
        weight_decay=3e-5,
        studies=0,
        held_out=0,
        folds=5,
    ),
}
"""``cpu``: an hour on four cores; ``gpu``: half an hour on one GPU; ``paper``: the full recipe for real data."""


def augmentation_of(role: Role, settings: TargetSettings) -> AugmentationSettings:
    """The augmentation of a role.

    D learns one label from two contrasts that are nearly inversions of one another, so it must not see inverted
    intensities; the networks that read T1 alone see more contrast changes, because T1 protocols differ most.
    """
    augmentation = settings.augmentation
    if len(role.samples) > 1:
        return replace(augmentation, inversion=0.0, gamma=max(augmentation.gamma, 0.4))
    return augmentation
