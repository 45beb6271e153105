from __future__ import annotations

import highdicom
import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.provenance import Analysis
from operators.write.segmentation import write_segmentation
from operators.write.segments.colour_table import COLOURS
from operators.write.segments.colours import colours_of, distinct_colour
from tests.operators.write.studies import LESIONS, make_volume, segment

LIVER = Code("10200004", "SCT", "Liver")
KIDNEY = Code("64033007", "SCT", "Kidney")


def test_a_structure_has_the_colour_that_slicer_gives_it() -> None:
    segments = [segment(1, "liver", type=LIVER, colour=None), segment(2, "kidney", type=KIDNEY, colour=None)]
    assert colours_of(segments) == [(221, 130, 101), (185, 102, 83)]


def test_the_table_is_of_concepts_that_exist() -> None:
    assert codes.SCT.Liver.value in COLOURS
    assert COLOURS[codes.SCT.Aorta.value] == (224, 97, 76)
    assert all(code.isdigit() and all(0 <= part <= 255 for part in colour) for code, colour in COLOURS.items())


def test_a_colour_of_its_own_stays_and_no_two_others_are_alike() -> None:
    segments = [
        segment(1, "a", type=LIVER, colour=None),
        segment(2, "b", type=LIVER, colour=None),
        segment(3, "c", type=KIDNEY, colour=(1, 2, 3)),
        segment(4, "d", type=Code("10200004", "99OTHER", "Not the liver"), colour=None),
    ]
    found = colours_of(segments)
    assert found == colours_of(segments)
    assert found[0] == COLOURS["10200004"]
    assert found[1] == distinct_colour(2)
    assert found[2] == (1, 2, 3)
    assert len(set(found)) == 4


def test_colours_without_a_table_lie_apart() -> None:
    colours = [np.array(distinct_colour(number)) for number in range(1, 31)]
    distances = [np.abs(one - other).sum() for place, one in enumerate(colours) for other in colours[:place]]
    assert min(distances) > 20
    assert all(colour.max() > 120 for colour in colours)


def test_the_colour_stands_in_the_object(analysis: Analysis) -> None:
    labels = np.ones((2, 4, 4), np.uint8)
    liver = segment(1, "liver", type=LIVER, colour=None)
    result = write_segmentation("x", LESIONS, make_volume("axial", (2, 4, 4)), labels, [liver], analysis)
    value = list(result.SegmentSequence[0].RecommendedDisplayCIELabValue)
    colour = highdicom.color.CIELabColor.from_dicom_value(value).to_rgb()
    np.testing.assert_allclose(colour, (221, 130, 101), atol=1)
