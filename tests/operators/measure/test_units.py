"""UCUM's grammar: every unit of the context groups and of the examples that people use, and nothing like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.sr._concepts_dict import concepts

from operators.measure.ucum_atoms import METRIC_ATOMS, OTHER_ATOMS, PREFIXES
from operators.measure.units import CID_7181_SPELLINGS, is_ucum_unit, is_unit

UNITS = """
    mm3 mm2 cm3 mL ml/min/m2 [hnsf'U] {SUVbw}g/ml 10*-3.mm2/s 10^3 1 % [ppm] {H.B.}/min {slice} /min /m2 m+2 m-1
    kBq/ml ug/(24.h) mm[Hg] [degF] Cel deg ' '' dB mV uV 2.mm kg.m2/s2 (m/s) m{length} {} [in_i] daPa Kibit
    %[slope] [m/s2/Hz^(1/2)] B[10.nV] mol/kg/s J/(K.mol) Ohm {a}/{b} mm3.5
    """.split()  # noqa: SIM905

NONE = """
    HU bpm mm^3 ml/Min MM cc 0 m//s m. .m m/ /  (m (m)) )m( (m/s)2 kmin mmm cel Ml{ } {a{b}} m{x}{y} 2mm 3..m
    k[in_i] [foo] pixels ms-1s mm--1 m+
    """.split()  # noqa: SIM905


@pytest.mark.parametrize("code", UNITS)
def test_units(code: str) -> None:
    assert is_ucum_unit(code)


@pytest.mark.parametrize("code", [*NONE, "", " ", "m m", "µm", "m²", "m\n", "{ä}"])
def test_what_is_no_unit(code: str) -> None:
    assert not is_unit(code)


def test_every_unit_of_the_context_groups_is_one() -> None:
    """PS3.16's own codes, as pydicom has them; diop is of CID 4267 (diopters), which nothing here uses."""
    units: dict[str, dict[str, object]] = concepts["UCUM"]  # type: ignore[assignment]
    codes = {code for values in units.values() for code in values}
    assert len(codes) > 80
    assert {code for code in codes if not is_unit(code)} == {"diop"}
    assert {code for code in codes if not is_ucum_unit(code)} == {"diop", *CID_7181_SPELLINGS}


SIMPLE = st.one_of(
    st.sampled_from(sorted(OTHER_ATOMS | METRIC_ATOMS)),
    st.builds("".join, st.tuples(st.sampled_from(sorted(PREFIXES)), st.sampled_from(sorted(METRIC_ATOMS)))),
    st.integers(1, 1000).map(str),
)
EXPONENT = st.sampled_from(["", "2", "-1", "+3", "-12"])
ANNOTATION = st.one_of(
    st.just(""), st.text(st.sampled_from("abZ09.:-_/[]()"), max_size=6).map(lambda text: f"{{{text}}}")
)


@st.composite
def component(draw: st.DrawFn) -> str:
    unit = draw(SIMPLE)
    # Digits are a factor, which has no exponent; 10* and 10^ take one.
    return unit + ("" if unit.isdigit() else draw(EXPONENT)) + draw(ANNOTATION)


TERM = st.recursive(
    component(),
    lambda inner: st.one_of(
        st.builds(lambda left, operator, right: f"{left}{operator}{right}", inner, st.sampled_from("./"), inner),
        inner.map(lambda term: f"({term})"),
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(TERM, st.booleans())
def test_whatever_the_grammar_makes_is_a_unit(term: str, inverse: bool) -> None:
    assert is_ucum_unit(f"/{term}" if inverse else term)


@settings(deadline=None, max_examples=150)
@given(TERM, st.sampled_from(["..", "//", "( ", "{", "}", "[", "]", "§", " "]))
def test_whatever_it_does_not_make_is_none(term: str, wrong: str) -> None:
    assert not is_ucum_unit(term + wrong)
    assert not is_ucum_unit(wrong + term)
