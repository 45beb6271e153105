"""The content trees of reports."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset


def content_tree(objects: Iterable[Dataset]) -> str:
    """Return the content trees of reports as nested lists; rows that come again are told once."""
    lines: dict[str, None] = {}
    for report in objects:
        lines[f"- CONTAINER {_concept(report)}{_template(report)}"] = None
        _tree_lines(report, 1, lines)
    return "\n".join(lines)


def _tree_lines(parent: Dataset, depth: int, lines: dict[str, None]) -> None:
    for item in parent.get("ContentSequence", ()):
        relation = item.get("RelationshipType", "")
        value = _coded_value(item)
        lines[f"{'  ' * depth}- {relation} {item.get('ValueType', '')} {_concept(item)}{value}{_template(item)}"] = None
        _tree_lines(item, depth + 1, lines)


def _concept(item: Dataset) -> str:
    codes = item.get("ConceptNameCodeSequence")
    return _code(codes[0]) if codes else "(no concept name)"


def _code(code: Dataset) -> str:
    value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue")
    return f'({value}, {code.get("CodingSchemeDesignator", "")}, "{code.get("CodeMeaning", "")}")'


def _coded_value(item: Dataset) -> str:
    if codes := item.get("ConceptCodeSequence"):
        return f" = {_code(codes[0])}"
    if measured := item.get("MeasuredValueSequence"):
        return f" in {_code(measured[0].MeasurementUnitsCodeSequence[0])}"
    return ""


def _template(item: Dataset) -> str:
    found = item.get("ContentTemplateSequence")
    return f", TID {found[0].TemplateIdentifier}" if found else ""
