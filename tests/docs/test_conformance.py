"""The conformance statement is what the code says."""

from __future__ import annotations

from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES
from operators.provenance import Analysis
from operators.write.waveforms.iods import WAVEFORM_IODS
from tests.docs.conformance import STATEMENT, statement
from tests.operators.write.conftest import analysis
from tests.operators.write.every_object import EVERY_OBJECT

__all__ = ["analysis"]


def test_the_statement_is_that_of_the_code() -> None:
    fresh = statement()
    assert STATEMENT.read_text(encoding="utf-8") == fresh, "run: python -m tests.docs.conformance"


def test_every_sop_class_of_results_is_told(analysis: Analysis) -> None:
    """Those that may leave the node are those that a writer writes."""
    written = {str(make(analysis).object.SOPClassUID) for make in EVERY_OBJECT.values()} | set(map(str, WAVEFORM_IODS))
    assert written == set(RESULT_SOP_CLASSES)
