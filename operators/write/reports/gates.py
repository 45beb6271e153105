"""Gate verdicts as measurement groups: how a report tells what its input was judged by."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.sr.coding import Code

from operators.check.gate import GateResult
from operators.measure.measurement import Evaluation, MeasurementGroup
from operators.write.numbered_names import distinct_names

QUALITY_ASSESSMENT = Code("111050", "DCM", "Quality Assessment")


def gate_groups(gates: Sequence[GateResult]) -> list[MeasurementGroup]:
    """Return one group (PS3.16 TID 1501) for each verdict: gate and verdict as a coded evaluation, figures, detail.

    The tracking identifier is the gate's name and its input; a number is added where both occur twice.
    """
    identifiers = distinct_names(
        f"{result.name.meaning}: {result.subject}" if result.subject else result.name.meaning for result in gates
    )
    return [
        MeasurementGroup(
            tracking_identifier=identifier,
            finding=QUALITY_ASSESSMENT,
            measurements=result.figures,
            evaluations=(Evaluation(result.name, result.verdict),),
            comment=result.detail,
        )
        for identifier, result in zip(identifiers, gates, strict=True)
    ]
