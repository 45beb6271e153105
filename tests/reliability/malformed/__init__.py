"""Malformed conversations: valid ones with one or two things wrong, each made again from a seed and its number."""

from __future__ import annotations

from tests.reliability.malformed.cases import Case, Ending, case

__all__ = ["Case", "Ending", "case"]
