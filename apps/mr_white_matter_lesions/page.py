"""The summary page: total, lesions on the slices, a chart by region and side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.mr_white_matter_lesions.burden import Burden, millilitres
from apps.mr_white_matter_lesions.inputs import Configuration, Inputs
from apps.mr_white_matter_lesions.regions import SIDES, load_regions
from apps.mr_white_matter_lesions.report import LESION_COLOUR
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.read.geometry.slices import Slice
from operators.write.summary_page import BarPair, Picture, SummaryPage, render_summary

T1_WARNING = "Low reliability: no FLAIR. T1 hypointensities are outlined instead."


def summary_page(inputs: Inputs, burden: Burden, analysis: Analysis, manifest: Manifest) -> NDArray[np.uint8]:
    """Draw the page, (row, column, 3) in sRGB."""
    load, volume = burden.load, inputs.reference
    figures = [
        ("Total volume", f"{load.total_volume / 1000:.2f} mL"),
        ("Lesions", str(load.lesion_count)),
        *((side.capitalize(), f"{millilitres(burden, burden.side_voxels(side)):.2f} mL") for side in SIDES),
        ("In no region", f"{load.unassigned_volume / 1000:.2f} mL"),
    ]
    algorithm = analysis.algorithm
    lines = [f"{name}: {value}" for name, value in analysis.parameters.items()]
    lines.append(f"{algorithm.title} {algorithm.version}, model {algorithm.model_digest[:12]}")
    notice = manifest.model.notice
    if inputs.configuration is Configuration.T1_ONLY:
        notice = f"{T1_WARNING} {notice}"
    return render_summary(
        SummaryPage(
            title=manifest.application.title,
            figures=figures,
            picture=Picture(
                volume.array,
                volume.affine,
                burden.lesions,
                {1: LESION_COLOUR},
                [_caption(item) for item in volume.slices],
            ),
            lines=lines,
            notice=notice,
            bars_title="Lesion volume by region, mL (share of the region)",
            bars=_bars(burden),
        )
    )


def _caption(item: Slice) -> str:
    return f"frame {item.frame + 1}" if item.is_frame else f"image {item.header.get('InstanceNumber', '?')}"


def _bars(burden: Burden) -> list[BarPair]:
    rows: dict[str, dict[str, tuple[float, str]]] = {}
    for region in load_regions():
        load = burden.load.regions[region.number]
        share = "" if load.percent is None else f" ({load.percent:.1f} %)"
        volume = load.lesion_volume / 1000
        rows.setdefault(region.name, {})[region.side] = (volume, f"{volume:.2f}{share}" if load.lesion_voxels else "")
    return [
        BarPair(name, sides["left"][0], sides["right"][0], sides["left"][1], sides["right"][1])
        for name, sides in rows.items()
    ]
