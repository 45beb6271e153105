"""dicom3tools' `dciodvfy`, and the one list of what it says although the object is right.

Debian's package is of June 2022: it does not know what has entered the standard since.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.peers import dcmtk, tool


@dataclass(frozen=True)
class FalseAlarm:
    """A line of `dciodvfy`, as a regular expression, that is none of ours; ``reason`` names the standard's section."""

    line: str
    reason: str


FALSE_ALARMS = (
    FalseAlarm(
        r"Attribute is not present in standard DICOM IOD - \(0x0018,0x1002\) UI Device UID",
        "PS3.3 C.12.1, table C.12-1: Device UID in an item of Contributing Equipment, newer than the validator; "
        "IHE AIR volume 3, 6.5.3.1 requires it",
    ),
    FalseAlarm(
        r"Dicom dataset contains attributes not present in standard DICOM IOD - this is a Standard Extended SOP Class",
        "PS3.2 section 3.11.3: said after each attribute that the validator does not know, never alone",
    ),
    FalseAlarm(
        r"Unrecognized defined term <99GANTRY>",
        "PS3.3 8.2: a designator that begins with 99 is private; it is described in the Coding Scheme Identification "
        "Sequence (C.12.1.1.6)",
    ),
    FalseAlarm(
        r"Missing attribute or value that would be needed to build DICOMDIR",
        "PS3.3 F.5: concerns media only; empty in the source (type 2), and not ours to invent",
    ),
    FalseAlarm(
        r"is only permitted to be empty when actually unknown",
        "PS3.3 C.7.3.1: Laterality is type 2C, and the side of a paired body part is not known where the source does "
        "not tell",
    ),
    FalseAlarm(
        r"Unrecognized defined term <QUANTITY> for value 4 of attribute <(Image|Frame) Type>",
        "PS3.3 C.8.16.1.4: a Defined Term of Derived Pixel Contrast that the validator's table lacks",
    ),
    FalseAlarm(
        r"Unrecognized enumerated value <CLOSEDPLANAR_XOR> for value 1 of attribute <Contour Geometric Type>",
        "PS3.3 C.8.8.6.3: the XOR technique for inner contours, newer than the validator",
    ),
    FalseAlarm(
        r"Error - Information Object Not found$",
        "PS3.4 table B.5-1: Label Map Segmentation Storage (supplement 243), Simplified Adult Echo SR and Waveform "
        "Annotation SR Storage, which the validator does not know and so does not check; the tests show it the two "
        "reports as Comprehensive SR, too",
    ),
    FalseAlarm(
        r"Attribute is not present in standard DICOM IOD - \(0x0040,0xa13[028]\)",
        "PS3.3 C.18.7: Temporal Range Type with sample positions or time offsets, of a TCOORD item, which table C.17-5 "
        "includes and the validator's SR Document Content module lacks",
    ),
    FalseAlarm(
        r"SegmentNumber not monotonically increasing from one by one .* SegmentNumber of 0$",
        "PS3.3 C.8.20.2.3: the background of a label map is described, too, by the value of its pixels, 0",
    ),
    FalseAlarm(
        r"Attribute is not present in standard DICOM IOD - "
        r"(\(0x0062,0x000d\) US Recommended Display|\(0x0066,0x000c\) FL Recommended Presentation Opacity)",
        "PS3.3 C.35.1, Manufacturing 3D Model: how a model is to be shown, newer than the validator",
    ),
    FalseAlarm(
        r"Only valid for AnnotationCoordinateType of 3D - attribute <CommonZCoordinateValue> = <>",
        "PS3.3 C.37.1, Microscopy Bulk Simple Annotations: said of every object of 2D coordinates, where the attribute "
        "is absent as it has to be",
    ),
)
"""Every warning or error that is expected, each with the section by which the object is right."""


def dciodvfy_problems(path: Path) -> list[str]:
    """Return the errors and warnings of `dciodvfy` that are no false alarm; skips the test where it is absent.

    It reads no deflated data set: DCMTK inflates these before.
    """
    if read_file_meta_info(path).TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        inflated = path.with_suffix(".inflated.dcm")
        subprocess.run([dcmtk("dcmconv"), "+te", str(path), str(inflated)], check=True)
        path = inflated
    done = subprocess.run(
        [tool("dciodvfy"), str(path)], capture_output=True, text=True, errors="replace", check=False, timeout=120
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Error", "Warning"))]
    # Where the file cannot be read at all there is no line with "Error", but the exit status tells.
    if done.returncode and not any(line.startswith("Error") for line in lines):
        return [f"exit status {done.returncode}", *(done.stdout + done.stderr).splitlines()[-3:]]
    return [line for line in lines if not _false_alarms().search(line)]


@lru_cache(maxsize=1)
def _false_alarms() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{alarm.line})" for alarm in FALSE_ALARMS))
