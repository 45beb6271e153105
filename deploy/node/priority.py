"""STAT: which jobs go before all others."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, text, values
from operators.read.expression import compile_condition
from operators.read.study import Study
from operators.read.variables import SeriesVariables

URGENT = ("STAT", "HIGH")
"""Requested Procedure Priorities (0040,1003) that go before others (PS3.3 C.4.11: STAT, HIGH, ROUTINE, MEDIUM, LOW)."""


def why_stat(study: Study, priorities: Collection[str], stat_when: str | None) -> str:
    """Return in a sentence why a study is STAT; empty if it is not.

    ``priorities`` are those that procedure steps have told, ``stat_when`` is the app's condition: true of any series.
    Raises :class:`operators.read.expression.ExpressionError` for a wrong condition.
    """
    known = {*priorities, *(found for series in study.series for found in _priorities(series.header))}
    for priority in URGENT:
        if priority in known:
            return f"its Requested Procedure Priority is {priority}"
    if stat_when is not None:
        condition = compile_condition(stat_when)
        for series in study.series:
            variables = SeriesVariables(series)
            if condition.truth(variables) is True:
                return f"of series {series.description} is true: {stat_when} ({condition.seen(variables)})"
    return ""


def _priorities(header: Dataset) -> Iterator[str]:
    """The priority is no attribute of images, but modalities copy it from the worklist, there or with the request."""
    try:
        for item in (header, *values(header, "RequestAttributesSequence")):
            yield text(item, "RequestedProcedurePriority") or ""
    # What cannot be read is no priority.
    except MalformedAttributeError:
        return
