"""What a gate says of an input: its verdict, in words and in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.sr.coding import Code

from operators.measure.measurement import Measurement
from operators.refused import CODING_SCHEME, Reason, Refused

PASSED = Code("gate-passed", CODING_SCHEME, "Passed")
"""The coded verdict of a gate that an input has passed; else it is the code of the reason."""


@dataclass(frozen=True)
class GateResult:
    """The verdict of one gate on one input.

    ``name`` is the gate as a coded concept; ``reason`` is None if the input passed; ``detail`` says in one sentence
    what was found, also of an input that passed; ``figures`` are the numbers behind it, with units (UCUM); ``subject``
    is the input as a person would name it, such as the role and the series.
    """

    name: Code
    passed: bool
    reason: Reason | None
    detail: str
    figures: tuple[Measurement, ...] = ()
    subject: str = ""

    def __post_init__(self) -> None:
        if self.passed != (self.reason is None):
            raise ValueError(
                f"{self.name.meaning}: a gate that is not passed has a reason, one that is passed has none"
            )

    @property
    def verdict(self) -> Code:
        """The coded verdict: passed, or the reason."""
        return PASSED if self.reason is None else self.reason.code

    def about(self, subject: str) -> GateResult:
        """Return the same verdict with the name of its input."""
        return replace(self, subject=subject)


class RefusedByGate(Refused):
    """The refusal of an input that did not pass; ``gates`` are all verdicts on it, the passed ones as well."""

    def __init__(self, reason: Reason, detail: str, gates: Sequence[GateResult] = ()) -> None:
        super().__init__(reason, detail)
        self.gates = tuple(gates)


def gate_passed(name: Code, detail: str, figures: Sequence[Measurement] = ()) -> GateResult:
    """Return the verdict of a gate that the input has passed."""
    return GateResult(name, True, None, detail, tuple(figures))


def gate_failed(name: Code, reason: Reason, detail: str, figures: Sequence[Measurement] = ()) -> GateResult:
    """Return the verdict of a gate that the input has not passed."""
    return GateResult(name, False, reason, detail, tuple(figures))


def require(*results: GateResult) -> None:
    """Raise :class:`RefusedByGate` unless every gate is passed: the first one's reason, and what each one found."""
    failed = [result for result in results if not result.passed]
    if failed and failed[0].reason is not None:
        raise RefusedByGate(failed[0].reason, "; ".join(result.detail for result in failed), results)
