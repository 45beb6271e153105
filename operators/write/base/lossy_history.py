"""Whether pixels were ever compressed with loss, which no later step undoes (PS3.3 C.7.6.1.1.5)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from operators.read.instance import Instance
from operators.write.base.identity import copy_attributes

# What these encode has lost something. JPEG 2000 and its kin may have been lossless: their headers tell.
_ALWAYS_LOSSY = {JPEGBaseline8Bit: "ISO_10918_1", JPEGExtended12Bit: "ISO_10918_1", JPEGLSNearLossless: "ISO_14495_1"}
# MPEG-2, MPEG-4 and HEVC, all levels (PS3.5 annexes A.4.5 to A.4.7 and A.4.9).
_VIDEO = {f"1.2.840.10008.1.2.4.{number}": "ISO_13818_2" for number in (100, 101)}
_VIDEO |= {f"1.2.840.10008.1.2.4.{number}": "ISO_14496_10" for number in range(102, 107)}
_VIDEO |= {f"1.2.840.10008.1.2.4.{number}": "ISO_23008_2" for number in (107, 108)}


def write_lossy_history(sources: Iterable[Instance], result: Dataset) -> None:
    """Write Lossy Image Compression (0028,2110) of an image made from ``sources``, with ratio and method where told.

    Of several lossy sources, the first one's ratio and method stand for all.
    """
    result.LossyImageCompression = "00"
    for source in sources:
        syntax = source.file_meta.get("TransferSyntaxUID")
        method = _ALWAYS_LOSSY.get(syntax) or _VIDEO.get(str(syntax))
        if source.header.get("LossyImageCompression") == "01" or method:
            copy_attributes(source.header, result, ("LossyImageCompressionRatio", "LossyImageCompressionMethod"))
            if method and "LossyImageCompressionMethod" not in result:
                result.LossyImageCompressionMethod = method
            result.LossyImageCompression = "01"
            return
