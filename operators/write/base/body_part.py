"""The body part of a result's series and its side (PS3.3 C.7.3.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from operators.write.base.identity import copy_attributes


def write_body_part(source: Dataset, result: Dataset) -> None:
    """Write Body Part Examined and, unless that is not paired, Laterality: the source's own, else empty, "unknown"."""
    copy_attributes(source, result, ("BodyPartExamined",))
    if source.get("BodyPartExamined") not in _UNPAIRED:
        result.Laterality = None
        copy_attributes(source, result, ("Laterality",))


# The body parts that PS3.16 annex L does not list as paired.
_UNPAIRED_TERMS = """
    ABDOMEN ABDOMENPELVIS AORTA BLADDER BRAIN CEREBELLUM CERVIX CHEST CHESTABDOMEN CHESTABDPELVIS CIRCLEOFWILLIS COCCYX
    COLON CORONARYARTERY CSPINE CTSPINE DUODENUM ESOPHAGUS FACE GALLBLADDER HEAD HEADNECK HEART ILEUM ILIUM JAW JEJUNUM
    LARYNX LIVER LSPINE LSSPINE MAXILLA MEDIASTINUM MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE PANCREAS
    PELVIS PENIS PHARYNX PROSTATE RECTUM SCALP SKULL SPINE SPLEEN SSPINE STERNUM STOMACH THYMUS THYROID TLSPINE TONGUE
    TRACHEA TSPINE URETER URETHRA UTERUS VAGINA VULVA WHOLEBODY
"""
_UNPAIRED = frozenset(_UNPAIRED_TERMS.split())
