"""Coded concepts as code sequence items (PS3.3 section 8.8)."""

from __future__ import annotations

from functools import lru_cache

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code

from operators.refused import CODING_SCHEME
from operators.write.base.elements import dataset_of, every_element
from operators.write.base.texts import require_text

CODING_SCHEME_NAME = "Gantry private codes"
"""Coding Scheme Name (0008,0115) of the codes that are Gantry's own."""


def code_item(code: Code) -> Dataset:
    """Return one item of a code sequence; a value of more than 16 characters goes to Long Code Value.

    Raises :class:`ValueError` for a code without value, designator or meaning, or with one that is too long.
    """
    _check(code.value, code.scheme_designator, code.meaning, code.scheme_version or "")
    is_long = len(code.value) > 16
    return dataset_of(
        CodeValue=None if is_long else code.value,
        LongCodeValue=code.value if is_long else None,
        CodingSchemeDesignator=code.scheme_designator,
        CodingSchemeVersion=code.scheme_version or None,
        CodeMeaning=code.meaning,
    )


@lru_cache(maxsize=4096)
def _check(value: str, designator: str, meaning: str, version: str) -> None:
    shown = f"of ({value}, {designator}, {meaning!r})"
    require_text(f"the code value {shown}", value, "UC")
    require_text(f"the coding scheme designator {shown}", designator, "SH")
    require_text(f"the code meaning {shown}", meaning, "LO")
    require_text(f"the coding scheme version {shown}", version, "SH", empty=True)


def code_sequence(*codes: Code) -> Sequence:
    """Return a code sequence of these concepts."""
    return Sequence([code_item(code) for code in codes])


def private_coding_schemes(dataset: Dataset) -> Sequence:
    """Return a Coding Scheme Identification Sequence (PS3.3 C.12.1.1.6) for the private schemes that are used.

    Empty if no private scheme is used. Schemes of others that came with copied attributes are named without more.
    """
    used = {
        str(element.value)
        for element in every_element(dataset)
        if element.tag == 0x00080102 and str(element.value).startswith("99")
    }
    items = []
    for designator in sorted(used):
        item = Dataset()
        item.CodingSchemeDesignator = designator
        if designator == CODING_SCHEME:
            item.CodingSchemeName = CODING_SCHEME_NAME
            item.CodingSchemeResponsibleOrganization = "Gantry"
        items.append(item)
    return Sequence(items)
