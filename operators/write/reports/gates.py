"""Gate verdicts as measurement groups: how a report tells what its input was judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydicom.sr.coding import Code

from operators.check.gate import GateResult
from operators.measure.measurement import Evaluation, MeasurementGroup

QUALITY_ASSESSMENT = Code("111050", "DCM", "Quality Assessment")


def gate_groups(gates: Sequence[GateResult]) -> list[MeasurementGroup]:
    """Return one group (PS3.16 TID 1501) for each verdict: gate and verdict as a coded evaluation, figures, detail.

    The tracking identifier is the gate's name and its input; a number is added where both occur twice.
    """
    groups: list[MeasurementGroup] = []
    told: Counter[str] = Counter()
    for result in gates:
        identifier = f"{result.name.meaning}: {result.subject}" if result.subject else result.name.meaning
        told[identifier] += 1
        groups.append(
            MeasurementGroup(
                tracking_identifier=identifier if told[identifier] == 1 else f"{identifier} ({told[identifier]})",
                finding=QUALITY_ASSESSMENT,
                measurements=result.figures,
                evaluations=(Evaluation(result.name, result.verdict),),
                comment=result.detail,
            )
        )
    return groups
