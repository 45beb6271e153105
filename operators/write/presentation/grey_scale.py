"""From stored values to grey: Modality LUT, VOI LUT and Presentation LUT of a presentation state (PS3.4 N.2).

A presentation state replaces all of them: what it does not say is not done, whatever the images say themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, text, values
from operators.read.geometry.slices import Slice
from operators.read.values.display import LINEAR, Window, is_inverted, values_of_interest
from operators.write.base.decimals import decimal


@dataclass(frozen=True)
class _Rescale:
    """Values in the modality's units are ``slope`` times the stored one, plus ``intercept``."""

    slope: float
    intercept: float
    type: str

    def stored(self, window: Window) -> Window:
        """Return a window over values as one over stored values, with the same result (C.11.2.1.2 and .3)."""
        if window.function == LINEAR:
            # LINEAR spreads center - 0.5 ± (width - 1) / 2.
            center, width = (
                (window.center - 0.5 - self.intercept) / self.slope + 0.5,
                (window.width - 1) / self.slope + 1,
            )
        else:
            center, width = (window.center - self.intercept) / self.slope, window.width / self.slope
        return Window(center, width, window.function, window.explanation)


@dataclass(frozen=True)
class GreyScale:
    """How the images of a state are shown.

    ``rescale`` holds for all of them, None where there is none; ``windows`` are those of the images in their order,
    None where an image is shown without one; ``inverted`` shows the least value white.
    """

    rescale: _Rescale | None
    windows: tuple[Window | None, ...]
    inverted: bool


def grey_scale(images: Sequence[Slice], window: Window | None) -> GreyScale:
    """Return how images are shown: by ``window``, in the modality's units, else each by the first that it offers.

    Where the images' rescaling differs, as in PET, a state can hold none; the windows are then ones of stored values.
    Raises :class:`ValueError` for lookup tables, which a state can hold for all images alike only, for some images
    inverted and others not, and for a window too narrow.
    """
    if window is not None and window.width < (1 if window.function == LINEAR else 1e-9):
        raise ValueError(f"a window of width {window.width} shows nothing")
    try:
        for image in images:
            _check_tables(image)
        rescales = [_rescale(image.header) for image in images]
        inverted = {is_inverted(image.header) for image in images}
        windows = [window or _offered(image) for image in images]
    except MalformedAttributeError as error:
        raise ValueError(f"an image cannot be shown: {error}") from error
    if len(inverted) > 1:
        raise ValueError("some images show the least value black, others white: they need a state each")
    if len(set(rescales)) == 1:
        return GreyScale(rescales[0], tuple(windows), inverted.pop())
    stored = [
        rescale.stored(shown) if shown is not None and rescale is not None else shown
        for rescale, shown in zip(rescales, windows, strict=True)
    ]
    return GreyScale(None, tuple(stored), inverted.pop())


def are_colour(images: Sequence[Slice]) -> bool:
    """Return whether all images are in colour; raises :class:`ValueError` where some are and others not."""
    kinds = {not str(image.header.get("PhotometricInterpretation")).startswith("MONOCHROME") for image in images}
    if len(kinds) > 1:
        raise ValueError("some images are in colour, others in grey: they need a state each")
    return kinds.pop()


def _check_tables(image: Slice) -> None:
    header = image.header
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        if values(header, keyword):
            raise ValueError(f"{image.name} has a {keyword}: it is not shown by a window")


def _rescale(header: Dataset) -> _Rescale | None:
    slope, intercept = numbers(header, "RescaleSlope", count=1), numbers(header, "RescaleIntercept", count=1)
    if not slope or not intercept:
        return None
    if not slope[0] > 0:
        raise MalformedAttributeError(f"RescaleSlope is {slope[0]}")
    return _Rescale(slope[0], intercept[0], text(header, "RescaleType") or "US")


def _offered(image: Slice) -> Window | None:
    syntax = image.instance.file_meta.TransferSyntaxUID
    offered = values_of_interest(image.header, syntax, is_signed=bool(image.header.get("PixelRepresentation")))
    return next((found for found in offered if isinstance(found, Window)), None)


def write_grey_scale(scale: GreyScale, state: Dataset) -> None:
    """Write the Modality LUT (C.11.1) and Softcopy Presentation LUT (C.11.6) modules."""
    if scale.rescale is not None:
        state.RescaleIntercept = decimal(scale.rescale.intercept)
        state.RescaleSlope = decimal(scale.rescale.slope)
        state.RescaleType = scale.rescale.type
    # The images' own Photometric Interpretation is not looked at (C.11.6.1.2): a state says what it does.
    state.PresentationLUTShape = "INVERSE" if scale.inverted else "IDENTITY"


def window_item(window: Window) -> Dataset:
    """Return an item of the Softcopy VOI LUT Sequence (C.11.8), without the images that it is for."""
    item = Dataset()
    item.WindowCenter = decimal(window.center)
    item.WindowWidth = decimal(window.width)
    if window.explanation:
        item.WindowCenterWidthExplanation = window.explanation
    if window.function != LINEAR:
        item.VOILUTFunction = window.function
    return item


def window_items(scale: GreyScale) -> list[tuple[Dataset, tuple[int, ...]]]:
    """Return an item for each different window, and the places of the images that it is for."""
    places: dict[Window, list[int]] = {}
    for index, window in enumerate(scale.windows):
        if window is not None:
            places.setdefault(window, []).append(index)
    return [(window_item(window), tuple(found)) for window, found in places.items()]
