"""Small encapsulated documents and annotations of a slide."""

from __future__ import annotations

import numpy as np
from pydicom.sr.codedict import codes

from operators.provenance import Analysis
from operators.write.annotations.groups import GroupMeasurement, Shape
from operators.write.bulk_annotations import write_bulk_annotations
from operators.write.encapsulated_document import write_encapsulated_pdf, write_encapsulated_stl
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import as_series, as_study, make_volume
from tests.operators.write.test_bulk_annotations import AREA, CELLS, group, slide
from tests.operators.write.test_encapsulated_document import MODEL, PAGE, REPORT_CODE, a_page


def page(analysis: Analysis) -> Made:
    volume = make_volume()
    made = write_encapsulated_pdf(
        "page", PAGE, as_study(volume), a_page(), [as_series(volume)], analysis, concept=REPORT_CODE
    )
    return one("page", made, headers(volume))


def surface(analysis: Analysis) -> Made:
    volume = make_volume("oblique")
    mask = np.zeros(volume.array.shape, bool)
    mask[2:4, 3:6, 4:9] = True
    made = write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(200, 60, 40))
    return one("model", made, headers(volume))


def slide_annotations(analysis: Analysis) -> Made:
    areas = GroupMeasurement(AREA, codes.UCUM.SquareMicrometer, np.array([1.5, np.nan, 3.0, np.nan, 5.25]))
    groups = [group(Shape.POLYGON, measurements=[areas], colour=(200, 40, 30)), group(Shape.POINT)]
    made = write_bulk_annotations("cells", CELLS, slide(), groups, analysis)
    return one("cells", made, [slide().header])


def slide_annotations_in_space(analysis: Analysis) -> Made:
    made = write_bulk_annotations("cells", CELLS, slide(), [group(Shape.ELLIPSE, 3)], analysis)
    return one("cells", made, [slide().header])
