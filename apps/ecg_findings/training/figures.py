"""How good a network is on recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from apps.ecg_findings.network import FindingsNetwork
from apps.ecg_findings.training.loop import logits_of
from apps.ecg_findings.training.samples import Samples
from operators.infer.calibration import Calibration, expected_calibration_error
from operators.learn.scores import area_under_curve
from operators.measure.ecg.leads import INDEPENDENT_LEADS


def figures_of(
    network: FindingsNetwork, samples: Samples, names: Sequence[str], calibrations: Mapping[str, Calibration]
) -> dict[str, object]:
    """Return AUROC by label with all leads and with lead II alone, and the calibration error."""
    logits = logits_of(network, samples.signals)
    single = samples.signals.copy()
    single[:, [row for row, name in enumerate(INDEPENDENT_LEADS) if name != "II"]] = 0
    single_logits = logits_of(network, single)
    truth = samples.truth.astype(np.float64)
    areas = {name: area_under_curve(logits[:, i], truth[:, i]) for i, name in enumerate(names)}
    single_areas = {name: area_under_curve(single_logits[:, i], truth[:, i]) for i, name in enumerate(names)}
    errors = {
        name: expected_calibration_error(calibrations[name].probability(logits[:, i]), truth[:, i])
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
