"""On what of a frame its masses rest: Grad-CAM of the network, as a Parametric Map (setting ``explain``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from torch import Tensor

from apps.us_breast_lesion.clips import Clip
from apps.us_breast_lesion.model import Model
from operators.infer.explain import grad_cam
from operators.infer.pictures import native_pictures, network_pictures
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.write.explanation import write_explanation
from operators.write.numbered_names import numbered_names

_OUTPUT = "explanation"


def with_explanations(
    results: Mapping[str, FileDataset],
    clips: Sequence[Clip],
    analysis: Analysis,
    manifest: Manifest,
    model: Model,
    explain: bool,
) -> dict[str, FileDataset]:
    """Return the result objects, with ``explain`` a map for each instance with a mass among them."""
    objects = dict(results)
    names = numbered_names(_OUTPUT, (explain and bool(clip.measured) for clip in clips))
    for name, clip in zip(names, clips, strict=True):
        if name is not None:
            seen = relevance(clip, model)
            objects[name] = write_explanation(
                name, manifest.outputs[_OUTPUT], clip.tissue.frames, seen, analysis, of="Outlined masses"
            )
    return objects


def relevance(clip: Clip, model: Model) -> NDArray[np.float32]:
    """Return how much each pixel counted for the masses of its frame, (frame, row, column) on the source; else NaN.

    Grad-CAM for segmentation (Vinogradova et al. 2020): the score is the sum of the logits over what was outlined; the
    maps are the encoder's last but one, so that places are as coarse as these. The largest value of a frame is 1.
    """
    tissue = clip.tissue
    found = np.full(tissue.frames.array.shape[:3], np.nan, dtype=np.float32)
    rows, columns = tissue.array.shape[1:]
    inside = np.s_[tissue.top : tissue.top + rows, tissue.left : tissue.left + columns]
    for index, labels in enumerate(clip.labels):
        if labels.any():
            seen = _grad_cam(tissue.array[index], labels > 0, model)
            found[index][inside] = native_pictures(seen[None], (rows, columns))[0]
    return found


def _grad_cam(picture: NDArray[np.float32], mask: NDArray[np.bool_], model: Model) -> NDArray[np.float32]:
    pixels = torch.from_numpy(network_pictures(picture[None], model.pixels)).to(model.device)
    outlined = torch.from_numpy(network_pictures(mask[None].astype(np.float32), model.pixels)).to(model.device)
    with torch.no_grad():
        *finer, _, deepest = model.network.features(pixels)

    def explained(x: Tensor) -> Tensor:
        # The deepest maps point away from the mass in every second picture: skips carry most of the outline.
        return model.network.features(x)[-2]

    def score(maps: Tensor) -> Tensor:
        return (model.network.decode([*finer, maps, deepest]) * outlined).sum()

    return np.asarray(grad_cam(explained, score, pixels)[0, 0].cpu().numpy(), dtype=np.float32)
