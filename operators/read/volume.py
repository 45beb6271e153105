"""Read a series of parallel slices as one volume with an exact affine, or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from operators.read.geometry.choice import chosen_slices, chosen_stacks, without_localizers
from operators.read.geometry.slices import Slice, slices_of
from operators.read.geometry.spacing import ThicknessGap, require_thickness
from operators.read.geometry.stacks import Label, LeftOut, Stacks, refuse_several, sort_into_stacks
from operators.read.geometry.tilt import TILT_TOLERANCE_DEGREES, resample_upright, tilt_degrees, upright_grid
from operators.read.headers.remembered import remembered_bytes
from operators.read.pixels.stored_values import PixelFormat, pixel_format, require_monochrome
from operators.read.rules import DEFAULT_RULES, ReadingRules
from operators.read.study import Instance, Series
from operators.read.values.padding import is_padding, padding_ranges
from operators.read.values.rescale import Calibration, calibration, calibrations_of, output_dtype
from operators.read.values.slice_values import PlaneRequest, read_planes, read_stored_plane
from operators.read.values.suv import as_suv, suv_factors
from operators.refused import Reason, Refused

# All that the pixel format depends on, beside there being pixel data.
_FORMAT_KEYWORDS = (
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


@dataclass(frozen=True)
class Volume:
    """A volume in patient coordinates.

    ``array`` is (slice, row, column) in the modality's units; ``affine`` (4, 4, float64) maps
    (column, row, slice, 1) to LPS mm; ``slices`` are the source slices in array order.

    ``units`` is what the header calls them (HU, BQML, g/ml, a UCUM code), empty if it does not. ``padding`` (slice, 2)
    is the range of values that mean "outside the reconstruction" in each slice, NaN where a slice has none; None if no
    slice has any, or if the reading rules replaced them. ``label`` tells which of a series' volumes this is;
    ``left_out`` names the slices of the series that belong to none. ``thickness_gap`` compares Slice Thickness with the
    distance of the slices. ``is_resampled`` says that the grid is not that of the source slices.
    """

    array: NDArray[np.generic]
    affine: NDArray[np.float64]
    frame_of_reference_uid: str
    slices: tuple[Slice, ...]
    units: str = ""
    padding: NDArray[np.float64] | None = None
    label: Label = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    thickness_gap: ThicknessGap | None = None
    is_resampled: bool = False

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The source instances, each once, in the order in which they first occur."""
        return tuple({id(item.instance): item.instance for item in self.slices}.values())

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³, without the rounding errors of the determinant."""
        return float(f"{abs(np.linalg.det(self.affine[:3, :3])):.12g}")

    def padding_mask(self) -> NDArray[np.bool_]:
        """Return which voxels lie outside the reconstruction, (slice, row, column)."""
        mask = np.zeros(self.array.shape, dtype=bool)
        if self.padding is not None:
            # Slice by slice: a comparison with the ranges of all would make a float64 copy of the volume.
            for plane, (lowest, highest), out in zip(self.array, self.padding, mask, strict=True):
                out[...] = is_padding(plane, lowest, highest)
        return mask


def read_volume(series: Series, rules: ReadingRules = DEFAULT_RULES) -> Volume:
    """Read one series as a volume.

    Slices lie in the direction of row x column, whatever their order in the series (:func:`slice_geometry`). Values
    are in the modality's units: Rescale Slope and Intercept, Modality LUT or Real World Value Mapping are applied slice
    by slice (:func:`calibration`). The array keeps the stored type if that can hold every possible value, else it has
    the smallest integer type that can; it is float32 when values are fractional or slopes differ between slices.
    Photometric Interpretation MONOCHROME1 and Presentation LUT Shape concern display only and change no value.

    Raises :class:`Refused` with a reason of :func:`sort_into_stacks` or :func:`slices_of`, ``SEVERAL_VOLUMES``,
    ``NO_SUCH_VOLUME``, ``GANTRY_TILT``, ``SLICE_GAP``, ``SLICE_OVERLAP``, ``MIXED_UNITS``, ``SUV_UNAVAILABLE``,
    ``UNSUPPORTED_PIXEL_FORMAT`` or ``TRUNCATED_PIXEL_DATA``.
    """
    prepared = _prepare(series, rules)
    refuse_several(prepared.stacks)
    (volume,) = _read(prepared, rules)
    return volume


def read_volumes(series: Series, rules: ReadingRules = DEFAULT_RULES) -> tuple[Volume, ...]:
    """Read every volume of a series: temporal positions, echoes, b-values, phases, each with its ``label``.

    All have one affine and one type; their arrays are the parts of one (volume, slice, row, column) array, which
    :func:`stacked` returns. Raises :class:`Refused` like :func:`read_volume`, without ``SEVERAL_VOLUMES``.
    """
    return _read(_prepare(series, rules), rules)


def stacked(volumes: Sequence[Volume]) -> NDArray[np.generic]:
    """Return the volumes of one series as one array (volume, slice, row, column), without copying what lies so."""
    base = volumes[0].array.base
    shape = (len(volumes), *volumes[0].array.shape)
    if base is not None and base.shape == shape:
        return base
    return np.stack([volume.array for volume in volumes])


@dataclass(frozen=True, eq=False)
class _Prepared:
    """All that the headers tell: what to read where and how."""

    stacks: Stacks
    slices: tuple[Slice, ...]
    forms: list[PixelFormat]
    calibrations: list[Calibration]
    thickness_gap: ThicknessGap | None


def _prepare(series: Series, rules: ReadingRules) -> _Prepared:
    slices, localizers = without_localizers(slices_of(series))
    slices, chosen = chosen_slices(slices, rules.choose)
    forms = _forms(slices)
    stacks = chosen_stacks(sort_into_stacks(slices, lambda one, other: _is_copy(one, other, forms)), rules.choose)
    stacks = replace(
        stacks,
        labels=tuple({**chosen, **label} for label in stacks.labels),
        left_out=localizers + stacks.left_out,
    )
    if rules.gantry_tilt == "refuse":
        _refuse_tilt(stacks)
    ordered = tuple(item for volume in stacks.slices for item in volume)
    calibrations = calibrations_of(ordered)
    _refuse_mixed_units(ordered, calibrations)
    if rules.suv is not None:
        factors = suv_factors(ordered, calibrations)
        calibrations = [as_suv(found, factor) for found, factor in zip(calibrations, factors, strict=True)]
    return _Prepared(
        stacks=stacks,
        slices=ordered,
        forms=[forms[id(item.instance)] for item in ordered],
        calibrations=calibrations,
        thickness_gap=require_thickness(
            [item.header for item in ordered],
            float(stacks.geometry.gaps.mean()),
            maximum_gap=rules.maximum_gap,
            maximum_overlap=rules.maximum_overlap,
        ),
    )


def _forms(slices: Sequence[Slice]) -> dict[int, PixelFormat]:
    """The pixel format of each instance, by its id; worked out once for equal bytes of the Image Pixel module."""
    forms: dict[int, PixelFormat] = {}
    known: dict[object, PixelFormat] = {}
    module_of, syntax_of = remembered_bytes(_FORMAT_KEYWORDS), remembered_bytes(("TransferSyntaxUID",))
    for item in slices:
        instance = item.instance
        if id(instance) in forms:
            continue
        key = (module_of(instance.header), syntax_of(instance.file_meta))
        is_usual = None not in key and instance.pixel_data_offset is not None
        form = known.get(key) if is_usual else None
        if form is None:
            form = require_monochrome(instance, pixel_format(instance))
            if is_usual:
                known[key] = form
        forms[id(instance)] = form
    return forms


def _is_copy(one: Slice, other: Slice, forms: dict[int, PixelFormat]) -> bool:
    first, second = forms[id(one.instance)], forms[id(other.instance)]
    if first.dtype != second.dtype or calibration(one).transformation != calibration(other).transformation:
        return False
    return np.array_equal(read_stored_plane(one, first), read_stored_plane(other, second))


def _refuse_tilt(stacks: Stacks) -> None:
    tilt = tilt_degrees(stacks.geometry)
    if tilt > TILT_TOLERANCE_DEGREES:
        raise Refused(
            Reason.GANTRY_TILT,
            f"the slices are stacked at {tilt:.2f}° to their normal, {TILT_TOLERANCE_DEGREES}° are tolerated",
        )


def _refuse_mixed_units(slices: Sequence[Slice], calibrations: Sequence[Calibration]) -> None:
    found = {calibration.units: item for item, calibration in zip(slices, calibrations, strict=True)}
    if len(found) > 1:
        described = ", ".join(f"{units or 'none'} ({item.name})" for units, item in sorted(found.items()))
        raise Refused(Reason.MIXED_UNITS, f"the units of the slices' values are {described}")


def _read(prepared: _Prepared, rules: ReadingRules) -> tuple[Volume, ...]:
    geometry = prepared.stacks.geometry
    transformations = [found.transformation for found in prepared.calibrations]
    dtype = output_dtype(prepared.forms, transformations, rules.padding)
    whole = _allocated((len(prepared.stacks.slices), *geometry.shape), dtype)
    planes = whole.reshape(-1, *geometry.shape[1:])
    ranges = padding_ranges(prepared.slices, prepared.forms)
    requests = [
        PlaneRequest(item, form, transformation, out, padding)
        for item, form, transformation, out, padding in zip(
            prepared.slices, prepared.forms, transformations, planes, ranges, strict=True
        )
    ]
    read_planes(requests, rules.padding)
    padding = None
    if rules.padding is None and any(ends is not None for ends in ranges):
        padding = np.array(
            [
                (np.nan, np.nan) if ends is None else transformation.ends(*ends)
                for ends, transformation in zip(ranges, transformations, strict=True)
            ]
        )
    affine, is_resampled = geometry.affine, False
    if rules.gantry_tilt == "resample" and tilt_degrees(geometry) > TILT_TOLERANCE_DEGREES:
        whole = np.stack([resample_upright(volume, geometry) for volume in whole])
        affine, is_resampled = upright_grid(geometry)[0], True
    count = geometry.shape[0]
    return tuple(
        Volume(
            array=whole[index],
            affine=affine,
            frame_of_reference_uid=geometry.frame_of_reference_uid,
            slices=slices,
            units=prepared.calibrations[0].units,
            padding=None if padding is None else padding[index * count : (index + 1) * count],
            label=label,
            left_out=prepared.stacks.left_out,
            thickness_gap=prepared.thickness_gap,
            is_resampled=is_resampled,
        )
        for index, (slices, label) in enumerate(zip(prepared.stacks.slices, prepared.stacks.labels, strict=True))
    )


def _allocated(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    try:
        return np.empty(shape, dtype=dtype)
    # Rows and Columns of a damaged header; a real volume of this size could not be analysed here either.
    except (MemoryError, ValueError) as error:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT, f"{' x '.join(map(str, shape))} voxels of {dtype} do not fit in memory"
        ) from error
