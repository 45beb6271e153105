"""Rules on what was measured: each flag names the rule that raised it and the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from pydicom.sr.coding import Code

from operators.measure.ecg.analysis import EcgAnalysis
from operators.measure.ecg.leads import show_all_directions
from operators.measure.ecg.levels import LeadLevels
from operators.measure.ecg.rhythm import Rhythm
from operators.refused import CODING_SCHEME

_SCT = "SCT"


@dataclass(frozen=True)
class Flag:
    """One statement: what was found, the rule in words with its source, and the figures that met it."""

    finding: Code
    rule: str
    figures: str


SINUS_RHYTHM = Code("426783006", _SCT, "ECG: sinus rhythm")
SINUS_BRADYCARDIA = Code("49710005", _SCT, "Sinus bradycardia")
SINUS_TACHYCARDIA = Code("11092001", _SCT, "Sinus tachycardia")
BRADYCARDIA = Code("48867003", _SCT, "Bradycardia")
TACHYCARDIA = Code("3424008", _SCT, "Tachycardia")
ATRIAL_FIBRILLATION = Code("49436004", _SCT, "Atrial fibrillation")
FIRST_DEGREE = Code("270492004", _SCT, "First degree atrioventricular block")
MOBITZ_1 = Code("54016002", _SCT, "Mobitz type I incomplete atrioventricular block")
MOBITZ_2 = Code("28189009", _SCT, "Mobitz type II atrioventricular block")
COMPLETE_BLOCK = Code("27885002", _SCT, "Complete atrioventricular block")
PACED = Code("10370003", _SCT, "Rhythm from artificial pacing")
LEFT_BUNDLE = Code("63467002", _SCT, "Left bundle branch block")
RIGHT_BUNDLE = Code("59118001", _SCT, "Right bundle branch block")
WIDE_QRS = Code("698252002", _SCT, "Non-specific intraventricular conduction delay")
WIDE_QRS_OF_FEW_LEADS = Code("wide-qrs", CODING_SCHEME, "Wide QRS complex")
WIDE_TACHYCARDIA = Code("426525004", _SCT, "Wide QRS tachycardia")
LONG_QT = Code("111975006", _SCT, "Prolonged QT interval")
SHORT_QT = Code("77867006", _SCT, "Decreased QT interval")
LOW_VOLTAGE = Code("251146004", _SCT, "Low QRS voltages")
LEFT_AXIS = Code("39732003", _SCT, "Left axis deviation")
RIGHT_AXIS = Code("47665007", _SCT, "Right axis deviation")
EXTREME_AXIS = Code("extreme-axis-deviation", CODING_SCHEME, "Extreme axis deviation")
PREMATURE_VENTRICULAR = Code("17338001", _SCT, "Ventricular premature beats")
ST_ELEVATION = Code("76388001", _SCT, "ST elevation")
ST_DEPRESSION = Code("26141007", _SCT, "ST depression")
REVERSED_ARMS = Code("251139008", _SCT, "Suspect arm ECG leads reversed")
REVERSED_RIGHT_LEADS = Code(
    "right-limb-leads-reversed", CODING_SCHEME, "Suspect right arm and left leg ECG leads reversed"
)

NAMES_OF_RHYTHMS = (SINUS_RHYTHM, ATRIAL_FIBRILLATION, MOBITZ_1, MOBITZ_2, COMPLETE_BLOCK, PACED)
"""Flags that say no more than the rhythm's own name."""

_LONGEST_PR = 200
_UNSEEN_ONSET = 20
"""ms: so much of the beginning of QRS may stand at a right angle to few leads (AHA/ACCF/HRS 2007: global intervals)."""
_LEAST_R = 0.05
"""mV: what is smaller may be noise."""
_UNSPECIFIC = (WIDE_QRS, "QRS of 120 ms or more without the pattern of a bundle branch block")
_PREFERRED_QTC = "Fridericia"
_SHORTEST_QTC = 340
_CONTIGUOUS = (("V1", "V2", "V3", "V4", "V5", "V6"), ("aVL", "I", "-aVR", "II", "aVF", "III"))
"""Anatomically contiguous leads: across the chest, and in the frontal plane (AHA/ACCF/HRS 2009, part VI)."""


def judge_rules(ecg: EcgAnalysis, *, sex: str = "", age: float | None = None) -> tuple[Flag, ...]:
    """Return every flag that is raised; ``sex`` is M or F and ``age`` in years, as far as they are known."""
    return tuple(
        flag
        for rules in (_rhythm(ecg), _conduction(ecg), _repolarisation(ecg, sex), _voltage(ecg), _st(ecg, sex, age))
        for flag in rules
    )


def _rhythm(ecg: EcgAnalysis) -> Iterator[Flag]:
    # As it is told: 100.3 is 100, and no tachycardia.
    told = round(ecg.rate)
    rate, rhythm = f"{told} beats a minute", ecg.facts.rhythm
    reversal = reversed_limb_leads(ecg)
    if reversal is not None:
        yield reversal
    if rhythm is Rhythm.SINUS:
        if told < 60:
            yield Flag(SINUS_BRADYCARDIA, "sinus rhythm below 60 beats a minute", rate)
        elif told > 100:
            yield Flag(SINUS_TACHYCARDIA, "sinus rhythm above 100 beats a minute", rate)
        else:
            yield Flag(SINUS_RHYTHM, "a P wave before each usual beat, 60 to 100 beats a minute", rate)
    elif rhythm is Rhythm.ATRIAL_FIBRILLATION:
        variation = f"cycles vary by {100 * ecg.facts.ventricular_variation:.0f} %"
        yield Flag(
            ATRIAL_FIBRILLATION, "no P waves that conduct, cycles vary by more than 12 %", f"{rate}, {variation}"
        )
    elif rhythm is Rhythm.PACED:
        yield Flag(PACED, "a spike before most beats", rate)
    if rhythm is not Rhythm.SINUS and told < 60:
        yield Flag(BRADYCARDIA, "below 60 beats a minute", rate)
    elif rhythm is not Rhythm.SINUS and told > 100:
        yield Flag(TACHYCARDIA, "above 100 beats a minute", rate)
    ectopic = ecg.ectopic_count
    if ectopic and rhythm is not Rhythm.PACED:
        yield Flag(
            PREMATURE_VENTRICULAR,
            "beats of another shape than the dominant one, early or of 120 ms or more",
            f"{ectopic} of {len(ecg.beats)}",
        )


def _conduction(ecg: EcgAnalysis) -> Iterator[Flag]:
    blocks = {
        Rhythm.SECOND_DEGREE_TYPE_1: (MOBITZ_1, "P waves without QRS, PR longer before than after the pause"),
        Rhythm.SECOND_DEGREE_TYPE_2: (MOBITZ_2, "P waves without QRS, PR unchanged around the pause"),
        Rhythm.COMPLETE_BLOCK: (COMPLETE_BLOCK, "regular P waves and regular QRS that do not go together"),
    }
    if ecg.facts.rhythm in blocks:
        finding, rule = blocks[ecg.facts.rhythm]
        yield Flag(finding, rule, f"atria {ecg.facts.atrial_rate or 0:.0f}, ventricles {ecg.rate:.0f} a minute")
    elif ecg.pr is not None and show_all_directions(tuple(ecg.levels)) and ecg.pr > _LONGEST_PR:
        yield Flag(FIRST_DEGREE, f"PR above {_LONGEST_PR} ms (AHA/ACCF/HRS 2009)", f"PR {ecg.pr:.0f} ms")
    elif ecg.pr is not None and ecg.pr > _LONGEST_PR + _UNSEEN_ONSET:
        rule = f"PR above {_LONGEST_PR} ms (AHA/ACCF/HRS 2009), even if these few leads see QRS {_UNSEEN_ONSET} ms late"
        yield Flag(FIRST_DEGREE, rule, f"PR {ecg.pr:.0f} ms")
    if ecg.facts.rhythm is Rhythm.PACED or ecg.qrs is None:
        return
    qrs = f"QRS {ecg.qrs:.0f} ms"
    if ecg.qrs >= 120:
        # An escape rhythm begins below the bundle branches or in one of them: its QRS tells nothing of a block there.
        slow_and_unknown = ecg.facts.rhythm is Rhythm.UNDETERMINED and ecg.rate < 60
        escape = ecg.facts.rhythm is Rhythm.COMPLETE_BLOCK or slow_and_unknown
        yield Flag(*(_UNSPECIFIC if escape else _bundle(ecg.levels)), qrs)
        if ecg.rate > 100:
            yield Flag(
                WIDE_TACHYCARDIA, "QRS of 120 ms or more above 100 beats a minute", f"{qrs}, {ecg.rate:.0f} a minute"
            )
    if ecg.axes.qrs is not None and reversed_limb_leads(ecg) is None:
        if -90 <= ecg.axes.qrs < -30:
            yield Flag(LEFT_AXIS, "QRS axis from -30 to -90 degrees", f"{ecg.axes.qrs:.0f} deg")
        elif 90 < ecg.axes.qrs <= 180:
            yield Flag(RIGHT_AXIS, "QRS axis from 90 to 180 degrees", f"{ecg.axes.qrs:.0f} deg")
        elif ecg.axes.qrs < -90:
            yield Flag(EXTREME_AXIS, "QRS axis from -90 to -180 degrees", f"{ecg.axes.qrs:.0f} deg")


def _bundle(levels: dict[str, LeadLevels]) -> tuple[Code, str]:
    """Which bundle branch is blocked by AHA/ACCF/HRS 2009 part III, as far as V1, V6 and I show it."""
    v1, v6, one = (levels.get(name) for name in ("V1", "V6", "I"))
    if v1 is not None and v1.late > 0.1 and any(lead is not None and lead.s < -0.1 for lead in (v6, one)):
        return RIGHT_BUNDLE, "QRS of 120 ms or more, positive at its end in V1, S wave in I or V6 (AHA/ACCF/HRS 2009)"
    lateral = [lead for lead in (v6, one) if lead is not None]
    if v1 is not None and lateral and v1.late < 0 and all(_is_upright(lead) for lead in lateral):
        return LEFT_BUNDLE, "QRS of 120 ms or more, negative in V1, R without q in I and V6 (AHA/ACCF/HRS 2009)"
    if v1 is None or not lateral:
        return WIDE_QRS_OF_FEW_LEADS, "QRS of 120 ms or more; without V1 and I or V6 no bundle branch is told"
    return _UNSPECIFIC


def _is_upright(lead: LeadLevels) -> bool:
    """Whether QRS is an R wave without q, however small QRS is: next to nothing of it is negative."""
    return lead.q > -0.05 and lead.r > max(_LEAST_R, 3 * abs(lead.s))


def _repolarisation(ecg: EcgAnalysis, sex: str) -> Iterator[Flag]:
    if _PREFERRED_QTC not in ecg.qtc or ecg.qrs is None or ecg.qrs >= 120:
        return
    limit = 450 if sex == "M" else 460
    qtc = ecg.qtc[_PREFERRED_QTC]
    if qtc >= limit:
        yield Flag(
            LONG_QT,
            f"QTc (Fridericia) of {limit} ms or more, QRS below 120 ms (AHA/ACCF/HRS 2009)",
            f"QTc {qtc:.0f} ms",
        )
    elif qtc <= _SHORTEST_QTC:
        yield Flag(SHORT_QT, f"QTc (Fridericia) of {_SHORTEST_QTC} ms or less (ESC 2015)", f"QTc {qtc:.0f} ms")


def _voltage(ecg: EcgAnalysis) -> Iterator[Flag]:
    size = {name: level.r - level.s for name, level in ecg.levels.items()}
    limb = [size[name] for name in ("I", "II", "III") if name in size]
    chest = [size[name] for name in _CONTIGUOUS[0] if name in size]
    if len(limb) == 3 and len(chest) == 6 and max(limb) < 0.5 and max(chest) < 1.0:
        yield Flag(
            LOW_VOLTAGE,
            "QRS below 0.5 mV in the limb leads and below 1.0 mV in the chest leads",
            f"at most {max(limb):.2f} and {max(chest):.2f} mV",
        )


def _st(ecg: EcgAnalysis, sex: str, age: float | None) -> Iterator[Flag]:
    """ST levels at the J point in two contiguous leads (Fourth Universal Definition of Myocardial Infarction 2018)."""
    if ecg.qrs is None or ecg.qrs >= 120 or ecg.facts.rhythm is Rhythm.PACED:
        return
    levels = {name: level.j for name, level in ecg.levels.items()}
    if "aVR" in levels:
        levels["-aVR"] = -levels["aVR"]
    raised = _neighbours(levels, lambda name, level: level >= _elevation_limit(name, sex, age))
    if raised:
        yield Flag(
            ST_ELEVATION,
            "J point raised in two contiguous leads: 0.1 mV, in V2 and V3 0.15 (women), 0.2 (men from 40), 0.25 mV",
            ", ".join(f"{name} {levels[name]:.2f} mV" for name in raised),
        )
    # Noise, and the waves of atrial fibrillation, leave an error: what is flagged is lowered beyond twice that.
    highest = {name: max(level.j, level.st) + 2 * level.st_error for name, level in ecg.levels.items()}
    lowered = _neighbours(highest, lambda _, level: level <= -0.05)
    if lowered:
        yield Flag(
            ST_DEPRESSION,
            "J point and ST 60 ms later surely lowered by 0.05 mV or more in two contiguous leads",
            ", ".join(f"{name} {levels[name]:.2f} mV" for name in lowered),
        )


def _elevation_limit(name: str, sex: str, age: float | None) -> float:
    if name not in ("V2", "V3"):
        return 0.1
    if sex == "F":
        return 0.15
    return 0.25 if age is not None and age < 40 else 0.2


def _neighbours(levels: dict[str, float], met: Callable[[str, float], bool]) -> list[str]:
    """The leads that meet a condition together with a lead beside them."""
    found: list[str] = []
    for row in _CONTIGUOUS:
        for first, second in pairwise(row):
            if all(name in levels and met(name, levels[name]) for name in (first, second)):
                found += [name for name in (first, second) if name not in found]
    return found


def reversed_limb_leads(ecg: EcgAnalysis) -> Flag | None:
    """Return the flag of swapped limb leads: the frontal plane is upside down and the chest leads are not.

    With the arms swapped lead I is mirrored, with the right arm and the left leg lead II. The left arm and the left leg
    swapped leave a normal looking recording, and are not told.
    """
    names = ("I", "II", "V6")
    if ecg.axes.p is None or ecg.axes.qrs is None or any(name not in ecg.levels for name in names):
        return None
    one, two, six = (ecg.levels[name] for name in names)
    if six.r <= abs(six.s):
        return None
    figures = f"P axis {ecg.axes.p:.0f} deg, QRS axis {ecg.axes.qrs:.0f} deg"
    if _points_up(ecg.axes.p) and _points_up(ecg.axes.qrs) and two.t < 0:
        return Flag(
            REVERSED_RIGHT_LEADS,
            "P and QRS axes from -20 to -160 degrees, T negative in lead II, QRS positive in V6",
            figures,
        )
    if abs(ecg.axes.p) > 90 and abs(ecg.axes.qrs) > 90 and one.t < 0:
        return Flag(REVERSED_ARMS, "P, QRS and T all negative in lead I, QRS positive in V6", figures)
    return None


def _points_up(axis: float) -> bool:
    return -160 < axis < -20
