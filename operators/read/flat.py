"""Flat headers: real data sets made from parts of another one's elements."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

Elements = Mapping[BaseTag, DataElement | RawDataElement]


def flat_header(elements: Elements, like: Dataset) -> Dataset:
    """Return a data set of ``elements`` that decodes their texts as ``like`` does; it shares no mapping with any."""
    header = Dataset(dict(elements))
    implicit, little_endian = like.original_encoding
    header.set_original_encoding(implicit, little_endian, like.original_character_set)
    return header
