"""The slices of a series sorted into the volumes that it holds, or a refusal that names what they differ in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.geometry.acquisition_order import acquisition_order
from operators.read.geometry.dimensions import ACQUISITION_ORDER, DIMENSIONS, Value, shown, value_of, values_shown
from operators.read.geometry.planes import Planes, parallel_planes
from operators.read.geometry.slice_geometry import SliceGeometry, along_normal, refuse_duplicates, stack_geometry
from operators.read.geometry.slices import Slice
from operators.read.geometry.spacing import DUPLICATE_DISTANCE_MM
from operators.read.headers.remembered import Remembered
from operators.refused import Reason, Refused

Label = Mapping[str, Value]
"""What tells one volume of a series from the others, by the name of the dimension."""

IsCopy = Callable[[Slice, Slice], bool]
"""Whether two slices at one position hold the same pixels."""

# More dimensions at once than any scanner varies in one series.
_MAXIMUM_DIMENSIONS = 3


@dataclass(frozen=True)
class LeftOut:
    """A slice that is no part of the volume, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Stacks:
    """The volumes of a series: ``slices[v]`` lie in array order, ``labels[v]`` tells what volume v is.

    All have the geometry ``geometry``, whose ``order`` is that of the first volume's slices.
    """

    slices: tuple[tuple[Slice, ...], ...]
    labels: tuple[Label, ...]
    geometry: SliceGeometry
    left_out: tuple[LeftOut, ...] = ()


def sort_into_stacks(slices: Sequence[Slice], is_copy: IsCopy) -> Stacks:
    """Sort slices of any order into volumes of equal geometry.

    Slices of one position belong to different volumes if one or up to three dimensions tell them apart so that every
    volume has every position once. Copies (same place, same dimensions, same pixels) are kept once.

    Raises :class:`Refused` with a reason of :func:`stack_geometry`, ``MIXED_KERNEL`` for one volume of several
    convolution kernels, ``MISSING_SLICE`` for volumes that lack positions of others, and ``DUPLICATE_POSITION`` for
    different slices of one position that nothing tells apart.
    """
    planes = parallel_planes([item.header for item in slices], lambda index: slices[index].name)
    place = _places(planes)
    if len(np.unique(place)) == len(slices):
        _refuse_mixed_kernels(slices)
        geometry = stack_geometry(planes)
        return Stacks((tuple(slices[index] for index in geometry.order),), ({},), geometry)
    found = _found_dimensions(slices)
    order_of_acquisition = acquisition_order(slices, place)
    if order_of_acquisition is not None:
        found[ACQUISITION_ORDER] = order_of_acquisition
    group = _volumes(place, found)
    left_out: tuple[LeftOut, ...] = ()
    if group is None:
        kept = _without_copies(slices, place, found, is_copy)
        if len(kept) < len(slices):
            copies = sorted(set(range(len(slices))) - set(kept))
            left_out = tuple(LeftOut(slices[index].name, "a copy of another slice") for index in copies)
            stacks = sort_into_stacks([slices[index] for index in kept], is_copy)
            return Stacks(stacks.slices, stacks.labels, stacks.geometry, left_out + stacks.left_out)
        order, gaps = along_normal(planes)
        refuse_duplicates(planes.take(order), gaps)
    assert group is not None
    return _stacks(slices, planes, place, group, found)


def refuse_several(stacks: Stacks) -> None:
    """Raise :class:`Refused` with ``SEVERAL_VOLUMES`` and what they differ in if there is more than one volume."""
    if len(stacks.slices) > 1:
        raise Refused(Reason.SEVERAL_VOLUMES, f"the series holds {len(stacks.slices)} volumes: {_differences(stacks)}")


def _differences(stacks: Stacks) -> str:
    return "; ".join(
        f"{DIMENSIONS[name].title} {values_shown([label[name] for label in stacks.labels])}{_unit(name)}"
        for name in stacks.labels[0]
    )


def _unit(name: str) -> str:
    return f" {DIMENSIONS[name].unit}" if DIMENSIONS[name].unit else ""


def _found_dimensions(slices: Sequence[Slice]) -> dict[str, list[Value]]:
    """The dimensions in which the slices differ, with each slice's value."""
    found = {name: [value_of(item.header, name) for item in slices] for name in DIMENSIONS}
    return {name: column for name, column in found.items() if len(set(column)) > 1}


def _places(planes: Planes) -> NDArray[np.intp]:
    """The number of each plane's position along the normal; planes of one position have one number."""
    order, gaps = along_normal(planes)
    place = np.empty(len(order), np.intp)
    place[order] = np.concatenate([[0], np.cumsum(gaps >= DUPLICATE_DISTANCE_MM)])
    return place


def _volumes(place: NDArray[np.intp], found: Mapping[str, Sequence[Value]]) -> list[int] | None:
    """The number of each slice's volume, if dimensions tell the slices of every position apart."""
    most = max(Counter(place.tolist()).values())
    for count in range(1, min(_MAXIMUM_DIMENSIONS, len(found)) + 1):
        for names in combinations(found, count):
            keys = list(zip(*(found[name] for name in names), strict=True))
            if len(set(keys)) == most and len(set(zip(place.tolist(), keys, strict=True))) == len(keys):
                rank = {key: index for index, key in enumerate(sorted(set(keys), key=_sort_key))}
                return [rank[key] for key in keys]
    return None


def _sort_key(key: tuple[Value, ...]) -> tuple[tuple[bool, bool, Value], ...]:
    return tuple((value is not None, isinstance(value, str), value) for value in key)


def _without_copies(
    slices: Sequence[Slice], place: NDArray[np.intp], found: Mapping[str, Sequence[Value]], is_copy: IsCopy
) -> list[int]:
    """The indices of the slices that are no copies of an earlier one."""
    kept: list[int] = []
    first: dict[tuple[object, ...], int] = {}
    for index, item in enumerate(slices):
        key = (int(place[index]), *(column[index] for column in found.values()))
        if key in first and is_copy(slices[first[key]], item):
            continue
        first.setdefault(key, index)
        kept.append(index)
    return kept


def _stacks(
    slices: Sequence[Slice],
    planes: Planes,
    place: NDArray[np.intp],
    group: Sequence[int],
    found: Mapping[str, Sequence[Value]],
) -> Stacks:
    members = [np.flatnonzero(np.array(group) == volume) for volume in range(max(group) + 1)]
    # What is the same throughout each volume tells what the volume is.
    telling = {
        name: [column[int(indices[0])] for indices in members]
        for name, column in found.items()
        if all(len({column[index] for index in indices.tolist()}) == 1 for indices in members)
    }
    labels = tuple({name: column[volume] for name, column in telling.items()} for volume in range(len(members)))
    ordered = [indices[np.argsort(place[indices])] for indices in members]
    for indices in ordered:
        _refuse_mixed_kernels([slices[index] for index in indices])
    _refuse_incomplete(ordered, place, labels)
    geometry = stack_geometry(planes.take(ordered[0]))
    _refuse_shifted(planes, ordered)
    return Stacks(
        slices=tuple(tuple(slices[index] for index in indices) for indices in ordered),
        labels=labels,
        geometry=geometry,
    )


def _refuse_incomplete(ordered: Sequence[NDArray[np.intp]], place: NDArray[np.intp], labels: Sequence[Label]) -> None:
    positions = int(place.max()) + 1
    lacking = [(positions - len(indices), label) for indices, label in zip(ordered, labels, strict=True)]
    missing = [(count, label) for count, label in lacking if count]
    if missing:
        count, label = missing[0]
        described = ", ".join(f"{DIMENSIONS[name].title} {shown(value)}{_unit(name)}" for name, value in label.items())
        raise Refused(
            Reason.MISSING_SLICE,
            f"{len(missing)} of {len(ordered)} volumes are incomplete: {count} of {positions} slices are missing in "
            f"that of {described}",
        )


def _refuse_shifted(planes: Planes, ordered: Sequence[NDArray[np.intp]]) -> None:
    """The volumes share one affine only if they lie in one place within the planes as well."""
    for indices in ordered[1:]:
        distance = np.linalg.norm(planes.positions[indices] - planes.positions[ordered[0]], axis=1)
        worst = int(distance.argmax())
        if distance[worst] >= DUPLICATE_DISTANCE_MM:
            raise Refused(
                Reason.DUPLICATE_POSITION,
                f"{planes.name(indices[worst])} lies {distance[worst]:.3f} mm beside "
                f"{planes.name(ordered[0][worst])} in the same plane",
            )


def _kernel(header: Dataset) -> Value:
    return value_of(header, "convolution_kernel")


def _refuse_mixed_kernels(slices: Sequence[Slice]) -> None:
    kernel = Remembered(_kernel, ("ConvolutionKernel",))
    counts = Counter(kernel(item.header) for item in slices)
    if len(counts) > 1:
        raise Refused(
            Reason.MIXED_KERNEL,
            "; ".join(f"{count} slices have {shown(kernel)}" for kernel, count in counts.most_common()),
        )
