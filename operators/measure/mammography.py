"""What computer-aided detection finds on mammograms, as plain data (PS3.16 TID 4000 family)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.measure.measurement import Measurement, Modifier
from operators.measure.region import ImageRegion

PRESENTATION_REQUIRED = Code("111150", "DCM", "Presentation Required: Rendering device is expected to present")
PRESENTATION_OPTIONAL = Code("111151", "DCM", "Presentation Optional: Rendering device may present")
NOT_FOR_PRESENTATION = Code("111152", "DCM", "Not for Presentation: Rendering device expected not to present")

CALCIFICATION_CLUSTER = Code("129769006", "SCT", "Calcification Cluster")
INDIVIDUAL_CALCIFICATION = Code("129770007", "SCT", "Individual Calcification")
BREAST_DENSITY = Code("129793001", "SCT", "Mammography breast density")

Outcome = Literal["succeeded", "failed"]


@dataclass(frozen=True)
class CadTask:
    """One detection (``task`` of CID 6014) or analysis (of CID 6043) that was tried on ``images``, their headers."""

    task: Code
    images: tuple[Dataset, ...]
    outcome: Outcome = "succeeded"


@dataclass(frozen=True, eq=False)
class CadFinding:
    """One finding on one image (TID 4006).

    ``kind`` is of CID 6014. ``center`` is a POINT, ``outline`` a POLYLINE, CIRCLE or ELLIPSE on the same image.
    ``certainty`` and ``probability_of_cancer`` are in percent. ``properties`` say more, e.g. (111009, DCM,
    "Calcification Type"), (111008, DCM, "Calcification Distribution"), (107644003, SCT, "Shape") or (111037, DCM,
    "Margins"); ``measurements`` are of CID 6142; ``number_of_calcifications`` is for a cluster.
    """

    tracking_identifier: str
    kind: Code
    center: ImageRegion
    outline: ImageRegion | None = None
    rendering_intent: Code = PRESENTATION_REQUIRED
    certainty: float | None = None
    probability_of_cancer: float | None = None
    properties: tuple[Modifier, ...] = ()
    number_of_calcifications: int | None = None
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True, eq=False)
class CadFeature:
    """One feature seen on several images, or at several times (TID 4004).

    ``kind`` is of CID 6016; ``relation`` says how its ``findings`` belong together (CID 6035), ``scope`` on how many
    images it is seen (CID 6036).
    """

    tracking_identifier: str
    kind: Code
    relation: Code
    scope: Code
    findings: tuple[CadFinding, ...]
    rendering_intent: Code = PRESENTATION_REQUIRED
    certainty: float | None = None
    probability_of_cancer: float | None = None


@dataclass(frozen=True, eq=False)
class CadImpression:
    """What belongs together in one impression (TID 4003)."""

    features: tuple[CadFeature, ...] = ()
    findings: tuple[CadFinding, ...] = ()
    rendering_intent: Code = PRESENTATION_REQUIRED

    @property
    def all_findings(self) -> tuple[CadFinding, ...]:
        """Its findings and those of its features."""
        return (*self.findings, *(finding for feature in self.features for finding in feature.findings))
