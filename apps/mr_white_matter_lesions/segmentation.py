"""Lesions and white-matter regions of a patient: arrays and affines in, label maps out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from apps.mr_white_matter_lesions.model_file import read_model_file
from apps.mr_white_matter_lesions.network import NetworkSettings, UNet
from apps.mr_white_matter_lesions.preprocess import Grid, Prepared, prepare, to_native
from operators.align.resample import Affine
from operators.infer.ensemble import average_probabilities, entropy
from operators.infer.sliding_window import sliding_window
from operators.infer.weights import load_network


@dataclass(frozen=True)
class Scan:
    """One series: ``array`` (slice, row, column), ``affine`` (column, row, slice, 1) to LPS in mm."""

    array: npt.NDArray[np.generic]
    affine: Affine

    @property
    def grid(self) -> Grid:
        """The acquired grid."""
        slices, rows, columns = self.array.shape
        return Grid((slices, rows, columns), self.affine)


@dataclass(frozen=True)
class Segmentation:
    """A label map on the grid of the reference series (the FLAIR, or the T1 where there is no FLAIR).

    ``labels`` is uint8 (slice, row, column): 0 and 1 for lesions, 0 to 34 for regions. ``network`` names the network
    that made it and ``inputs`` the sequences it saw. ``mean_entropy`` is the reliability figure: the mean over the
    labelled voxels of the softmax entropy, 0 certain to 1 undecided; None where nothing was labelled.
    """

    labels: npt.NDArray[np.uint8]
    network: str
    inputs: tuple[str, ...]
    mean_entropy: float | None


@dataclass(frozen=True)
class Networks:
    """The trained networks of a model folder on one device; each is loaded when it is first needed."""

    folder: Path
    device: torch.device
    description: dict[str, Any]

    def prepare(self, name: str, scans: Sequence[Scan]) -> Prepared:
        """Scans of one patient space, the reference first, as the input of a network."""
        entry = self._entry(name)
        return prepare(
            [(scan.array, scan.affine) for scan in scans],
            entry["spacing_mm"],
            intensity_ceiling=entry["intensity_ceiling"],
            device=self.device,
        )

    def probabilities(self, name: str, prepared: Prepared) -> torch.Tensor:
        """Class probabilities on the working grid, averaged over the network's folds, float32, on the device."""
        entry = self._entry(name)
        volume = torch.from_numpy(prepared.array)
        return average_probabilities(
            sliding_window(
                load_network(
                    self.folder / file["path"],
                    partial(_build, entry["network"]),
                    sha256=file["sha256"],
                    device=self.device,
                ),
                volume,
                window=entry["window"],
                # A CPU gains nothing from several windows at once.
                batch_size=8 if self.device.type == "cuda" else 1,
                device=self.device,
            )
            for file in entry["files"]
        )

    def _entry(self, name: str) -> dict[str, Any]:
        networks = self.description["networks"]
        if name not in networks:
            raise KeyError(f'{self.folder} holds no network "{name}", only {", ".join(sorted(networks))}')
        entry: dict[str, Any] = networks[name]
        return entry


def load_networks(model_folder: Path, device: torch.device) -> Networks:
    """The networks that ``model.json`` in the folder describes; weights are read and checked on first use."""
    return Networks(model_folder, device, read_model_file(model_folder))


def segment_lesions(networks: Networks, *, flair: Scan | None, t1: Scan | None) -> Segmentation:
    """White-matter lesions: configuration C with both sequences, D with one of them.

    Both scans must lie in one patient space (a registered T1 carries the registration in its affine). D is never
    averaged over both sequences: the paper finds that worse than D on the FLAIR alone. ValueError without any scan.
    """
    if flair is not None and t1 is not None:
        return _segment(networks, "lesion_c", ("FLAIR", "T1"), [flair, t1])
    if flair is not None:
        return _segment(networks, "lesion_d", ("FLAIR",), [flair])
    return _segment(networks, "lesion_d", ("T1",), [_required(t1)])


def segment_regions(networks: Networks, *, flair: Scan | None, t1: Scan | None) -> Segmentation:
    """The 34 white-matter regions: configuration C with both sequences, A with the FLAIR, B with the T1 alone.

    Conditions as for :func:`segment_lesions`.
    """
    if flair is not None and t1 is not None:
        return _segment(networks, "region_c", ("FLAIR", "T1"), [flair, t1])
    if flair is not None:
        return _segment(networks, "region_a", ("FLAIR",), [flair])
    return _segment(networks, "region_b", ("T1",), [_required(t1)])


def _required(scan: Scan | None) -> Scan:
    if scan is None:
        raise ValueError("neither a FLAIR nor a T1 was given")
    return scan


def _segment(networks: Networks, name: str, inputs: tuple[str, ...], scans: Sequence[Scan]) -> Segmentation:
    prepared = networks.prepare(name, scans)
    probabilities = networks.probabilities(name, prepared)
    return Segmentation(
        to_native(probabilities, prepared.grid, scans[0].grid), name, inputs, mean_entropy(probabilities)
    )


def mean_entropy(probabilities: torch.Tensor) -> float | None:
    """Mean normalised entropy of the voxels whose most probable class is not the background; None without any."""
    labelled = probabilities.argmax(dim=0) > 0
    if not bool(labelled.any()):
        return None
    return float(entropy(probabilities)[labelled].mean())


def _build(network: dict[str, Any]) -> UNet:
    return UNet(
        NetworkSettings(
            network["inputs"],
            network["classes"],
            tuple(network["channels"]),
            tuple((slices, rows, columns) for slices, rows, columns in network["strides"]),
        )
    )
