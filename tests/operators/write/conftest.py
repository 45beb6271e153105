"""The analysis that tests write results of, and the validator."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from operators.provenance import Algorithm, Analysis


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    algorithm = Algorithm(
        name="mr_white_matter_lesions",
        title="White matter lesions by region",
        version="0.1.0",
        model_digest="ab" * 32,
        family=codes.DCM.ArtificialIntelligence,
    )
    started = datetime(2023, 7, 14, 11, 5, 6, 789000, tzinfo=timezone(timedelta(hours=2)))
    return Analysis(algorithm, "cd" * 32, started, {"configuration": "C", "registration": "by geometry"})


@pytest.fixture(scope="session")
def validate() -> Callable[[Path], None]:
    """Fail if dciodvfy finds an error, or a warning that is not explained here."""
    explained = (
        # Entered the Contributing Equipment item after the Debian package's edition of PS3.3; IHE AIR asks for it.
        "Attribute is not present in standard DICOM IOD - (0x0018,0x1002) UI Device UID",
        "Standard Extended SOP Class",
        # Private, as the designator says, and described in the Coding Scheme Identification Sequence.
        "Unrecognized defined term <99GANTRY>",
        # Empty in the source, which is not ours to invent.
        "needed to build DICOMDIR",
        # The side of a paired body part is not known; Laterality is type 2C.
        "is only permitted to be empty when actually unknown",
    )

    validator = Path("/usr/bin/dciodvfy")
    if not validator.exists():
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")

    def check(path: Path) -> None:
        done = subprocess.run([str(validator), str(path)], capture_output=True, text=True, check=False)
        lines = (done.stdout + done.stderr).splitlines()
        bad = [
            line
            for line in lines
            if line.startswith(("Error", "Warning")) and not any(word in line for word in explained)
        ]
        assert not bad, "\n".join(bad)

    return check
