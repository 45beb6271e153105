"""Which slices of a series are meant: no localizers, and of several volumes the one that the rules choose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, values
from operators.read.geometry.dimensions import ACQUISITION_ORDER, DIMENSIONS, Value, shown, value_of, values_shown
from operators.read.geometry.slices import Slice
from operators.read.geometry.stacks import Label, LeftOut, Stacks
from operators.read.headers.remembered import Remembered
from operators.refused import Reason, Refused

# Numbers of a choice are written by people: "1000" means 1000.0004, too.
_CHOICE_TOLERANCE = 1e-3


def without_localizers(slices: Sequence[Slice]) -> tuple[list[Slice], tuple[LeftOut, ...]]:
    """Leave out the localizers (PS3.3 section C.7.6.1.1.2) of a series that holds other images as well."""
    remembered = Remembered(_is_localizer, ("ImageType",))
    is_localizer = [remembered(item.header) for item in slices]
    if not any(is_localizer) or all(is_localizer):
        return list(slices), ()
    kept = [item for item, localizer in zip(slices, is_localizer, strict=True) if not localizer]
    left_out = [item for item, localizer in zip(slices, is_localizer, strict=True) if localizer]
    return kept, tuple(LeftOut(item.name, "a localizer in a series of other images") for item in left_out)


def _is_localizer(header: Dataset) -> bool:
    try:
        return "LOCALIZER" in values(header, "ImageType")
    except MalformedAttributeError:
        return False


def chosen_slices(slices: Sequence[Slice], choose: Mapping[str, float | str]) -> tuple[list[Slice], Label]:
    """Return the slices that have the chosen value of each dimension, and these values.

    Raises :class:`Refused` with ``NO_SUCH_VOLUME``, naming the values that there are.
    """
    kept = list(slices)
    of_headers = {name: wanted for name, wanted in choose.items() if name != ACQUISITION_ORDER}
    for name, wanted in of_headers.items():
        found = [value_of(item.header, name) for item in kept]
        matching = _matching(found, wanted)
        kept = [item for item, value in zip(kept, found, strict=True) if value is not None and matching(value)]
        if not kept:
            # In quotes, as a text is no number: "1000" does not choose 1000.
            asked = repr(wanted) if isinstance(wanted, str) else shown(wanted)
            raise Refused(
                Reason.NO_SUCH_VOLUME,
                f"no slice has the {DIMENSIONS[name].title} {asked}: the series has {values_shown(found)}",
            )
    return kept, {name: value_of(kept[0].header, name) for name in of_headers}


def chosen_stacks(stacks: Stacks, choose: Mapping[str, float | str]) -> Stacks:
    """Return the volumes in the chosen order of acquisition; raises :class:`Refused` with ``NO_SUCH_VOLUME``."""
    if ACQUISITION_ORDER not in choose:
        return stacks
    found = [label.get(ACQUISITION_ORDER) for label in stacks.labels]
    matching = _matching(found, choose[ACQUISITION_ORDER])
    kept = [index for index, value in enumerate(found) if value is not None and matching(value)]
    if not kept:
        raise Refused(
            Reason.NO_SUCH_VOLUME,
            f"no volume has the order of acquisition {shown(choose[ACQUISITION_ORDER])}: the series has "
            f"{values_shown(found)}",
        )
    return replace(
        stacks,
        slices=tuple(stacks.slices[index] for index in kept),
        labels=tuple(stacks.labels[index] for index in kept),
    )


def _matching(found: Sequence[Value], wanted: float | str) -> Callable[[Value], bool]:
    known = [value for value in found if isinstance(value, float)]
    if wanted in ("lowest", "highest") and known:
        end = min(known) if wanted == "lowest" else max(known)
        return lambda value: value == end
    if isinstance(wanted, str):
        return lambda value: value == wanted
    return lambda value: isinstance(value, float) and math.isclose(value, wanted, rel_tol=_CHOICE_TOLERANCE)
