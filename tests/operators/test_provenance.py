from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr.coding import Code
from pydicom.uid import UID

from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from operators.provenance import (
    Algorithm,
    Analysis,
    input_digest,
    uid_from_text,
)

ALGORITHM = Algorithm(
    name="app",
    title="App",
    version="1.2.3",
    model_digest="a" * 64,
    family=Code("123110", "DCM", "Artificial Intelligence"),
)


@given(st.text(), st.text())
def test_uids_are_valid_and_differ_where_their_texts_do(one: str, other: str) -> None:
    uid = UID(uid_from_text(one))
    assert uid.is_valid
    assert re.fullmatch(r"2\.25\.(0|[1-9]\d{0,38})", uid)
    assert (uid == uid_from_text(other)) is (one == other)


def test_the_implementation_identifies_itself_as_the_standard_allows() -> None:
    assert UID(IMPLEMENTATION_CLASS_UID).is_valid
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16


def test_the_device_uid_is_new_for_each_name_version_and_model() -> None:
    variants = [
        ALGORITHM,
        replace(ALGORITHM, name="other"),
        replace(ALGORITHM, version="1.2.4"),
        replace(ALGORITHM, model_digest="b" * 64),
    ]
    assert len({variant.device_uid for variant in variants}) == 4
    assert replace(ALGORITHM, title="Another title").device_uid == ALGORITHM.device_uid


def test_the_input_digest_is_the_same_for_the_same_input_in_any_order() -> None:
    digest = input_digest(ALGORITHM, {"a": 1, "b": 2.5}, ["1.2.3", "1.2.4"])
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert input_digest(ALGORITHM, {"b": 2.5, "a": 1}, ["1.2.4", "1.2.3", "1.2.4"]) == digest


def test_the_input_digest_changes_with_everything_that_changes_the_result() -> None:
    digests = {
        input_digest(ALGORITHM, {"a": 1}, ["1.2.3"]),
        input_digest(ALGORITHM, {"a": 2}, ["1.2.3"]),
        input_digest(ALGORITHM, {}, ["1.2.3"]),
        input_digest(ALGORITHM, {"a": 1}, ["1.2.3", "1.2.4"]),
        input_digest(ALGORITHM, {"a": 1}, ["1.2.31"]),
        input_digest(replace(ALGORITHM, name="other"), {"a": 1}, ["1.2.3"]),
        input_digest(replace(ALGORITHM, version="1.2.4"), {"a": 1}, ["1.2.3"]),
        input_digest(replace(ALGORITHM, model_digest="b" * 64), {"a": 1}, ["1.2.3"]),
    }
    assert len(digests) == 8


def test_the_same_analysis_gives_the_same_uids_whenever_it_runs() -> None:
    first = Analysis(ALGORITHM, "d" * 64, datetime(2026, 1, 1, tzinfo=timezone.utc))
    again = Analysis(ALGORITHM, "d" * 64, datetime(2026, 2, 1, tzinfo=timezone.utc), {"configuration": "C"})
    other = Analysis(ALGORITHM, "e" * 64, first.started)
    assert first.uid("lesions/series") == again.uid("lesions/series")
    assert first.uid("lesions/series") != first.uid("lesions/instance")
    assert first.uid("lesions/series") != other.uid("lesions/series")
