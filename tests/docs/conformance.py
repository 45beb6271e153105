"""Write docs/conformance.md: ``python -m tests.docs.conformance``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

from pydicom.sr.codedict import codes

from deploy.conformance.objects import Example
from deploy.conformance.statement import conformance_statement
from operators.provenance import Algorithm, Analysis
from tests.operators.write.every_object import EVERY_OBJECT

STATEMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

_APP = Algorithm("app_name", "Title of the app", "1.2.3", "ab" * 32, codes.DCM.ArtificialIntelligence)
_STARTED = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
_ANALYSIS = Analysis(_APP, "cd" * 32, _STARTED, {"setting": "value"})


def statement() -> str:
    """Return the statement as it should be in the repository."""
    examples: dict[str, list[Example]] = {}
    other_app = replace(
        _APP, name="other", title="Other", version="4.5.6", model_digest="01" * 32, manufacturer="Someone"
    )
    for make in EVERY_OBJECT.values():
        made = make(_ANALYSIS)
        example = Example(
            made.object,
            made.sources[0],
            make(replace(_ANALYSIS, input_digest="ef" * 32)).object,
            make(replace(_ANALYSIS, started=_STARTED + timedelta(days=40, hours=5, seconds=7))).object,
            make(replace(_ANALYSIS, algorithm=other_app)).object,
        )
        examples.setdefault(str(example.object.SOPClassUID), []).append(example)
    return conformance_statement(examples, version=version("gantry-pacs"))


if __name__ == "__main__":
    STATEMENT.write_text(statement(), encoding="utf-8")
