from __future__ import annotations

import pickle

import pytest
from pydicom.sr.coding import Code

from operators.check.figures import MAXIMUM, NOISE, degrees, millimetres, percent, plain
from operators.check.gate import GateResult, RefusedByGate, gate_failed, gate_passed, require
from operators.refused import Reason, Refused

GATE = Code("test-gate", "99GANTRY", "Test")


def test_a_passed_gate_lets_through() -> None:
    result = gate_passed(GATE, "fine", [plain(NOISE, 2.0)])
    require(result, result)
    assert (result.passed, result.reason, result.verdict.meaning) == (True, None, "Passed")


def test_the_first_reason_and_every_detail_are_told() -> None:
    results = [
        gate_passed(GATE, "fine"),
        gate_failed(GATE, Reason.IMAGE_QUALITY, "all is noise"),
        gate_failed(GATE, Reason.DOMAIN_SHIFT, "a kidney"),
    ]
    with pytest.raises(Refused) as caught:
        require(*results)
    assert caught.value.reason is Reason.IMAGE_QUALITY
    assert caught.value.detail == "all is noise; a kidney"
    assert isinstance(caught.value, RefusedByGate)
    assert caught.value.gates == tuple(results)
    assert results[1].verdict == Reason.IMAGE_QUALITY.code


def test_a_refusal_crosses_processes_with_its_verdicts() -> None:
    refused = RefusedByGate(Reason.IMAGE_QUALITY, "all is noise", (gate_failed(GATE, Reason.IMAGE_QUALITY, "noise"),))
    copy = pickle.loads(pickle.dumps(refused))
    assert (copy.reason, copy.detail, copy.gates) == (refused.reason, refused.detail, refused.gates)


@pytest.mark.parametrize(("passed", "reason"), [(True, Reason.IMAGE_QUALITY), (False, None)])
def test_a_verdict_cannot_contradict_itself(passed: bool, reason: Reason | None) -> None:
    with pytest.raises(ValueError, match="has a reason"):
        GateResult(GATE, passed, reason, "")


def test_figures_have_units() -> None:
    found = [millimetres(NOISE, 1.23456), degrees(NOISE, 0.12345), percent(NOISE, 0.5), plain(MAXIMUM, 1234567.0)]
    assert [(item.value, item.unit.value) for item in found] == [
        (1.235, "mm"),
        (0.123, "deg"),
        (50.0, "%"),
        (1234570.0, "1"),
    ]
    assert {item.unit.scheme_designator for item in found} == {"UCUM"}
