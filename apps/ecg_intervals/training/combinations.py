"""The tables of what goes wrong where findings come together, and with few leads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from apps.ecg_intervals.training.scores import Score, errors
from apps.ecg_intervals.training.tables import words_of
from apps.ecg_intervals.training.truth import FLAGS, OTHER_FLAGS

TOLERATED = {"PR": 20.0, "QRS": 20.0, "QT": 40.0}
"""An interval of a single recording that is off by more (ms) is counted as wrong."""
_UNTOLD = {
    "PR not measured": ("first degree AV block",),
    "Rhythm not told": (
        "sinus bradycardia",
        "sinus tachycardia",
        "atrial fibrillation",
        "first degree AV block",
        "second degree AV block",
        "complete AV block",
    ),
    "QT not measured": ("long QT",),
    "PR, QRS, QT, axes and ST levels not measured": (
        "first degree AV block",
        "left bundle branch block",
        "right bundle branch block",
        "premature ventricular beats",
        "long QT",
        "low voltage",
        "ST elevation",
    ),
}
"""What the report says, and the flags that are left out with that."""


def pair_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield a row for each combination of findings of which anything was wrong, and how many were right throughout."""
    yield from _table("findings", scores, lambda each: words_of(each.case.findings))


def lead_table(scores: Sequence[Score], names: dict[tuple[str, ...], str]) -> Iterator[str]:
    """Yield the same for each set of leads; ``names`` says what they are called."""
    yield from _table("leads", scores, lambda each: names[each.case.leads], intervals=False)


def totals(scores: Sequence[Score]) -> Iterator[str]:
    """Yield one sentence on all of them together."""
    beats, missed, false = (sum(values) for values in zip(*((e.beats, e.missed, e.false) for e in scores), strict=True))
    wrong = sum(_is_wrong(each) for each in scores)
    yield (
        f"{len(scores)} recordings, {sum(each.refused is not None for each in scores)} refused, {wrong} with anything "
        f"wrong; of {beats} beats {missed} missed, {false} false; flags missed {_listed(missed_flags, scores)}; "
        f"false {_listed(false_flags, scores)}; untold {_listed(untold_flags, scores)}"
    )


def missed_flags(score: Score) -> list[str]:
    """Flags that were to be raised and were not, without a word why."""
    return [name for name in _absent(score) if name not in untold_flags(score)]


def untold_flags(score: Score) -> list[str]:
    """Flags that were to be raised and were not, while the report says what was not measured, or all is refused."""
    if score.refused is not None:
        return []
    told = {
        name
        for begin, names in _UNTOLD.items()
        for name in names
        if any(reason.startswith(begin) for reason in score.reasons)
    }
    return [name for name in _absent(score) if name in told]


def false_flags(score: Score) -> list[str]:
    """Flags that were raised and were not to be."""
    expected = dict(score.expected)
    return [name for name in _raised(score) if expected[name] is False]


def _table(
    title: str, scores: Sequence[Score], row_of: Callable[[Score], str], *, intervals: bool = True
) -> Iterator[str]:
    shown = TOLERATED if intervals else {}
    yield (
        f"| {title} | n | beats missed, false | "
        + "".join(f"{name} | " for name in shown)
        + ("flags missed | flags false | not told, with a reason | refused |")
    )
    yield "|---|" + "---|" * (len(shown) + 6)
    right = 0
    for row in dict.fromkeys(map(row_of, scores)):
        chosen = [each for each in scores if row_of(each) == row]
        if intervals and not any(map(_is_wrong, chosen)):
            right += 1
            continue
        cells = [
            row,
            str(len(chosen)),
            f"{sum(each.missed for each in chosen)}, {sum(each.false for each in chosen)}",
            *(_interval_cell(chosen, name) for name in shown),
            *(_listed(flags, chosen) for flags in (missed_flags, false_flags, untold_flags)),
            str(sum(each.refused is not None for each in chosen)),
        ]
        yield f"| {' | '.join(cells)} |"
    if intervals:
        yield f"| {right} others | | 0, 0 | {'right | ' * len(shown)}– | – | | 0 |"


def _is_wrong(score: Score) -> bool:
    off = any(
        abs(score.found[name] - score.truth[name]) > limit for name, limit in TOLERATED.items() if name in score.found
    )
    return bool(score.missed or score.false or off or missed_flags(score) or false_flags(score) or score.refused)


def _interval_cell(scores: Sequence[Score], interval: str) -> str:
    found = errors(scores, interval)
    if not found.size:
        return "–"
    return f"{found.mean():+.0f} ± {found.std():.0f} ({np.abs(found).max():.0f})"


def _absent(score: Score) -> list[str]:
    raised = _raised(score)
    return [name for name, wanted in score.expected if wanted and name in FLAGS and name not in raised]


def _raised(score: Score) -> list[str]:
    known = {name: codes for name, (_, codes) in FLAGS.items()} | OTHER_FLAGS
    return [name for name, codes in known.items() if set(codes) & set(score.flags)]


def _listed(flags: Callable[[Score], list[str]], scores: Iterable[Score]) -> str:
    counts = Counter(name for each in scores for name in flags(each))
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "–"
