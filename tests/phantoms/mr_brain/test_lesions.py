from __future__ import annotations

import numpy as np
import pytest

from phantoms.mr_brain import Lesion
from phantoms.mr_brain.analytic import analytic_head
from phantoms.mr_brain.contrast import CONTRAST, signal_map
from phantoms.mr_brain.deformation import random_deformation
from phantoms.mr_brain.grids import PROTOCOLS, Grid, axial_affine
from phantoms.mr_brain.lesions import LesionLayer, draw_lesions, lesion_layer

UNDEFORMED = random_deformation(np.random.default_rng(0), amount=0.0)
# White matter with nothing else within 15 mm, in the template's LPS mm.
IN_WHITE_MATTER = np.array([38.0, 10.0, 30.0])
VOXEL = (3.0, 0.98, 1.1)


def _layer(lesions: list[Lesion], shape: tuple[int, int, int] = (16, 60, 60)) -> LesionLayer:
    head = analytic_head()
    affine = axial_affine(Grid(shape, VOXEL, 3), IN_WHITE_MATTER, 10.0)
    signal = signal_map(head, "FLAIR", CONTRAST)
    return lesion_layer(lesions, "FLAIR", "white", head, signal, 1.0, UNDEFORMED, affine, shape)


# Bounds for the volume of a sphere by the 50 % rule on 3 x 0.98 x 1.1 mm voxels.
@pytest.mark.parametrize(("radius", "bound"), [(8.0, 0.03), (6.0, 0.10), (4.0, 0.15), (3.0, 0.40), (2.0, 0.45)])
def test_volume_of_the_voxelised_sphere(radius: float, bound: float) -> None:
    random = np.random.default_rng(7)
    for _ in range(25):
        centre = IN_WHITE_MATTER + random.uniform(-1.5, 1.5, 3)
        layer = _layer([Lesion(tuple(centre), radius)])
        volume = (layer.occupancy >= 0.5).sum() * np.prod(VOXEL)
        assert volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=bound)


def test_occupancy_adds_up_to_the_ellipsoid() -> None:
    layer = _layer([Lesion(tuple(IN_WHITE_MATTER), 5.0, stretch=(1.2, 1.5, 0.8))])
    expected = 4 / 3 * np.pi * 5**3 * 1.2 * 1.5 * 0.8
    assert layer.occupancy.sum() * np.prod(VOXEL) == pytest.approx(expected, rel=0.01)


def test_overlapping_lesions_count_once() -> None:
    lesion = Lesion(tuple(IN_WHITE_MATTER), 5.0)
    np.testing.assert_array_equal(_layer([lesion, lesion]).occupancy, _layer([lesion]).occupancy)


def test_signal_follows_the_occupancy() -> None:
    layer = _layer([Lesion(tuple(IN_WHITE_MATTER), 5.0, flair=0.95)])
    np.testing.assert_allclose(layer.signal_change, layer.occupancy * (0.95 - CONTRAST["FLAIR"]["white"]), atol=2e-3)


def test_a_confined_lesion_stays_out_of_the_ventricle() -> None:
    wall = (22.0, 8.0, 12.0)
    free, confined = (_layer([Lesion(wall, 6.0, confined=value)], (60, 100, 100)) for value in (False, True))
    # The wall of the ventricle cuts the sphere roughly in half.
    assert 0.4 < confined.occupancy.sum() / free.occupancy.sum() < 0.7


def test_a_lesion_outside_the_grid_is_not_seen() -> None:
    assert len(_layer([Lesion((500.0, 0.0, 0.0), 5.0)]).voxels) == 0
    assert len(_layer([]).voxels) == 0


def test_loads_are_skewed_and_some_heads_have_none() -> None:
    head = analytic_head()
    loads = []
    for seed in range(150):
        lesions = draw_lesions(np.random.default_rng(seed), head, UNDEFORMED, PROTOCOLS["full"].lesion_radii)
        loads.append(
            float(sum(4 / 3 * np.pi * lesion.radius**3 * np.prod(lesion.stretch) / 1000 for lesion in lesions))
        )
        assert all(1.0 <= lesion.radius <= 8.0 for lesion in lesions)
    assert 3 <= loads.count(0) <= 30
    assert np.mean(loads) > 1.2 * np.median(loads)
    assert max(loads) > 25
