"""Small Key Object Selections and presentation states."""

from __future__ import annotations

from pydicom.sr.codedict import codes

from operators.provenance import Analysis
from operators.write.key_object_selection import KeyObject, write_key_object_selection
from operators.write.presentation.graphics import Annotation, TextLabel
from operators.write.presentation.outlines import mask_annotations
from operators.write.presentation_state import write_presentation_state
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import make_volume
from tests.operators.write.test_key_object_selection import KEY_OBJECTS
from tests.operators.write.test_presentation_state import LESIONS, MARKS, NOTES, images, some_labels


def key_object_selection(analysis: Analysis) -> Made:
    volume = make_volume()
    chosen = [KeyObject(header) for header in headers(volume)[2:4]]
    made = write_key_object_selection(
        "key_objects", KEY_OBJECTS, codes.DCM.OfInterest, chosen, analysis, description="Both slices of the lesion"
    )
    return one("key_objects", made, headers(volume))


def presentation_state(analysis: Analysis) -> Made:
    source = images()
    annotations = mask_annotations(
        source, some_labels(), {1: "LESIONS", 2: "NOTES"}, tracking_identifiers={1: "Lesion 1"}
    )
    annotations = [*annotations, Annotation("NOTES", None, texts=[TextLabel("Research", box=(0.0, 0.9, 0.5, 1.0))])]
    made = write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], annotations, analysis)
    return one("marks", made, (item.header for item in source))


def colour_presentation_state(analysis: Analysis) -> Made:
    source = images(PhotometricInterpretation="RGB", SamplesPerPixel=3, BitsAllocated=8, BitsStored=8, HighBit=7)
    annotations = mask_annotations(source, some_labels(), {1: "LESIONS", 2: "NOTES"})
    made = write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], annotations, analysis)
    return one("marks", made, (item.header for item in source))
