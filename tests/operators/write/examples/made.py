"""What the examples of :mod:`tests.operators.write.every_object` are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset, FileDataset

from operators.read.volume import Volume


@dataclass(frozen=True)
class Made:
    """What a run of an app would leave.

    ``objects`` are the results by output name: first the one that the example is of, then those that it refers to.
    ``sources`` are headers of the received instances, of this study and of others that a result refers to.
    ``segment_voxels`` is what the app counted, as in its outcome.
    """

    objects: Mapping[str, FileDataset]
    sources: tuple[Dataset, ...]
    segment_voxels: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Output name of the object that the example is of."""
        return next(iter(self.objects))

    @property
    def object(self) -> FileDataset:
        """The object that the example is of."""
        return self.objects[self.name]


def headers(*volumes: Volume) -> tuple[Dataset, ...]:
    """The headers of the instances of volumes."""
    return tuple(instance.header for volume in volumes for instance in volume.instances)


def one(name: str, made: FileDataset, sources: Iterable[Dataset]) -> Made:
    """An example of one object that refers to no other."""
    return Made({name: made}, tuple(sources))
