from __future__ import annotations

import numpy as np

from phantoms.mr_brain.deformation import CENTRE, random_deformation


def _points() -> np.ndarray:
    axis = np.linspace(-60, 60, 13)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1) + CENTRE


def test_there_and_back_is_the_same_point() -> None:
    for seed in range(5):
        deformation = random_deformation(np.random.default_rng(seed))
        back = deformation.to_patient(deformation.to_template(_points()))
        assert np.abs(back - _points()).max() < 0.01


def test_nothing_folds() -> None:
    for seed in range(10):
        deformation = random_deformation(np.random.default_rng(seed))
        mapped = deformation.to_template(_points())
        jacobian = np.stack([np.gradient(mapped, 10.0, axis=axis) for axis in range(3)], axis=-1)
        assert np.linalg.det(jacobian).min() > 0


def test_heads_differ_in_size_and_shape() -> None:
    volumes = []
    for seed in range(10):
        mapped = random_deformation(np.random.default_rng(seed)).to_template(_points())
        jacobian = np.stack([np.gradient(mapped, 10.0, axis=axis) for axis in range(3)], axis=-1)
        volumes.append(np.linalg.det(jacobian).mean())
    assert np.std(volumes) > 0.02


def test_without_amount_it_is_the_identity() -> None:
    deformation = random_deformation(np.random.default_rng(0), amount=0.0)
    np.testing.assert_allclose(deformation.to_template(_points()), _points(), atol=1e-9)
