from __future__ import annotations

from operators.write.numbered_names import distinct_names, numbered_names


def test_only_what_is_written_counts() -> None:
    assert numbered_names("masses", [False, True, False, True, True]) == [None, "masses", None, "masses_2", "masses_3"]
    assert numbered_names("masses", []) == []


def test_a_name_that_occurs_again_has_a_number() -> None:
    assert distinct_names(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert distinct_names(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"]
