"""Which leads are measured, and how finely."""

from __future__ import annotations

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The other four of the twelve are sums of the first two (Einthoven, Goldberger)."""

WORKING_HERTZ = 500.0
"""The rate at which waves are looked for: 2 ms, as IEC 60601-2-25 asks of a cardiograph."""
