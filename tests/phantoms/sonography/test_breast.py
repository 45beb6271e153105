from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt, label

from phantoms.sonography import (
    OTHER_SCANNER,
    Edge,
    Lesion,
    SimulatedSonogram,
    cut_through,
    simulate_breast,
    simulate_breast_clip,
    simulate_joint,
)


@pytest.fixture(scope="module")
def lesions() -> dict[Lesion, list[SimulatedSonogram]]:
    return {
        kind: [simulate_breast(kind, seed=seed, spacing=0.2, shape=(192, 192)) for seed in range(6)] for kind in Lesion
    }


def test_the_same_seed_gives_the_same_picture(lesions: dict[Lesion, list[SimulatedSonogram]]) -> None:
    first = lesions[Lesion.BENIGN][2]
    again = simulate_breast(Lesion.BENIGN, seed=2, spacing=0.2, shape=(192, 192))
    assert (again.image == first.image).all()
    assert (again.mask == first.mask).all()


def test_lesions_are_dark_and_of_a_size_that_is_met(lesions: dict[Lesion, list[SimulatedSonogram]]) -> None:
    assert not any(picture.mask.any() for picture in lesions[Lesion.NONE])
    for kind in (Lesion.BENIGN, Lesion.MALIGNANT):
        for picture in lesions[kind]:
            area = picture.mask.sum() * 0.2**2
            assert 10 < area < 600
            inside = binary_erosion(picture.mask, iterations=2)
            around = binary_dilation(picture.mask, iterations=12) & ~binary_dilation(picture.mask, iterations=4)
            assert picture.image[inside].mean() < picture.image[around].mean() - 15


def test_benign_masses_are_smooth_and_enhance_malignant_ones_are_rough_and_shadow(
    lesions: dict[Lesion, list[SimulatedSonogram]],
) -> None:
    def behind(picture: SimulatedSonogram) -> float:
        """Brightness below the mass relative to that at the same depth beside it."""
        bottom = int(np.argwhere(picture.mask)[:, 0].max())
        columns = picture.mask.sum(axis=0) > 0.6 * picture.mask.sum(axis=0).max()
        rows = picture.image[bottom + 10 :].astype(float)
        beside = ~binary_dilation(picture.mask.any(axis=0), iterations=10)
        return float(rows[:, columns].mean() - rows[:, beside].mean())

    def roughness(picture: SimulatedSonogram) -> float:
        mask = picture.mask
        return float((mask & ~binary_erosion(mask)).sum() / np.sqrt(mask.sum()))

    benign, malignant = lesions[Lesion.BENIGN], lesions[Lesion.MALIGNANT]
    assert np.mean([behind(each) for each in malignant]) < np.mean([behind(each) for each in benign]) - 20
    assert np.mean([roughness(each) for each in malignant]) > np.mean([roughness(each) for each in benign])


def test_speckle_is_rayleigh() -> None:
    # Of the envelope of many scatterers, mean by standard deviation is 1.91 (Wagner et al. 1983).
    picture = simulate_breast(Lesion.NONE, seed=1)
    patch = 10 ** ((picture.image[70:110, 20:236].astype(float) / 255) * 60 / 20)
    ratios = [
        piece.mean() / piece.std() for rows in np.array_split(patch, 4) for piece in np.array_split(rows, 12, axis=1)
    ]
    assert np.median(ratios) == pytest.approx(1.91, abs=0.25)


def test_a_clip_shows_the_largest_section_where_the_plane_is_in_the_middle() -> None:
    clip = simulate_breast_clip(Lesion.BENIGN, seed=3, frames=8, shape=(160, 160), spacing=0.24)
    areas = [int(picture.mask.sum()) for picture in clip]
    assert areas[0] == 0
    # From -1.2 to 0.9 in eight planes: the fifth is at 0.
    assert int(np.argmax(areas)) == 4
    whole = simulate_breast(Lesion.BENIGN, seed=3, shape=(160, 160), spacing=0.24)
    assert areas[4] == whole.mask.sum()


def test_another_scanner_shows_the_same_anatomy_otherwise() -> None:
    reference = simulate_breast(Lesion.BENIGN, seed=4)
    other = simulate_breast(Lesion.BENIGN, seed=4, scanner=OTHER_SCANNER)
    assert (reference.mask == other.mask).all()
    assert abs(reference.image.astype(float) - other.image).mean() > 10


def test_fluid_in_a_joint_is_dark_and_above_the_bone() -> None:
    wet, dry = simulate_joint(effusion=True, seed=2), simulate_joint(effusion=False, seed=2)
    assert not dry.mask.any()
    assert wet.mask.sum() * 0.07**2 > 1
    above = binary_dilation(wet.mask, iterations=40) & ~binary_dilation(wet.mask, iterations=8)
    above[np.argwhere(wet.mask)[:, 0].min() :] = False
    assert wet.image[binary_erosion(wet.mask, iterations=3)].mean() < wet.image[above].mean() - 40
    columns = np.flatnonzero(wet.mask.sum(axis=0) > 3)
    below = [wet.image[wet.mask[:, column].nonzero()[0].max() :][:6, column].max() for column in columns]
    # Under the fluid lies the bone's bright surface.
    assert np.median(below) > 180


EDGES: tuple[Edge, ...] = get_args(Edge)


def edges_touched(mask: NDArray[np.bool_]) -> set[str]:
    sides = {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
    return {name for name, side in sides.items() if side.any()}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("kind", [Lesion.BENIGN, Lesion.MALIGNANT])
def test_a_mass_lies_across_the_edge_that_is_asked_for(kind: Lesion, edge: Edge) -> None:
    for seed in range(3):
        cut = simulate_breast(kind, seed=seed, shape=(160, 160), spacing=0.24, edge=edge)
        assert edge in edges_touched(cut.mask)
        assert cut.mask.any()
        assert cut.image[cut.mask].mean() < cut.image[~cut.mask].mean()


def test_several_masses_lie_apart_and_the_first_is_the_one_that_lies_there_alone() -> None:
    alone = simulate_breast(Lesion.BENIGN, seed=24, shape=(192, 192), spacing=0.2)
    several = simulate_breast(Lesion.BENIGN, seed=24, shape=(192, 192), spacing=0.2, masses=3)
    numbered, count = label(several.mask)
    assert count == 3
    assert (several.mask & alone.mask).sum() == alone.mask.sum()
    for number in range(1, count + 1):
        others = several.mask & (numbered != number)
        distances = distance_transform_edt(~others, sampling=several.spacing)
        assert distances[numbered == number].min() >= 2.4


@pytest.mark.parametrize("edge", EDGES)
def test_a_window_ends_within_the_mass(edge: Edge) -> None:
    whole = simulate_breast(Lesion.MALIGNANT, seed=3, shape=(160, 200), spacing=0.2)
    cut = cut_through(whole, edge, seed=1)
    assert edges_touched(cut.mask) == {edge}
    assert 0 < cut.mask.sum() < whole.mask.sum()
    assert min(cut.image.shape) >= 96
    inside = np.s_[-cut.image.shape[0] :] if edge == "top" else np.s_[: cut.image.shape[0]]
    beside = np.s_[-cut.image.shape[1] :] if edge == "left" else np.s_[: cut.image.shape[1]]
    assert (cut.image == whole.image[inside, beside]).all()


def test_a_window_of_a_picture_without_a_mass_is_smaller() -> None:
    whole = simulate_breast(Lesion.NONE, seed=3, shape=(160, 200), spacing=0.2)
    cut = cut_through(whole, "bottom", seed=1)
    assert cut.image.shape[1] == 200
    assert 96 <= cut.image.shape[0] <= 160
    assert not cut.mask.any()
