"""What the documents tell of jobs is what the code does: the diagram of states, the table of retries, their order."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.node.database import JobState
from deploy.node.jobs import FAILED_IN_A_ROW, RETRIES, STAT_IN_A_ROW, TRANSITIONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
NUMBERS = {4: "four", 5: "five"}


def read(name: str) -> str:
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def test_diagram_has_every_transition_and_no_other() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    arrows = re.findall(r"^    (\S+) --> (\w+)", text, re.MULTILINE)
    drawn = [(JobState(before), JobState(after)) for before, after in arrows if before != "[*]"]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(before, after) for before, states in TRANSITIONS.items() for after in states}


def test_table_of_retries_has_every_kind_with_its_figures() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    pattern = r"^\| `([a-z-]+)` \| [^|]+ \| (\d+) s \| × (\d+) \| (\d+) s \| (.+) \|$"
    told = {
        reason: (float(first), float(factor), float(longest), often)
        for reason, first, factor, longest, often in re.findall(pattern, text, re.MULTILINE)
    }
    assert told == {
        kind.value: (
            retry.first_seconds,
            retry.factor,
            retry.longest_seconds,
            "`maximum_attempts`" if retry.counted else "no limit" if retry.most is None else str(retry.most),
        )
        for kind, retry in RETRIES.items()
    }


def test_numbers_in_sentences_are_those_of_the_code() -> None:
    assert f"after {NUMBERS[STAT_IN_A_ROW]} STAT jobs" in read("architecture.md")
    assert f"failed on {NUMBERS[FAILED_IN_A_ROW]} studies one after another" in read("operations.md")
