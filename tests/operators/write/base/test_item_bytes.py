"""Items as bytes: what pydicom writes, whatever is in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence_item
from pydicom.sequence import Sequence
from pydicom.valuerep import DSfloat

from operators.write.base.item_bytes import encoded_items

CHARACTER_SETS = {
    "ASCII": (None, "Kidney"),
    "Latin": ("ISO_IR 100", "Größe"),
    "Greek": ("ISO_IR 126", "Νεφρός"),
    "UTF-8": ("ISO_IR 192", "腎臓 신장 肾"),
    "Japanese": (["", "ISO 2022 IR 87"], "腎臓"),
}

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "TextValue": st.text("ab c", max_size=9),
    "CodeValue": st.sampled_from(["", "1", "12", None]),
    "ImageType": st.sampled_from([["DERIVED", "PRIMARY"], ["DERIVED"], "DERIVED"]),
    "UID": st.sampled_from(["1.2.3", "1.2.34"]),
    "NumericValue": st.one_of(
        st.floats(-1e6, 1e6).map(lambda value: DSfloat(value, auto_format=True)),
        st.integers(-99, 99),
        st.sampled_from([None, "1.50", ["1", "2.25"]]),
    ),
    "FloatingPointValue": st.one_of(st.floats(allow_nan=False), st.just([1.0, 2.0])),
    "GraphicData": st.lists(st.floats(0, 100, width=32), min_size=1, max_size=4),
    "ReferencedFrameNumber": st.sampled_from([1, [1, 2]]),
    "PersonName": st.sampled_from(["Doe^Jane", ""]),
    "Date": st.just("20261121"),
    "ReferencedSamplePositions": st.lists(st.integers(1, 9), min_size=1, max_size=3),
}


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Dataset:
    dataset = Dataset()
    for keyword in draw(st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=5)):
        setattr(dataset, keyword, draw(VALUES[keyword]))
    if depth and draw(st.booleans()):
        dataset.ContentSequence = Sequence(draw(st.lists(trees(depth=depth - 1), max_size=3)))
    return dataset


def as_pydicom_writes(items: list[Dataset], encodings: list[str]) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    for dataset in items:
        write_sequence_item(buffer, dataset, encodings)
    return buffer.getvalue()


@given(items=st.lists(trees(), max_size=4))
@settings(deadline=None, max_examples=150)
def test_any_items_are_written_as_pydicom_writes_them(items: list[Dataset]) -> None:
    encodings = convert_encodings(None)
    assert encoded_items(items, encodings) == as_pydicom_writes(items, encodings)


@pytest.mark.parametrize(("character_set", "text"), CHARACTER_SETS.values(), ids=CHARACTER_SETS)
def test_texts_keep_their_character_set(character_set: str | list[str] | None, text: str) -> None:
    encodings = convert_encodings(character_set)
    inner = Dataset()
    inner.CodeMeaning, inner.TextValue, inner.PersonName = text, f"{text} 1", f"{text}^A"
    outer = Dataset()
    outer.TextValue, outer.ContentSequence = "plain", Sequence([inner, Dataset()])
    assert encoded_items([outer], encodings) == as_pydicom_writes([outer], encodings)
