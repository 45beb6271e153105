"""How good a network is on recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from apps.ecg_findings.network import FindingsNetwork
from apps.ecg_findings.training.loop import logits_of
from apps.ecg_findings.training.samples import Samples
from operators.infer.calibration import Calibration, expected_calibration_error
from operators.measure.ecg.leads import INDEPENDENT_LEADS


def area_under_curve(scores: NDArray[np.float64], truth: NDArray[np.float32]) -> float:
    """The area under the receiver operating characteristic: how often a positive scores above a negative."""
    positive, negative = scores[truth > 0.5], scores[truth <= 0.5]
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(np.sort(negative), positive, "right")
    return float(ranks.mean() / 2 / len(negative))


def figures_of(
    network: FindingsNetwork, samples: Samples, names: Sequence[str], calibrations: Mapping[str, Calibration]
) -> dict[str, object]:
    """Return AUROC by label with all leads and with lead II alone, and the calibration error."""
    logits = logits_of(network, samples.signals)
    single = samples.signals.copy()
    single[:, [row for row, name in enumerate(INDEPENDENT_LEADS) if name != "II"]] = 0
    single_logits = logits_of(network, single)
    areas = {name: area_under_curve(logits[:, i], samples.truth[:, i]) for i, name in enumerate(names)}
    single_areas = {name: area_under_curve(single_logits[:, i], samples.truth[:, i]) for i, name in enumerate(names)}
    errors = {
        name: expected_calibration_error(
            calibrations[name].probability(logits[:, i]), samples.truth[:, i].astype(np.float64)
        )
        for i, name in enumerate(names)
    }
    return {
        "recordings": len(samples.truth),
        "auroc": {name: round(area, 4) for name, area in areas.items()},
        "macro_auroc": round(float(np.nanmean(list(areas.values()))), 4),
        "auroc_lead_ii": {name: round(area, 4) for name, area in single_areas.items()},
        "macro_auroc_lead_ii": round(float(np.nanmean(list(single_areas.values()))), 4),
        "expected_calibration_error": {name: round(error, 4) for name, error in errors.items()},
    }
