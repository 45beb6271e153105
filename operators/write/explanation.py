"""What a network's answer rests on → Parametric Map of relevance on the images that it was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.frames import Frames
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME
from operators.write.maps.quantity import Quantity
from operators.write.parametric_map import TISSUE, write_parametric_map

RELEVANCE = Code("relevance", CODING_SCHEME, "Relevance for a network's answer")
EXPLANATION = Code("explanation", CODING_SCHEME, "Explanation of a network's answer")
"""How the map was derived: CID 7203 is extensible and has nothing of the kind."""

GRAD_CAM = Code("grad-cam", CODING_SCHEME, "Grad-CAM")
INTEGRATED_GRADIENTS = Code("integrated-gradients", CODING_SCHEME, "Integrated gradients")


def write_explanation(
    output_name: str,
    output: OutputPart,
    place: Volume | Frames,
    relevance: NDArray[np.floating],
    analysis: Analysis,
    *,
    of: str,
    method: Code = GRAD_CAM,
    anatomic_region: Code = TISSUE,
) -> FileDataset:
    """Return a map of how much each pixel of ``place`` counted, (slice or frame, row, column); NaN where not asked.

    Grad-CAM is from 0 to 1, its largest value; integrated gradients are in the units of the network's logit, with their
    sign. ``of`` is the answer that is explained, at most 64 characters.
    """
    quantity = Quantity(
        name=RELEVANCE,
        unit=codes.UCUM.NoUnits,
        values=np.asarray(relevance, dtype=np.float32),
        label=method.meaning[:16],
        explanation=of,
        method=method,
    )
    return write_parametric_map(
        output_name,
        output,
        place,
        [quantity],
        analysis,
        derivation=EXPLANATION,
        anatomic_region=anatomic_region,
    )
