"""Evidence → decision, without a node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.node.config import ReadinessConfig
from deploy.node.readiness import Announced, Count, Ending, Evidence, judge
from deploy.node.readiness.judge import settled_seconds

CONFIG = ReadinessConfig(quiet_seconds=5, longest_quiet_seconds=60, maximum_wait_seconds=120)
STEP = "a performed procedure step"

RELEASED = Ending("released the association", sent_all=True)
ABORTED = Ending("aborted the association", sent_all=False)
COMPLETE = Announced(STEP, "COMPLETED", 20, 0)
LACKS = Announced(STEP, "COMPLETED", 20, 3)
GOES_ON = Announced(STEP, "IN PROGRESS", 0, 0)
EQUAL = Count("the archive pacs", 20)
MORE = Count("the archive pacs", 25)
FEWER = Count("the archive pacs", 7)


def at(quiet: float, **more: Any) -> Evidence:
    return Evidence(quiet=quiet, received=20, **more)


def first_ready(**more: Any) -> float:
    """The quiet time at which a study with this evidence is ready, to 0.5 s."""
    times = (half / 2 for half in range(300))
    return next(time for time in times if judge(at(time, **more), CONFIG).ready)


@pytest.mark.parametrize(
    ("evidence", "seconds"),
    [
        ({}, 5),
        ({"ending": RELEASED}, 5),
        ({"ending": ABORTED}, 60),
        ({"pause": 2.0}, 5),
        ({"pause": 10.0}, 15),
        ({"pause": 300.0}, 60),
        ({"receiving": True}, 120),
        ({"lacking": ("series 2 lacks 1 slice",)}, 120),
        ({"announced": (COMPLETE,)}, 1),
        ({"announced": (COMPLETE,), "receiving": True}, 1),
        ({"announced": (COMPLETE,), "ending": ABORTED}, 1),
        ({"announced": (LACKS,)}, 120),
        ({"announced": (GOES_ON,)}, 120),
        ({"announced": (COMPLETE, GOES_ON)}, 120),
        ({"announced": (Announced(STEP, "DISCONTINUED", 20, 0),)}, 1),
        ({"announced": (Announced(STEP, "COMPLETED", 0, 0),)}, 5),
        ({"counts": (EQUAL,)}, 1),
        ({"counts": (EQUAL,), "receiving": True}, 120),
        ({"counts": (EQUAL,), "lacking": ("series 2 lacks 1 slice",)}, 120),
        ({"counts": (MORE,)}, 120),
        ({"counts": (FEWER,)}, 5),
        ({"counts": (EQUAL, MORE)}, 120),
        ({"counts": (MORE,), "results": 5}, 1),
        ({"counts": (EQUAL,), "results": 5}, 1),
        ({"counts": (MORE,), "results": 4}, 120),
    ],
)
def test_how_long_a_study_has_to_be_quiet(evidence: dict[str, Any], seconds: float) -> None:
    assert first_ready(**evidence) == seconds


def test_the_sentence_says_what_was_seen() -> None:
    assert judge(at(5), CONFIG).why == "no image for 5.0 s and no association open"
    released = judge(at(1.2, ending=RELEASED, announced=(COMPLETE,)), CONFIG)
    assert released.why == (
        "no image for 1.2 s since the sender released the association; "
        "all 20 images that a performed procedure step lists are here"
    )
    in_vain = judge(at(120, counts=(MORE,), lacking=("series 2 lacks 1 slice",)), CONFIG)
    assert in_vain.why == (
        "no image for 120.0 s, though the archive pacs counts 25 instances and 20 are here and series 2 lacks 1 slice"
    )
    unasked = judge(at(5, problems=("pacs could not be asked",)), CONFIG)
    assert unasked.why.endswith("; pacs could not be asked")


def test_the_data_hold_the_evidence() -> None:
    data = judge(at(1.5, announced=(COMPLETE,), counts=(EQUAL,)), CONFIG).as_data()
    assert (data["quiet"], data["received"], data["quiet_needed"]) == (1.5, 20, 1.0)
    assert data["counts"] == ({"source": "the archive pacs", "instances": 20},)
    assert "ending" not in data


EVIDENCE = st.builds(
    Evidence,
    quiet=st.floats(0, 1000),
    received=st.integers(1, 30),
    receiving=st.booleans(),
    ending=st.sampled_from([None, RELEASED, ABORTED]),
    pause=st.none() | st.floats(0, 1000),
    counts=st.lists(st.builds(Count, st.just("pacs"), st.integers(0, 40)), max_size=2).map(tuple),
    announced=st.lists(
        st.builds(
            Announced,
            st.just(STEP),
            st.sampled_from(["IN PROGRESS", "COMPLETED", "DISCONTINUED", "AVAILABLE"]),
            st.integers(0, 30),
            st.integers(0, 3),
        ),
        max_size=3,
    ).map(tuple),
    lacking=st.sampled_from([(), ("lacks a slice",)]),
)
CONFIGS = st.builds(
    lambda quiet, longer, maximum: ReadinessConfig(
        quiet_seconds=quiet, longest_quiet_seconds=quiet + longer, maximum_wait_seconds=maximum
    ),
    st.floats(0, 100),
    st.floats(0, 100),
    st.floats(0, 300),
)


@given(EVIDENCE, CONFIGS)
def test_no_wait_is_longer_than_the_maximum_and_none_shorter_than_what_settles(
    evidence: Evidence, config: ReadinessConfig
) -> None:
    judgement = judge(evidence, config)
    assert judgement.why
    if evidence.quiet >= max(config.maximum_wait_seconds, config.quiet_seconds):
        assert judgement.ready
    if judgement.ready and evidence.quiet < config.maximum_wait_seconds:
        assert evidence.quiet >= settled_seconds(config)


@given(EVIDENCE, CONFIGS, st.floats(0, 1000))
def test_more_quiet_never_takes_a_decision_back(evidence: Evidence, config: ReadinessConfig, more: float) -> None:
    from dataclasses import replace

    if judge(evidence, config).ready:
        assert judge(replace(evidence, quiet=evidence.quiet + more), config).ready
