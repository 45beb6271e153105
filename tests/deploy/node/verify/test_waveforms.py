"""Waveform objects of every SOP class pass, and the table knows every SOP class that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES
from deploy.node.verify.result_file import file_problems, read_result
from deploy.node.verify.structure import structure_problems
from deploy.node.verify.values import value_problems
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.waveforms.iods import WAVEFORM_IODS
from phantoms.waveforms import RECORDERS
from tests.operators.write.test_waveform import derived, recorded, write


@pytest.mark.parametrize("name", RECORDERS)
def test_every_waveform_passes(name: str, analysis: Analysis, tmp_path: Path) -> None:
    source = recorded(tmp_path, name)
    result = read_result(save(write(analysis, [source], derived(source)), tmp_path))
    checks = (file_problems(result), structure_problems(result.root), value_problems(result.root))
    assert [problem for check in checks for problem in check] == []


def test_every_waveform_that_is_written_is_known() -> None:
    assert set(map(str, WAVEFORM_IODS)) <= set(RESULT_SOP_CLASSES)
