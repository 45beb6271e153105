"""Numbers and statements: TID 300 and 1419 with 310 to 312 and 320, and the qualitative rows of TID 1500 of PS3.16."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.measurement import (
    Evaluation,
    FindingSite,
    Measurement,
    Modifier,
    NormalRange,
    Population,
    Properties,
)
from operators.write.reports.content import CONTAINS, HAS_CONCEPT_MOD, HAS_PROPERTIES, code, number, text
from operators.write.reports.coordinates import measured_on

_NORMALITY = Code("121402", "DCM", "Normality")
_SIGNIFICANCE = Code("121403", "DCM", "Level of Significance")
_SELECTION_STATUS = Code("121404", "DCM", "Selection Status")
_POPULATION_DESCRIPTION = Code("121405", "DCM", "Population description")
_REFERENCE_AUTHORITY = Code("121406", "DCM", "Reference Authority")
_RANGE_DESCRIPTION = Code("121407", "DCM", "Normal Range description")
_RANGE_AUTHORITY = Code("121408", "DCM", "Normal Range Authority")
_EQUIVALENT_MEANING = Code("121050", "DCM", "Equivalent Meaning of Concept Name")
_LOWER_LIMIT = Code("385524004", "SCT", "Normal Range Lower Limit")
_UPPER_LIMIT = Code("371933006", "SCT", "Normal Range Upper Limit")


def measurement_item(measurement: Measurement, *more: Dataset, relationship: str = CONTAINS) -> Dataset:
    """Return TID 300: the number with its modifiers, properties and sources; ``more`` are items of other templates.

    Raises :class:`ValueError` for a value that is not finite and has no qualifier, a unit that is none, or a property
    outside its context group.
    """
    if measurement.qualifier is not None:
        require_member(measurement.qualifier, 42)
    return number(
        relationship,
        measurement.name,
        measurement.value,
        measurement.unit,
        *modifier_items(measurement.modifiers),
        *_coded(codes.SCT.MeasurementMethod, measurement.method),
        *_coded(codes.DCM.Derivation, measurement.derivation),
        *(site_item(site) for site in measurement.sites),
        *([] if measurement.properties is None else _properties(measurement.properties, measurement.unit)),
        *(measured_on(source) for source in measurement.sources),
        *(
            [text(HAS_CONCEPT_MOD, _EQUIVALENT_MEANING, measurement.equivalent_meaning)]
            if measurement.equivalent_meaning
            else []
        ),
        *more,
        qualifier=measurement.qualifier,
    )


def evaluation_item(evaluation: Evaluation) -> Dataset:
    """Return TID 1500 row 13 (a coded statement with its modifiers, row 13b) or row 14 (text)."""
    modifiers = modifier_items(evaluation.modifiers)
    if isinstance(evaluation.value, str):
        return text(CONTAINS, evaluation.name, evaluation.value, *modifiers)
    return code(CONTAINS, evaluation.name, evaluation.value, *modifiers)


def modifier_items(modifiers: Iterable[Modifier]) -> list[Dataset]:
    """Return what makes the item that holds them more specific."""
    return [code(HAS_CONCEPT_MOD, modifier.name, modifier.value) for modifier in modifiers]


def site_item(site: FindingSite) -> Dataset:
    """Return a finding site with its side and its part (TID 1419 rows 2 to 4)."""
    return code(
        HAS_CONCEPT_MOD,
        codes.SCT.FindingSite,
        site.site,
        *_coded(codes.SCT.Laterality, site.laterality),
        *_coded(codes.SCT.TopographicalModifier, site.topographical_modifier),
    )


def _properties(properties: Properties, unit: Code) -> list[Dataset]:
    """Return TID 310 in the order of its rows."""
    items = _property(_NORMALITY, properties.normality, 222)
    if properties.population is not None:
        items += _population(properties.population)
    if properties.normal_range is not None:
        items += _normal_range(properties.normal_range, unit)
    items += _property(_SIGNIFICANCE, properties.significance, 220)
    for uncertainty in properties.uncertainties:
        require_member(uncertainty.name, 225)
        items.append(number(HAS_PROPERTIES, uncertainty.name, uncertainty.value, unit))
    return items + _property(_SELECTION_STATUS, properties.selection_status, 224)


def _population(population: Population) -> list[Dataset]:
    """Return TID 311."""
    if not population.values:
        raise ValueError("a population has at least one value (TID 311 row 1)")
    for value in population.values:
        require_member(value.name, 221)
    return [
        *(number(HAS_PROPERTIES, value.name, value.value, value.unit) for value in population.values),
        *_texts(_POPULATION_DESCRIPTION, population.description),
        *_texts(_REFERENCE_AUTHORITY, population.authority),
    ]


def _normal_range(normal_range: NormalRange, unit: Code) -> list[Dataset]:
    """Return TID 312."""
    lower, upper = normal_range.lower, normal_range.upper
    if lower is None and upper is None:
        raise ValueError("a normal range has a lower or an upper limit (TID 312 row 1)")
    if lower is not None and upper is not None and lower > upper:
        raise ValueError(f"the normal range goes from {lower} to {upper}")
    limits = ((_LOWER_LIMIT, lower), (_UPPER_LIMIT, upper))
    return [
        *(number(HAS_PROPERTIES, name, limit, unit) for name, limit in limits if limit is not None),
        *_texts(_RANGE_DESCRIPTION, normal_range.description),
        *_texts(_RANGE_AUTHORITY, normal_range.authority),
    ]


def _coded(name: Code, value: Code | None) -> list[Dataset]:
    return [] if value is None else [code(HAS_CONCEPT_MOD, name, value)]


def _texts(name: Code, value: str) -> list[Dataset]:
    return [text(HAS_PROPERTIES, name, value)] if value else []


def _property(name: Code, value: Code | None, context_group: int) -> list[Dataset]:
    if value is None:
        return []
    require_member(value, context_group)
    return [code(HAS_PROPERTIES, name, value)]


def require_member(value: Code, context_group: int) -> None:
    """Raise :class:`ValueError` for a code that is not of the context group (PS3.16 annex B)."""
    if value not in getattr(codes, f"CID{context_group}").concepts.values():
        raise ValueError(f"({value.value}, {value.scheme_designator}, {value.meaning!r}) is not of CID {context_group}")
