"""Corrected QT, axes and levels from what was measured."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def corrected_qt(qt: float, rr: float) -> dict[str, float]:
    """QTc in ms by name of its formula; ``qt`` in ms, ``rr`` in s.

    Bazett (Heart 1920;7:353), Fridericia (Acta Med Scand 1920;53:469), Framingham (Sagie et al., Am J Cardiol
    1992;70:797), Hodges (J Am Coll Cardiol 1983;1:694).
    """
    if qt <= 0 or rr <= 0:
        raise ValueError(f"QT {qt:g} ms and RR {rr:g} s must be positive")
    return {
        "Bazett": qt / math.sqrt(rr),
        "Fridericia": qt / float(np.cbrt(rr)),
        "Framingham": qt + 154.0 * (1.0 - rr),
        "Hodges": qt + 1.75 * (60.0 / rr - 60.0),
    }


def frontal_axis(lead_one: float, lead_avf: float) -> float | None:
    """The frontal axis in degrees (-180 to 180) from net areas in leads I and aVF; None where both are nothing.

    aVF is longer than lead I in Einthoven's triangle by the augmented lead's factor: 2 / sqrt(3) makes them equal.
    """
    vertical = 2.0 / math.sqrt(3.0) * lead_avf
    return None if math.hypot(lead_one, vertical) < 1e-9 else math.degrees(math.atan2(vertical, lead_one))
