"""When the frames of a clip were taken (PS3.3 sections C.7.6.5, C.7.6.6 and C.7.6.16.2.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import numbers, text

_DATE_TIME = re.compile(r"(\d{14})(\.\d{1,6})?")

# A frame's reference point in time stands for it better than the beginning of its acquisition.
_OF_EACH_FRAME = ("FrameReferenceDateTime", "FrameAcquisitionDateTime", "AcquisitionDateTime")


def frame_times(header: Dataset, frames: int, of_each_frame: Sequence[Dataset] = ()) -> NDArray[np.float64] | None:
    """Return the time of every frame of an instance in ms since its first; None where nothing tells.

    Sources in this order: date and time in the functional groups of each frame; Frame Time Vector (0018,1065) or Frame
    Time (0018,1063), the one that Frame Increment Pointer names first; Cine Rate (0018,0040) and Recommended Display
    Frame Rate (0008,2144), which is how fast to show them. A vector counts only with one value for each frame.

    Raises :class:`MalformedAttributeError`.
    """
    told = _told(of_each_frame) if len(of_each_frame) == frames else None
    if told is not None:
        return told
    if frames == 1:
        return np.zeros(1)
    increments = np.array(numbers(header, "FrameTimeVector"))
    period = numbers(header, "FrameTime", count=1)
    is_vector_meant = "1065" in (text(header, "FrameIncrementPointer") or "").upper() or not period
    if is_vector_meant and len(increments) == frames:
        # The first value is the increment of the first frame: 0 by the standard, and no time passes before it.
        increments[0] = 0.0
        return np.asarray(np.cumsum(increments))
    if period and period[0] > 0:
        return np.arange(frames, dtype=np.float64) * np.float64(period[0])
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate = numbers(header, keyword, count=1)
        if rate and rate[0] > 0:
            return np.arange(frames, dtype=np.float64) * np.float64(1000.0 / rate[0])
    return None


def _told(headers: Sequence[Dataset]) -> NDArray[np.float64] | None:
    for keyword in _OF_EACH_FRAME:
        matches = [_DATE_TIME.match(text(header, keyword) or "") for header in headers]
        found = [match for match in matches if match]
        if len(found) == len(headers) and len(found) > 1:
            moments = [datetime.strptime(match[1], "%Y%m%d%H%M%S") for match in found]
            fractions = [1000.0 * float(match[2] or 0) for match in found]
            times = [
                (moment - moments[0]).total_seconds() * 1000.0 + fraction - fractions[0]
                for moment, fraction in zip(moments, fractions, strict=True)
            ]
            # The same moment for every frame is that of the whole acquisition.
            if len(set(times)) > 1:
                return np.array(times)
    return None
