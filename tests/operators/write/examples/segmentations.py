"""Small Segmentations and contours."""

from __future__ import annotations

import numpy as np

from operators.provenance import Analysis
from operators.write.rt_structure_set import write_rt_structure_set
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import LEFT, LESIONS, WHITE_MATTER, make_volume, segment
from tests.operators.write.test_rt_structure_set import OUTPUT as CONTOURS

SEGMENTS = [segment(1, "Left", anatomic_region=WHITE_MATTER, laterality=LEFT), segment(2, "Spot")]


def _segmentation(analysis: Analysis, form: SegmentationForm) -> Made:
    volume = make_volume("oblique")
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[2:4, 3:6, 4:9], labels[4, 8, 1] = 1, 2
    made = write_segmentation("lesions", LESIONS, volume, labels, SEGMENTS, analysis, form=form)
    return Made({"lesions": made}, headers(volume), {"lesions": {1: 30, 2: 1}})


def binary(analysis: Analysis) -> Made:
    return _segmentation(analysis, SegmentationForm())


def deflated(analysis: Analysis) -> Made:
    return _segmentation(analysis, SegmentationForm(encoding="deflated"))


def label_map(analysis: Analysis) -> Made:
    return _segmentation(analysis, SegmentationForm(type="labelmap"))


def label_map_rle(analysis: Analysis) -> Made:
    return _segmentation(analysis, SegmentationForm(type="labelmap", encoding="rle"))


def probability(analysis: Analysis) -> Made:
    volume = make_volume()
    fractions = np.zeros((6, 10, 12), np.float32)
    fractions[2, 3:5, 4] = 0.25, 1.0
    form = SegmentationForm(type="probability", encoding="jpeg_ls")
    made = write_segmentation("lesions", LESIONS, volume, fractions, SEGMENTS[:1], analysis, form=form)
    return Made({"lesions": made}, headers(volume), {"lesions": {1: 2}})


def nothing_found(analysis: Analysis) -> Made:
    volume = make_volume()
    empty = np.zeros((6, 10, 12), np.uint8)
    made = write_segmentation("lesions", LESIONS, volume, empty, SEGMENTS, analysis)
    return Made({"lesions": made}, headers(volume), {"lesions": {1: 0, 2: 0}})


def contours(analysis: Analysis) -> Made:
    volume = make_volume()
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[2:4, 3:6, 4:9], labels[4, 8, 1] = 1, 2
    return one(
        "contours", write_rt_structure_set("contours", CONTOURS, volume, labels, SEGMENTS, analysis), headers(volume)
    )
