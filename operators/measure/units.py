"""Units of measurement: is a code one of UCUM, "The Unified Code for Units of Measure"?"""

from __future__ import annotations

import re
from functools import lru_cache

from operators.measure.ucum_atoms import METRIC_ATOMS, OTHER_ATOMS, PREFIXES

CID_7181_SPELLINGS = frozenset({"ml/[100]g/min", "ml/[100]ml", "{Particles}/[100]g{Tissue}", "ppm", "10-6.mm2/s"})
"""Units that PS3.16 CID 7181 gives with the designator UCUM although UCUM spells them otherwise.

Readers of images and reports compare with the context group, so they are right in DICOM.
"""


def is_unit(code: str) -> bool:
    """Return whether ``code`` is a unit that DICOM objects may name with the designator UCUM (PS3.16 section 7.2.2)."""
    return code in CID_7181_SPELLINGS or is_ucum_unit(code)


@lru_cache(maxsize=1024)
def is_ucum_unit(code: str) -> bool:
    """Return whether ``code`` is a unit by UCUM's case-sensitive grammar (version 2.2, sections 5 to 12).

    Every atom and prefix has to be known: ``mm3``, ``[hnsf'U]``, ``{SUVbw}g/ml``, ``10*-3.mm2/s`` and ``1`` are units;
    ``mm^3``, ``HU``, ``bpm`` and ``ml/Min`` are none. Annotations in braces mean nothing to UCUM and are free.
    """
    tokens = _tokens(code)
    return tokens is not None and _Expression(tokens).is_whole()


# An annotation, an operator, or a run of anything else with its brackets, in which other characters are free.
_TOKEN = re.compile(r"\{[!-z|~]*\}|[./()]|(?:\[[^\[\]{}\s]+\]|[^\[\]{}./()\s])+")
_SIMPLE_UNIT = re.compile(r"(?P<atom>.*?[^\d+-])(?P<exponent>[+-]?\d+)?", re.DOTALL)


def _tokens(code: str) -> list[str] | None:
    """Return the parts of a code; None if a character belongs to none of them."""
    tokens = _TOKEN.findall(code)
    return tokens if code and code.isascii() and "".join(tokens) == code else None


def _is_component(token: str) -> bool:
    """Return whether a token is a factor, or an atom with a prefix and an exponent where it can have them."""
    if token.isdigit():
        return int(token) > 0
    match = _SIMPLE_UNIT.fullmatch(token)
    return _is_atom(token) or (match is not None and match["exponent"] is not None and _is_atom(match["atom"]))


def _is_atom(text: str) -> bool:
    if text in METRIC_ATOMS or text in OTHER_ATOMS:
        return True
    return any(text[:length] in PREFIXES and text[length:] in METRIC_ATOMS for length in (1, 2))


class _Expression:
    """One pass over the tokens of a term: components with annotations, products, quotients, parentheses."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0

    def is_whole(self) -> bool:
        """Return whether the tokens are one term and nothing more."""
        return self._main_term() and self._place == len(self._tokens)

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self, *expected: str) -> bool:
        if self._next() not in expected or not self._next():
            return False
        self._place += 1
        return True

    def _main_term(self) -> bool:
        self._take("/")
        if not self._annotated():
            return False
        while self._take(".", "/"):
            if not self._annotated():
                return False
        return True

    def _annotated(self) -> bool:
        """Take a component with its annotation; an annotation may stand alone, for 1, or before a unit (PS3.16)."""
        annotated = self._annotation()
        if self._take("("):
            return self._main_term() and self._take(")") and (self._annotation() or True)
        if _is_component(self._next()):
            self._place += 1
            self._annotation()
            return True
        return annotated

    def _annotation(self) -> bool:
        if not self._next().startswith("{"):
            return False
        self._place += 1
        return True
