"""The tables of the model card: errors by noise, finding and rate, and flags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from apps.ecg_intervals.training.cases import NOISES, RATES
from apps.ecg_intervals.training.scores import LIMITS, Score, errors, sensitivity_and_specificity
from apps.ecg_intervals.training.truth import FLAGS
from phantoms.ecg import FINDINGS


def interval_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield errors of each interval at each noise, beside what the standard allows."""
    yield "| interval | " + " | ".join(f"noise: {noise}" for noise in NOISES) + " | allowed |"
    yield "|---|" + "---|" * (len(NOISES) + 1)
    for interval, (mean, deviation) in LIMITS.items():
        cells = [cell([each for each in scores if each.case.noise == noise], interval) for noise in NOISES]
        yield f"| {interval} | {' | '.join(cells)} | ±{mean:g} ± {deviation:g} |"


def finding_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield errors of each interval by finding, at all noises together."""
    yield "| finding | " + " | ".join(LIMITS) + " |"
    yield "|---|" + "---|" * len(LIMITS)
    for findings in ((), *((finding,) for finding in FINDINGS)):
        chosen = [each for each in scores if each.case.findings == findings]
        yield f"| {words_of(findings)} | {' | '.join(cell(chosen, interval) for interval in LIMITS)} |"


def rate_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield errors and flags of healthy hearts by rate."""
    yield "| beats a minute | " + " | ".join(LIMITS) + " | flags |"
    yield "|---|" + "---|" * (len(LIMITS) + 1)
    for rate in RATES:
        chosen = [each for each in scores if each.case.rate == rate]
        cells = " | ".join(cell(chosen, interval) for interval in LIMITS)
        counts = Counter(code.meaning for each in chosen for code in each.flags)
        flags = ", ".join(f"{meaning} {count}" for meaning, count in counts.most_common())
        yield f"| {rate} | {cells} | {flags or '–'} |"


def flag_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield sensitivity and specificity of each flag at each noise, in %."""
    yield "| flag | " + " | ".join(f"noise: {noise}" for noise in NOISES) + " |"
    yield "|---|" + "---|" * len(NOISES)
    for flag in FLAGS:
        pairs = [
            sensitivity_and_specificity([each for each in scores if each.case.noise == noise], flag) for noise in NOISES
        ]
        yield f"| {flag} | {' | '.join(f'{100 * a:.0f} / {100 * b:.1f}' for a, b in pairs)} |"


def cell(scores: Sequence[Score], interval: str) -> str:
    """Return mean, standard deviation, largest and number of an interval's errors."""
    found = errors(scores, interval)
    if not found.size:
        return "–"
    return f"{found.mean():+.1f} ± {found.std():.1f} (at most {np.abs(found).max():.0f}, n = {found.size})"


def words_of(findings: Sequence[str]) -> str:
    """Return findings in words."""
    return " + ".join(finding.replace("_", " ") for finding in findings) or "healthy"
