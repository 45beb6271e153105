"""The measurement of pairs and rates counts what it says, and asks the app's own network and gates."""

from __future__ import annotations

import pytest

from apps.ecg_findings.classify import Model
from apps.ecg_findings.evaluate import (
    PAIRS,
    RATES,
    Case,
    Judged,
    judge,
    matrix,
    pair_cases,
    rate_cases,
    sensitivity,
    summary,
)
from phantoms.ecg import FINDINGS


def judged(has: str, told: str, *, rate: float = 70.0, refused: bool = False) -> Judged:
    return Judged(rate, frozenset(has.split()), frozenset(told.split()), refused)


WORKED = [
    judged("", ""),
    judged("long_qt", "long_qt"),
    judged("long_qt low_voltage", "long_qt low_voltage"),
    judged("long_qt low_voltage", "long_qt sinus_bradycardia", refused=True),
]


def test_a_summary_of_a_worked_example() -> None:
    header, _, row = summary("hearts", {"all": WORKED, "none": []}).splitlines()
    assert header.startswith("| hearts | recordings | findings told |")
    assert row == "| all | 4 | 80.0 % of 5 | 25.0 % | 75.0 % | 25.0 % |"


def test_a_matrix_of_a_worked_example() -> None:
    rows = {
        row.split(" | ")[0]: row.strip("| ").split(" | ")[1:] for row in matrix(WORKED, sensitivity).splitlines()[2:]
    }
    names = list(FINDINGS)
    long_qt, low_voltage = names.index("long_qt") + 1, names.index("low_voltage") + 1
    assert rows[f"| {long_qt} long qt"][0] == "100"
    assert rows[f"| {long_qt} long qt"][low_voltage] == "100"
    assert rows[f"| {low_voltage} low voltage"][long_qt] == "50"
    assert rows[f"| {low_voltage} low voltage"][0] == "–"
    assert all(rows[f"| {number} {name.replace('_', ' ')}"][number] == "–" for number, name in enumerate(names, 1))


def test_every_pair_and_every_rate_has_its_recordings() -> None:
    cases = pair_cases(2)
    assert len(cases) == 2 * (1 + len(FINDINGS) + len(PAIRS))
    assert {case.findings for case in cases if case.findings and len(case.findings) == 2} == set(PAIRS)
    cases = [*cases, *rate_cases(2)]
    assert {case.rate for case in cases} == {None, *RATES}
    assert len({case.seed for case in cases}) == len(cases)


@pytest.mark.parametrize(
    "findings",
    [
        ("av_block_first_degree", "left_bundle_branch_block"),
        ("sinus_bradycardia", "premature_ventricular_beats"),
        ("atrial_fibrillation", "low_voltage"),
    ],
)
def test_two_findings_are_both_told(findings: tuple[str, str], model: Model) -> None:
    found = [judge(Case(6_000_000 + seed, findings), model) for seed in range(8)]
    assert all(each.has == set(findings) for each in found)
    assert min(sensitivity(found, finding) for finding in findings) >= 0.75


@pytest.mark.parametrize(
    ("rate", "finding"), [(55.0, {"sinus_bradycardia"}), (65.0, set()), (112.0, {"sinus_tachycardia"})]
)
def test_a_rate_is_called_by_its_definition(rate: float, finding: set[str], model: Model) -> None:
    found = [judge(Case(6_001_000 + seed, tuple(finding), rate), model) for seed in range(8)]
    assert sum(each.told == finding for each in found) >= 7
    assert all(abs(each.rate - rate) < 3 for each in found)
