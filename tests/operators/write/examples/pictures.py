"""Small pictures and maps."""

from __future__ import annotations

import numpy as np

from operators.provenance import Analysis
from operators.write.secondary_capture import write_secondary_capture
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import SUMMARY, as_series, as_study, make_volume
from tests.operators.write.test_multi_frame_secondary_capture import some_frames
from tests.operators.write.test_multi_frame_secondary_capture import write as write_frames
from tests.operators.write.test_parametric_map import SHAPE, anisotropy, diffusivity, some_values
from tests.operators.write.test_parametric_map import write as write_map


def page(analysis: Analysis) -> Made:
    volume = make_volume()
    made = write_secondary_capture(
        "summary", SUMMARY, as_study(volume), np.zeros((8, 9, 3), np.uint8), [as_series(volume)], analysis
    )
    return one("summary", made, headers(volume))


def grey_page(analysis: Analysis) -> Made:
    volume = make_volume()
    made = write_secondary_capture(
        "summary", SUMMARY, as_study(volume), np.zeros((8, 9), np.uint8), [as_series(volume)], analysis
    )
    return one("summary", made, headers(volume))


def _frames(analysis: Analysis, kind: str) -> Made:
    return one("pictures", write_frames(analysis, some_frames(kind)), headers(make_volume()))


def single_bit_frames(analysis: Analysis) -> Made:
    return _frames(analysis, "SingleBit")


def grey_frames(analysis: Analysis) -> Made:
    return _frames(analysis, "GrayscaleByte")


def deep_grey_frames(analysis: Analysis) -> Made:
    return _frames(analysis, "GrayscaleWord")


def colour_frames(analysis: Analysis) -> Made:
    return _frames(analysis, "TrueColor")


def parametric_map(analysis: Analysis) -> Made:
    volume = make_volume(shape=SHAPE)
    made = write_map(analysis, volume, diffusivity(some_values()), anisotropy(some_values()))
    return one("map", made, headers(volume))


def quantised_map(analysis: Analysis) -> Made:
    volume = make_volume(shape=SHAPE)
    return one("map", write_map(analysis, volume, diffusivity(some_values()), stored="uint16"), headers(volume))


def placed_frames(analysis: Analysis) -> Made:
    volume = make_volume(shape=(3, 7, 9))
    return one("pictures", write_frames(analysis, some_frames("TrueColor"), volume=volume), headers(make_volume()))
