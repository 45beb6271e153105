"""What an outlined mass rests on lies where the mass lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from apps.run import app_manifest, model_folder_of
from apps.us_breast_lesion.clips import Clip, Measured
from apps.us_breast_lesion.explanation import relevance, with_explanations
from apps.us_breast_lesion.masses import measure_mass
from apps.us_breast_lesion.model import Model, load_model
from operators.check.domain_shift import DOMAIN_GATE
from operators.check.frames import FrameVerdict, FrameVerdicts
from operators.check.gate import gate_passed
from operators.provenance import Analysis
from operators.read.frames import read_frames
from operators.read.study import read_study
from operators.read.ultrasound import tissue_frames
from operators.write.base.result import save
from phantoms.sonography import Lesion, simulate_breast, write_sonogram
from tests.operators.write.conftest import analysis  # noqa: F401 - a fixture
from tests.operators.write.test_explanation import NEWER_THAN_THE_VALIDATOR
from tests.peers import dciodvfy_errors


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(model_folder_of("us_breast_lesion"), torch.device("cpu"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Two frames of which the first has a mass, outlined as it truly lies."""
    folder = tmp_path_factory.mktemp("clip")
    pictures = [simulate_breast(kind, seed=40, shape=(160, 160), spacing=0.24) for kind in (Lesion.BENIGN, Lesion.NONE)]
    write_sonogram(pictures, folder, seed=1)
    (series,) = read_study(folder).series
    tissue = tissue_frames(read_frames(series.instances[0]))
    masks = np.stack([picture.mask for picture in pictures])
    mass = measure_mass(masks[0], np.ones(masks[0].shape, dtype=np.float32), tissue.spacing)
    verdicts = tuple(FrameVerdict(index, index + 1, 0.0) for index in range(2))
    judged = FrameVerdicts(tissue.frames.instance, verdicts, gate_passed(DOMAIN_GATE, "2 of 2 frames"))
    measured = (Measured(1, 0, mass, (0,)),)
    return Clip(tissue.frames.instance.name, tissue, judged, masks.astype(np.uint16), measured)


def test_decoding_the_features_is_the_network(model: Model) -> None:
    x = torch.rand(1, 1, model.pixels, model.pixels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model.network.decode(model.network.features(x)), model.network(x))


def test_the_mass_and_its_border_count_more_than_the_rest(model: Model, clip: Clip) -> None:
    seen = relevance(clip, model)
    top, left = clip.tissue.top, clip.tissue.left
    rows, columns = clip.labels.shape[1:]
    inside = seen[0, top : top + rows, left : left + columns]
    around = binary_dilation(clip.labels[0] > 0, iterations=6)
    assert np.nanmax(inside) <= 1
    assert inside[around].mean() > 2 * inside[~around].mean()
    assert np.isnan(seen[1]).all()
    assert np.isnan(seen[0, :top]).all()


def test_a_map_is_written_only_where_it_is_asked_for(
    model: Model,
    clip: Clip,
    analysis: Analysis,  # noqa: F811
    tmp_path: Path,
) -> None:
    manifest = app_manifest("us_breast_lesion")
    assert with_explanations({}, [clip], analysis, manifest, model, explain=False) == {}
    written = with_explanations({}, [clip], analysis, manifest, model, explain=True)
    assert list(written) == ["explanation"]
    assert set(dciodvfy_errors(save(written["explanation"], tmp_path))) == NEWER_THAN_THE_VALIDATOR
