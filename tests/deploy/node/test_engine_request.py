"""What the engine hands an app beside its input: what its results replace, and where earlier studies lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from deploy.node.engines.local import LocalEngine
from operators.outcome import Outcome
from operators.provenance import ReplacedResult

REPLACED = ReplacedResult("report", "1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2")


def echo(
    app: str,
    input_folder: Path,
    output_folder: Path,
    *,
    device: str,
    settings: Mapping[str, object],
    started: datetime,
    replaces: Sequence[ReplacedResult],
    priors_folder: Path | None,
) -> Outcome:
    """Say what was given."""
    priors = sorted(path.name for path in priors_folder.iterdir()) if priors_folder is not None else None
    return Outcome(app=app, version="", input_digest="", status="analysed", summary=f"{replaces} {priors}")


def test_an_app_is_told_what_it_replaces_and_where_the_earlier_studies_are(tmp_path: Path) -> None:
    (tmp_path / "priors" / "1.2").mkdir(parents=True)
    engine = LocalEngine(tmp_path / "logs", target=f"{__name__}:echo")

    def run(replaces: Sequence[ReplacedResult], priors_folder: Path | None) -> str:
        return engine.run(
            "tiny",
            tmp_path,
            tmp_path,
            device="cpu",
            settings={},
            started=datetime.now(timezone.utc),
            timeout=60,
            replaces=replaces,
            priors_folder=priors_folder,
        ).summary

    try:
        assert run((REPLACED,), tmp_path / "priors") == f"{(REPLACED,)} ['1.2']"
        assert run((), None) == "() None"
    finally:
        engine.close()
