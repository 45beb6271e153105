from __future__ import annotations

from operators.write.numbered_names import numbered_names


def test_only_what_is_written_counts() -> None:
    assert numbered_names("masses", [False, True, False, True, True]) == [None, "masses", None, "masses_2", "masses_3"]
    assert numbered_names("masses", []) == []
