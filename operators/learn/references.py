"""The reference of a domain gate, from embeddings of data that the app was made or measured with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from operators.check.domain_shift import Reference, fit_reference

_SHRINKAGE = 0.1
_ACCEPTED_PERCENTILE = 98.0
_MARGIN = 1.1


def fit_accepting(description: str, embeddings: NDArray[np.float64]) -> Reference:
    """Fit a reference on one half of (n, d); its limit is 1.1 times that within which 98 % of the other half lie.

    The farthest of many would make the limit: one recording that is all noise must not open the gate for all.
    """
    half = len(embeddings) // 2
    fitted, unseen = embeddings[:half], embeddings[half:]
    trial = fit_reference(description, list(fitted), list(unseen), shrinkage=_SHRINKAGE)
    distances = np.array([trial.distance(each) for each in unseen])
    accepted = unseen[distances <= np.percentile(distances, _ACCEPTED_PERCENTILE)]
    return fit_reference(description, list(fitted), list(accepted), margin=_MARGIN, shrinkage=_SHRINKAGE)
