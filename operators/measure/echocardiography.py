"""What was measured on an echocardiogram, as plain data (PS3.16 TID 5300 family)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.measure.measurement import FindingSite, Measurement


@dataclass(frozen=True, eq=False)
class EchoMeasurement:
    """A measurement whose code says everything (TID 5301), or, with ``kind``, one that its modifiers define (TID 5302).

    ``label`` is short, for a crowded screen, e.g. "LVIDd". Of several values of one quantity, one can be preferred:
    ``selected_because`` is of CID 12301. ``images`` are headers of images that it was taken from; graphics on them are
    sources of the measurement itself, and so are method and derivation.
    """

    measurement: Measurement
    label: str = ""
    selected_because: Code | None = None
    images: tuple[Dataset, ...] = ()
    kind: EchoKind | None = None


@dataclass(frozen=True)
class EchoKind:
    """What a post-coordinated measurement is (TID 5302).

    ``observation_type`` is of CID 12302 (structure, behaviour or haemodynamics of the site), ``property`` of CID 12304,
    ``measurement_type`` of CID 12303 (directly measured, calculated, indexed ...), ``divisor`` what an index or a ratio
    is divided by, ``flow_direction`` of CID 12306, ``cardiac_phase`` of CID 12307, ``image_mode`` of CID 12224,
    ``image_view`` of CID 12226.
    """

    observation_type: Code
    site: FindingSite
    property: Code
    measurement_type: Code
    divisor: Code | None = None
    flow_direction: Code | None = None
    cardiac_phase: Code | None = None
    image_mode: Code | None = None
    image_view: Code | None = None
