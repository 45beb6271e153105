"""What a segment has to say of itself before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.coding import Code

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from operators.write.segments.descriptions import check_segments
from operators.write.segments.form import DEFAULT_FORM, SegmentationForm
from operators.write.segments.occurrences import Occurrence
from operators.write.segments.pixels import check_size
from tests.operators.write.studies import LEFT, LESIONS, RIGHT, WHITE_MATTER, make_volume, patient, segment


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": ""}, "label of segment 1 is empty"),
        ({"label": "x" * 65}, "label of segment 1"),
        ({"label": "a\\b"}, "backslash"),
        ({"tracking_identifier": " "}, "tracking identifier of segment 1 is empty"),
        ({"type": Code("", "SCT", "Liver")}, "the code value"),
        ({"type": Code("10200004", "", "Liver")}, "the coding scheme designator"),
        ({"category": Code("123037004", "SCT", "")}, "the code meaning"),
        ({"anatomic_region": Code("10200004", "SCT", "x" * 65)}, "the code meaning"),
        ({"laterality": Code("7771000", "SCT" * 6, "Left")}, "the coding scheme designator"),
        ({"colour": (0, 0, 256)}, "colour of segment 1"),
        ({"colour": (0, -1, 0)}, "colour of segment 1"),
    ],
)
def test_what_cannot_be_said_is_an_error(changes: dict[str, object], message: str, analysis: Analysis) -> None:
    described = segment(1, **{"label": "Liver", **changes})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        write_segmentation(
            "x", LESIONS, make_volume("axial", (2, 3, 4)), np.zeros((2, 3, 4), np.uint8), [described], analysis
        )


@pytest.mark.parametrize(
    ("meaning", "label", "character_set"),
    [("Spot", "Spot", "ISO_IR 100"), ("Fleck à", "Größe", "ISO_IR 100"), ("斑点", "Spot", "ISO_IR 192")],
)
def test_private_codes_and_texts_of_any_script_are_told_and_read_back(
    meaning: str, label: str, character_set: str, analysis: Analysis, tmp_path: Path
) -> None:
    private = Code("SPOT", "99GANTRY", meaning)
    segments = [segment(1, label, type=private, laterality=LEFT), segment(2, "b", category=private, laterality=RIGHT)]
    labels = np.ones((2, 3, 4), np.uint8)
    result = write_segmentation("x", LESIONS, make_volume("axial", (2, 3, 4)), labels, segments, analysis)
    read = dcmread(save(result, tmp_path))
    assert read.SpecificCharacterSet == character_set
    assert [item.CodingSchemeDesignator for item in read.CodingSchemeIdentificationSequence] == ["99GANTRY"]
    first, second = read.SegmentSequence
    assert (first.SegmentLabel, first.TrackingID) == (label, label)
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == meaning
    assert second.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == meaning
    sides = [
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning
        for item in read.SegmentSequence
    ]
    assert sides == ["Left", "Right"]


def test_one_code_with_two_meanings_keeps_both(analysis: Analysis) -> None:
    """Codes compare equal whatever they mean, and SRT ones equal those of SCT."""
    kinds = [
        Code("10200004", "SCT", "Liver"),
        Code("10200004", "SCT", "Lebergewebe ä"),
        Code("T-62000", "SRT", "Liver"),
    ]
    segments = [segment(number, f"s{number}", type=kind) for number, kind in enumerate(kinds, start=1)]
    labels = np.ones((2, 3, 4), np.uint8)
    volume = make_volume("axial", (2, 3, 4), identity=patient(SpecificCharacterSet="ISO_IR 192"))
    result = write_segmentation("x", LESIONS, volume, labels, segments, analysis)
    written = [item.SegmentedPropertyTypeCodeSequence[0] for item in result.SegmentSequence]
    assert [(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning) for item in written] == [
        tuple(kind)[:3] for kind in kinds
    ]


def test_the_side_is_that_of_the_region_or_of_the_structure(analysis: Analysis) -> None:
    segments = [
        segment(1, "a", anatomic_region=WHITE_MATTER, laterality=LEFT),
        segment(2, "b", type=WHITE_MATTER, laterality=LEFT),
        segment(3, "c", type=WHITE_MATTER, anatomic_region=WHITE_MATTER),
    ]
    labels = np.ones((2, 3, 4), np.uint8)
    result = write_segmentation("x", LESIONS, make_volume("axial", (2, 3, 4)), labels, segments, analysis)
    regions = [item.get("AnatomicRegionSequence", [None])[0] for item in result.SegmentSequence]
    types = [item.SegmentedPropertyTypeCodeSequence[0] for item in result.SegmentSequence]
    assert ["AnatomicRegionModifierSequence" in (region or ()) for region in regions] == [True, False, False]
    assert ["SegmentedPropertyTypeModifierCodeSequence" in kind for kind in types] == [False, True, False]
    assert not any("SegmentedPropertyTypeModifierCodeSequence" in (region or ()) for region in regions)
    assert regions[1] is None


def many(count: int) -> list[Segment]:
    return [segment(number, f"s{number}") for number in range(1, count + 1)]


def test_up_to_65535_segments_are_possible() -> None:
    check_segments(many(65535), DEFAULT_FORM)
    with pytest.raises(ValueError, match="65536 segments"):
        check_segments(many(65536), DEFAULT_FORM)
    with pytest.raises(ValueError, match="no segment"):
        check_segments([], DEFAULT_FORM)


def test_more_pixel_data_than_an_element_holds_are_an_error() -> None:
    check_size(DEFAULT_FORM, 131071, (1, 512, 512), 1)
    with pytest.raises(ValueError, match="leave out empty frames"):
        check_size(DEFAULT_FORM, 131072, (1, 512, 512), 1)
    # Compressed, it has no length but its end.
    check_size(SegmentationForm("labelmap", "rle"), 131072, (1, 512, 512), 1)


def test_a_label_map_of_very_many_segments_is_written(analysis: Analysis) -> None:
    labels = np.arange(1, 2 * 20 * 20 + 1, dtype=np.uint16).reshape(2, 20, 20)
    result = write_segmentation("x", LESIONS, make_volume("axial", (2, 20, 20)), labels, many(800), analysis)
    assert result.NumberOfFrames == len(result.SegmentSequence) == 800
    assert result.pixel_array.sum() == 800


@pytest.mark.parametrize(("title", "said"), [("Lesions", "Lesions: nothing found"), ("x" * 60, "Nothing found")])
def test_an_empty_result_says_so_in_as_many_words_as_fit(title: str, said: str, analysis: Analysis) -> None:
    output = OutputPart(object="segmentation", title=title, series_number=9001)
    volume, empty = make_volume("axial", (2, 3, 4)), np.zeros((2, 3, 4), bool)
    result = write_segmentation("x", output, volume, empty, many(1), analysis)
    assert result.ContentDescription == said
    assert result.SegmentSequence[0].SegmentDescription == "Nothing found"
    found = write_segmentation("x", output, volume, ~empty, many(1), analysis)
    assert found.ContentDescription == title
    assert "SegmentDescription" not in found.SegmentSequence[0]


def test_an_occurrence_names_its_rows() -> None:
    assert Occurrence(0, 2, 3, 5).rows == slice(3, 5)
