"""The analysis that tests write results of, and the validator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from operators.provenance import Algorithm, Analysis
from tests.operators.write.validators import dciodvfy_problems


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
    """Fail if dciodvfy finds an error or a warning that is no false alarm."""

    def check(path: Path) -> None:
        assert dciodvfy_problems(path) == []

    return check
