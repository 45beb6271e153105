"""The analysis that the writers' examples are of."""

from __future__ import annotations

from tests.operators.write.conftest import analysis

__all__ = ["analysis"]
