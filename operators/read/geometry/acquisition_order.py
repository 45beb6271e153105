"""The order in which the slices of each position were acquired: what tells volumes apart where nothing else does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, text
from operators.read.geometry.dimensions import Value
from operators.read.geometry.slices import Slice
from operators.read.headers.moments import date_and_time, moment


def acquisition_order(slices: Sequence[Slice], place: NDArray[np.intp]) -> list[Value] | None:
    """Return for each slice as which of those at its position it was acquired, from 1.

    ``place`` are the numbers of the slices' positions. None unless every position has equally many slices, all of
    different times.
    """
    times = [_acquired(item.header) for item in slices]
    if None in times or len(set(np.bincount(place).tolist())) > 1:
        return None
    order: list[Value] = [None] * len(slices)
    for number in range(int(place.max()) + 1):
        at = np.flatnonzero(place == number).tolist()
        known = {index: times[index] for index in at}
        if len(set(known.values())) < len(at):
            return None
        for rank, index in enumerate(sorted(at, key=lambda index: str(known[index])), start=1):
            order[index] = float(rank)
    return order


def _acquired(header: Dataset) -> str | None:
    """The moment of acquisition as a text that sorts by time."""
    try:
        found = moment(text(header, "AcquisitionDateTime")) or date_and_time(
            text(header, "AcquisitionDate") or text(header, "StudyDate"), text(header, "AcquisitionTime")
        )
    except MalformedAttributeError:
        return None
    return f"{found:%Y%m%d%H%M%S.%f}" if found else None
