"""What a network reaches on recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from apps.ecg_findings.network import FindingsNetwork
from apps.ecg_findings.training.samples import Samples
from operators.infer.calibration import Calibration, expected_calibration_error
from operators.learn.loop import predict
from operators.learn.scores import area_under_curve
from operators.measure.ecg.leads import INDEPENDENT_LEADS

Logits = NDArray[np.float64]


def figures_of(
    network: FindingsNetwork,
    samples: Samples,
    names: Sequence[str],
    calibrations: Mapping[str, Calibration],
    *,
    device: torch.device | str = "cpu",
) -> dict[str, object]:
    """Return AUROC by label with all leads and with lead II alone, and the calibration error."""
    logits = logits_of(network, samples, device=device)
    areas = areas_of(logits, samples, names)
    single_areas = areas_of(logits_of(network, lead_ii_only(samples), device=device), samples, names)
    truth = samples.truth.astype(np.float64)
    errors = {
        name: expected_calibration_error(calibrations[name].probability(logits[:, i]), truth[:, i])
        for i, name in enumerate(names)
    }
    return {
        "recordings": len(samples.truth),
        "auroc": {name: round(area, 4) for name, area in areas.items()},
        "macro_auroc": round(mean_area(areas), 4),
        "auroc_lead_ii": {name: round(area, 4) for name, area in single_areas.items()},
        "macro_auroc_lead_ii": round(mean_area(single_areas), 4),
        "expected_calibration_error": {name: round(error, 4) for name, error in errors.items()},
    }


def logits_of(network: FindingsNetwork, samples: Samples, *, device: torch.device | str = "cpu") -> Logits:
    """Return the logits (n, label) of some recordings."""
    return predict(network, samples.signals, batch_size=128, device=device).astype(np.float64)


def areas_of(logits: Logits, samples: Samples, names: Sequence[str]) -> dict[str, float]:
    """Return the area under the ROC curve of each label; NaN where all recordings have it, or none."""
    truth = samples.truth.astype(np.float64)
    return {name: area_under_curve(logits[:, i], truth[:, i]) for i, name in enumerate(names)}


def mean_area(areas: Mapping[str, float]) -> float:
    """Return the mean over the labels that some recordings have (macro-AUROC)."""
    return float(np.nanmean(list(areas.values())))


def lead_ii_only(samples: Samples) -> Samples:
    """Return the same recordings as if only lead II had been recorded."""
    others = [row for row, name in enumerate(INDEPENDENT_LEADS) if name != "II"]
    signals = samples.signals.copy()
    signals[:, others] = 0
    return replace(samples, signals=signals)
