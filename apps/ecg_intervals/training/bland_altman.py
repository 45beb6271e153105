"""The plot of the model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from apps.ecg_intervals.training.scores import LIMITS, Score, errors


def draw_bland_altman(scores: Sequence[Score], path: Path) -> None:
    """Draw the differences over the means with their mean and 95 % limits of agreement (Bland & Altman 1986)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {"none": "#2c7fb8", "resting": "#41ab5d", "restless": "#d95f0e"}
    figure, axes = pyplot.subplots(1, len(LIMITS), figsize=(10, 3.2), layout="constrained")
    for axis, interval in zip(axes, LIMITS, strict=True):
        for noise, colour in colours.items():
            chosen = [each for each in scores if each.case.noise == noise and interval in each.found]
            means = [(each.found[interval] + each.truth[interval]) / 2 for each in chosen]
            axis.scatter(means, errors(chosen, interval), s=2, alpha=0.5, color=colour, label=f"noise: {noise}")
        found = errors(scores, interval)
        mean, deviation = float(found.mean()), float(found.std())
        for level, style in ((mean, "-"), (mean - 1.96 * deviation, "--"), (mean + 1.96 * deviation, "--")):
            axis.axhline(level, color="black", linewidth=0.8, linestyle=style)
        axis.set(
            title=f"{interval}: {mean:+.1f} ± {deviation:.1f} ms",
            xlabel="mean of measured and true (ms)",
            ylabel="measured − true (ms)",
        )
    axes[0].legend(markerscale=4, fontsize=7)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
