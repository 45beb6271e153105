"""Names in every script, from the files of a study to its results, as pydicom and DCMTK read them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from operators.measure.measurement import Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.read.expression import compile_condition
from operators.read.study import Study, read_study
from operators.read.variables import SeriesVariables
from operators.read.volume import read_volume
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.segmentation import write_segmentation
from tests.fuzz.instances import CHARACTER_SETS
from tests.operators.read.slices import ramp, write_series
from tests.operators.write.conftest import analysis as analysis
from tests.operators.write.studies import LESION, LESIONS, REPORT, WHITE_MATTER, segment

DCMDUMP, DSRDUMP = Path("/usr/bin/dcmdump"), Path("/usr/bin/dsrdump")


@pytest.fixture(params=CHARACTER_SETS)
def script(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(script: str, folder: Path) -> Study:
    specific, name, description = CHARACTER_SETS[script]
    attributes: dict[str, Any] = {
        "SpecificCharacterSet": specific,
        "PatientName": name,
        "ReferringPhysicianName": name,
        "StudyDescription": description,
        "SeriesDescription": description,
    }
    write_series(folder, ramp("u2"), **attributes)
    return read_study(folder)


def results(study: Study, analysis: Analysis, folder: Path, title: str) -> dict[str, Path]:
    """A Segmentation and a report on it; a title beyond the source's character set has them written in Unicode."""
    volume = read_volume(study.series[0])
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[1, 2:4, 3] = 1
    lesions = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, title)], analysis)
    measurement = Measurement(codes.SCT.Volume, 2 * volume.voxel_volume, codes.UCUM.CubicMillimeter)
    group = MeasurementGroup(
        title, LESION, (measurement,), finding_site=WHITE_MATTER, segment=SegmentReference("lesions", 1)
    )
    report = write_measurement_report(
        "report", REPORT, study, [group], {"lesions": lesions}, [study.series[0]], analysis
    )
    folder.mkdir()
    return {"lesions": save(lesions, folder), "report": save(report, folder)}


def test_names_are_read_as_they_were_written(script: str, tmp_path: Path) -> None:
    study = written(script, tmp_path)
    _, name, description = CHARACTER_SETS[script]
    assert str(study.header.PatientName) == name
    assert study.series[0].description == f"4 {description}"
    condition = compile_condition(f'SeriesDescription == "{description}" && PatientName == "{name}"')
    assert condition.truth(SeriesVariables(study.series[0])) is True


@pytest.mark.parametrize("title", ["Lesions", "白質病変 Очаги"])
def test_names_survive_to_the_results(script: str, tmp_path: Path, analysis: Analysis, title: str) -> None:
    study = written(script, tmp_path / "source")
    _, name, description = CHARACTER_SETS[script]
    for path in results(study, analysis, tmp_path / "results", title).values():
        result = dcmread(path)
        assert str(result.PatientName) == name
        assert str(result.ReferringPhysicianName) == name
        assert result.StudyDescription == description
        source = dcmread(study.instances[0].path)
        if result.get("SpecificCharacterSet") == source.get("SpecificCharacterSet"):
            # The archive knows the study under these bytes.
            assert dcmread(path).get_item("PatientName").value == source.get_item("PatientName").value
        else:
            assert title != "Lesions"
            assert result.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.peer
@pytest.mark.skipif(not DCMDUMP.exists(), reason="DCMTK is not installed")
@pytest.mark.parametrize("title", ["Lesions", "白質病変 Очаги"])
def test_dcmtk_reads_the_same_names(script: str, tmp_path: Path, analysis: Analysis, title: str) -> None:
    study = written(script, tmp_path / "source")
    _, name, description = CHARACTER_SETS[script]
    paths = results(study, analysis, tmp_path / "results", title)
    # Debian's DCMTK cannot convert JIS X 0208: its bytes are compared.
    convert = [] if script in ("japanese", "katakana") else ["+U8"]
    for path in paths.values():
        dumped = subprocess.run([DCMDUMP, "-q", *convert, "+L", path], capture_output=True, check=True).stdout
        if convert:
            assert re.findall(r"\(0010,0010\) PN \[(.*?)\] *#", dumped.decode()) == [name]
            assert re.findall(r"\(0008,1030\) LO \[(.*?)\] *#", dumped.decode()) == [description]
            assert title in dumped.decode()
        else:
            source = dcmread(study.instances[0].path).get_item("PatientName").value
            assert re.findall(rb"\(0010,0010\) PN \[(.*?)\] *#", dumped, re.DOTALL) == [source.rstrip(b" ")]
    shown = subprocess.run([DSRDUMP, "-q", *convert, paths["report"]], capture_output=True, check=True).stdout
    assert not convert or title in shown.decode()
