"""The conformance statement is what the code says."""

from __future__ import annotations

from tests.docs.conformance import STATEMENT, statement


def test_the_statement_is_that_of_the_code() -> None:
    fresh = statement()
    assert STATEMENT.read_text(encoding="utf-8") == fresh, "run: python -m tests.docs.conformance"
