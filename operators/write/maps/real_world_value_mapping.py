"""What a stored value means: quantity, unit, slope and intercept (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.write.base.codes import code_sequence
from operators.write.maps.quantity import Quantity
from operators.write.maps.stored_values import StoredValues

_QUANTITY = Code("246205007", "SCT", "Quantity")


def real_world_value_mapping(quantity: Quantity, stored: StoredValues) -> Sequence:
    """Return a Real World Value Mapping Sequence of one linear mapping."""
    item = Dataset()
    item.LUTLabel = quantity.label
    item.LUTExplanation = quantity.explanation
    item.MeasurementUnitsCodeSequence = code_sequence(quantity.unit)
    item.RealWorldValueSlope, item.RealWorldValueIntercept = stored.slope, stored.intercept
    if stored.pixels.dtype.kind == "f":
        item.DoubleFloatRealWorldValueFirstValueMapped = stored.first
        item.DoubleFloatRealWorldValueLastValueMapped = stored.last
    else:
        # US as the pixels are unsigned; the element does not know them.
        item.add_new("RealWorldValueFirstValueMapped", "US", int(stored.first))
        item.add_new("RealWorldValueLastValueMapped", "US", int(stored.last))
    definitions = [_definition(_QUANTITY, quantity.name)]
    if quantity.method is not None:
        definitions.append(_definition(codes.SCT.MeasurementMethod, quantity.method))
    item.QuantityDefinitionSequence = Sequence(definitions)
    return Sequence([item])


def _definition(name: Code, value: Code) -> Dataset:
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = code_sequence(name)
    item.ConceptCodeSequence = code_sequence(value)
    return item
