"""What the volumes of one series can differ in: echoes, b-values, phases, times, reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, text
from operators.read.headers.private import private_numbers

Value = float | str | tuple[float, ...] | None
"""What one slice holds for a dimension; None if its header does not say."""


_SHOWN_VALUES = 8


@dataclass(frozen=True)
class Dimension:
    """One way in which volumes of a series can differ, and how a slice's header tells it."""

    title: str
    unit: str
    of: Callable[[Dataset], Value]


def _number(*keywords: str) -> Callable[[Dataset], Value]:
    def of(header: Dataset) -> Value:
        for keyword in keywords:
            if keyword in header and (found := numbers(header, keyword)):
                return found[0]
        return None

    return of


def _text(keyword: str) -> Callable[[Dataset], Value]:
    return lambda header: text(header, keyword) if keyword in header else None


ACQUISITION_ORDER = "acquisition_order"
"""The dimension of volumes that only their times tell apart: 1 is the first one acquired."""


# Private b-values of scanners that do not write Diffusion b-value (0018,9087): owner, group, element.
_PRIVATE_B_VALUES = (
    ("SIEMENS MR HEADER", 0x0019, 0x0C),
    ("GEMS_PARM_01", 0x0043, 0x39),
    ("Philips Imaging DD 001", 0x2001, 0x03),
    ("Image Private Header", 0x0065, 0x09),  # United Imaging
)

# GE adds this to the b-value of some sequences.
_GE_B_VALUE_OFFSET = 1_000_000_000.0


def _b_value(header: Dataset) -> Value:
    if found := numbers(header, "DiffusionBValue"):
        return found[0]
    for creator, group, element in _PRIVATE_B_VALUES:
        if found := private_numbers(header, creator, group, element):
            return found[0] % _GE_B_VALUE_OFFSET
    return None


def _gradient_direction(header: Dataset) -> Value:
    found = numbers(header, "DiffusionGradientOrientation")
    if not found:
        found = private_numbers(header, "SIEMENS MR HEADER", 0x0019, 0x0E)
    if len(found) == 3:
        return tuple(round(value, 4) for value in found)
    return text(header, "DiffusionDirectionality")


DIMENSIONS: Mapping[str, Dimension] = {
    "convolution_kernel": Dimension("convolution kernel", "", _text("ConvolutionKernel")),
    "b_value": Dimension("b-value", "s/mm²", _b_value),
    "gradient_direction": Dimension("gradient direction", "", _gradient_direction),
    "echo_time": Dimension("echo time", "ms", _number("EchoTime")),
    "inversion_time": Dimension("inversion time", "ms", _number("InversionTime")),
    "flip_angle": Dimension("flip angle", "°", _number("FlipAngle")),
    "energy_window": Dimension("energy window", "", _number("EnergyWindowVector")),
    "cardiac_phase": Dimension("cardiac phase", "%", _number("NominalPercentageOfCardiacPhase")),
    "respiratory_phase": Dimension("respiratory phase", "%", _number("NominalPercentageOfRespiratoryPhase")),
    "trigger_time": Dimension("trigger time", "ms", _number("TriggerTime")),
    "rr_interval": Dimension("R-R interval", "", _number("RRIntervalVector")),
    "time_slot": Dimension("time slot", "", _number("TimeSlotVector", "TimeSliceVector")),
    "temporal_position": Dimension(
        "temporal position", "", _number("TemporalPositionIdentifier", "TemporalPositionTimeOffset")
    ),
    "frame_reference_time": Dimension("frame reference time", "ms", _number("FrameReferenceTime")),
    "image_type": Dimension("image type", "", _text("ImageType")),
    "complex_component": Dimension("complex component", "", _text("ComplexImageComponent")),
    "stack": Dimension("stack", "", _text("StackID")),
    "acquisition_number": Dimension("acquisition number", "", _number("AcquisitionNumber")),
    # Not of one header: worked out from the times of the slices at each position, in operators/read/geometry/stacks.py.
    ACQUISITION_ORDER: Dimension("order of acquisition", "", lambda header: None),
}
"""Every dimension by name; the earlier one is named where several tell the same volumes apart."""


def shown(value: Value) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        return "(" + ", ".join(f"{part:g}" for part in value) + ")"
    return f"{value:g}" if isinstance(value, float) else value


def values_shown(found: Sequence[Value]) -> str:
    """Return the different values among ``found`` as a person reads them, the first few."""
    different = [shown(value) for value in dict.fromkeys(found)]
    more = f" and {len(different) - _SHOWN_VALUES} more" if len(different) > _SHOWN_VALUES else ""
    return ", ".join(different[:_SHOWN_VALUES]) + more


def value_of(header: Dataset, name: str) -> Value:
    """Return what a slice holds for a dimension by name; None if its header does not say, or not readably."""
    try:
        return DIMENSIONS[name].of(header)
    # What cannot be read tells nothing apart.
    except MalformedAttributeError:
        return None
