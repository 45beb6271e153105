"""What a network of breast masses is trained on."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from apps.us_breast_lesion.masses import is_cut
from apps.us_breast_lesion.training.samples import EVERY_SCENE, Scene, simulate_samples
from phantoms.sonography import Lesion

SEEDS = range(40, 56)


def test_half_of_the_pictures_have_a_mass_whole_where_nothing_else_is_asked_for() -> None:
    samples = simulate_samples(SEEDS)
    assert [sample.kind for sample in samples[:4]] == [Lesion.NONE, Lesion.BENIGN, Lesion.NONE, Lesion.MALIGNANT]
    assert [bool(sample.mask.any()) for sample in samples] == [False, True] * 8
    assert all(label(sample.mask)[1] == 1 and not is_cut(sample.mask) for sample in samples[1::2])


def test_masses_are_cut_or_several_where_that_is_asked_for() -> None:
    cut, several = (simulate_samples(SEEDS, scenes=[scene])[1::2] for scene in (Scene.CUT, Scene.SEVERAL))
    assert sum(is_cut(sample.mask) for sample in cut) >= 7
    assert all(label(sample.mask)[1] == 1 for sample in cut)
    assert sum(label(sample.mask)[1] > 1 for sample in several) >= 7


def test_scenes_take_turns() -> None:
    mixed, cut = simulate_samples(SEEDS, scenes=EVERY_SCENE), simulate_samples(SEEDS, scenes=[Scene.CUT])
    same = [np.array_equal(one.image, other.image) for one, other in zip(mixed[1::2], cut[1::2], strict=True)]
    # A turn is of four pictures, two of them with a mass.
    assert same == [EVERY_SCENE[seed // 4 % 4] is Scene.CUT for seed in SEEDS[1::2]]


def test_filled_calipers_change_little_and_only_some_pictures() -> None:
    plain, marked = simulate_samples(SEEDS), simulate_samples(SEEDS, calipers=True)
    changed = [(one.image != other.image).mean() for one, other in zip(plain, marked, strict=True)]
    assert 0 < sum(share > 0 for share in changed) <= 8
    assert max(changed) < 0.01
    assert all((one.mask == other.mask).all() for one, other in zip(plain, marked, strict=True))
