"""Measure the trained networks on studies they have not seen: ``python -m apps.mr_white_matter_lesions.evaluate``."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER, read_model_file, write_model_file
from apps.mr_white_matter_lesions.preprocess import Grid, Prepared, to_native
from apps.mr_white_matter_lesions.scores import Labels, score_lesions, score_regions
from apps.mr_white_matter_lesions.segmentation import Networks, Scan, load_networks, segment_lesions, segment_regions
from apps.mr_white_matter_lesions.training.samples import LabelledScan, LabelledStudy
from apps.mr_white_matter_lesions.training.studies import (
    held_out_seeds,
    read_volume,
    simulated_study,
    study_folders,
    study_from_folder,
)
from operators.infer.device import choose_device
from operators.infer.ensemble import average_probabilities

_LOG = logging.getLogger(__name__)

Scores = dict[str, dict[str, Any]]


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate on held-out phantoms, on a folder of real cases, or on one T1 with its reference; print a table.

    The figures of held-out phantoms go into ``model.json``.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    if options.t1 is not None:
        _print(summarise([_evaluate_t1(options.t1, options.reference, options)]))
        return
    cases: list[Any] = study_folders(options.data) if options.data else list(held_out_seeds(options.studies))
    evaluate = partial(
        _evaluate_case, model=options.model, device=options.device, threads=options.threads, fused=options.fused
    )
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        scores = []
        for case, result in zip(cases, pool.map(evaluate, cases), strict=True):
            _LOG.info("%s %s", case, json.dumps({name: value.get("dice") for name, value in result.items()}))
            scores.append(result)
    summary = summarise(scores)
    _print(summary)
    if options.data is None:
        description = read_model_file(options.model)
        description["held_out"] = {
            "data": f"simulated studies, seeds {cases[0]} to {cases[-1]}, never used in training",
            "command": f"python -m apps.mr_white_matter_lesions.evaluate --studies {options.studies}",
            "figures": summary,
        }
        write_model_file(options.model, description)


def evaluate_study(networks: Networks, study: LabelledStudy, *, fused: bool = False) -> Scores:
    """Scores of every configuration on one study, through the functions that the app calls.

    With ``fused`` also the average of D over both sequences, which the app never uses: the paper reports that it is
    worse than D on the FLAIR alone.
    """
    flair, t1 = Scan(study.flair.array, study.flair.affine), Scan(study.t1.array, study.t1.affine)
    scores: Scores = {
        "lesions C": _lesions(segment_lesions(networks, flair=flair, t1=t1).labels, study.flair),
        "lesions D on FLAIR": _lesions(segment_lesions(networks, flair=flair, t1=None).labels, study.flair),
        "lesions D on T1": _lesions(segment_lesions(networks, flair=None, t1=t1).labels, study.t1),
    }
    if fused:
        scores["lesions D fused"] = _lesions(_fused(networks, flair, t1), study.flair)
    if study.flair.regions is not None:
        scores["regions C"] = _regions(segment_regions(networks, flair=flair, t1=t1).labels, study.flair)
        scores["regions A (FLAIR)"] = _regions(segment_regions(networks, flair=flair, t1=None).labels, study.flair)
        scores["regions B (T1)"] = _regions(segment_regions(networks, flair=None, t1=t1).labels, study.t1)
    return scores


def summarise(scores: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Mean and standard deviation over the studies of every figure of every configuration, with their number."""
    summary: dict[str, dict[str, Any]] = {}
    for name in scores[0]:
        summary[name] = {}
        for figure in scores[0][name]:
            values = [study[name][figure] for study in scores if study[name][figure] is not None]
            if values:
                summary[name][figure] = {
                    "mean": round(float(np.mean(values)), 3),
                    "sd": round(float(np.std(values)), 3),
                    "studies": len(values),
                }
    return summary


def _evaluate_case(case: int | Path, *, model: Path, device: str, threads: int, fused: bool) -> Scores:
    torch.set_num_threads(threads)
    study = study_from_folder(case) if isinstance(case, Path) else simulated_study(case)
    return evaluate_study(load_networks(model, choose_device(device)), study, fused=fused)


def _evaluate_t1(t1: Path, reference: Path, options: argparse.Namespace) -> Scores:
    """A T1 with a lesion mask on its grid: the T1-only configuration."""
    array, affine = read_volume(t1)
    mask, _ = read_volume(reference)
    networks = load_networks(options.model, choose_device(options.device))
    labels = segment_lesions(networks, flair=None, t1=Scan(array, affine)).labels
    return {"lesions D on T1": _lesions(labels, LabelledScan(array, affine, np.round(mask), None))}


def _lesions(labels: Labels, scan: LabelledScan) -> dict[str, Any]:
    # Other pathology (label 2) is left out of the comparison, as the challenge does.
    known = scan.lesions != 2
    voxel = float(abs(np.linalg.det(scan.affine[:3, :3])))
    return asdict(score_lesions((labels == 1) & known, (scan.lesions == 1) & known, voxel))


def _regions(labels: Labels, scan: LabelledScan) -> dict[str, Any]:
    if scan.regions is None:
        raise ValueError("this study has no region labels")
    scores = score_regions(labels, np.asarray(scan.regions, dtype=np.uint8))
    worst = min(scores, key=lambda label: scores[label])
    return {"dice": float(np.mean(list(scores.values()))), "lowest_dice": scores[worst]}


def _fused(networks: Networks, flair: Scan, t1: Scan) -> Labels:
    pair = networks.prepare("lesion_d", [flair, t1])
    grid: Grid = pair.grid
    channels = (Prepared(pair.array[channel : channel + 1], grid) for channel in range(2))
    both = average_probabilities(networks.probabilities("lesion_d", channel) for channel in channels)
    return to_native(both, grid, flair.grid)


def _print(summary: Mapping[str, Mapping[str, Any]]) -> None:
    def cell(value: Mapping[str, Any] | None) -> str:
        return "" if value is None else f"{value['mean']:.3f} ± {value['sd']:.3f}"

    figures = ("dice", "recall", "f1", "volume_error_ml", "volume_error_percent")
    print("| configuration | Dice | lesion recall | lesion F1 | volume error mL | volume error % |")
    print("|---|---|---|---|---|---|")
    for name, values in summary.items():
        print(f"| {name} | " + " | ".join(cell(values.get(figure)) for figure in figures) + " |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate mr_white_matter_lesions", description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER, help="folder of weights and model.json")
    parser.add_argument("--studies", type=int, default=12, help="number of held-out simulated studies")
    parser.add_argument("--data", type=Path, help="folder of real cases, in place of simulated studies")
    parser.add_argument("--t1", type=Path, help="a T1 volume (NIfTI) to be scored alone")
    parser.add_argument("--reference", type=Path, help="the lesion mask on that T1's grid")
    parser.add_argument("--fused", action="store_true", help="also average D over both sequences (not used by the app)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="studies evaluated side by side")
    return parser


if __name__ == "__main__":
    main()
