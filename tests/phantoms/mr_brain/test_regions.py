from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from phantoms.mr_brain.regions import DEFAULT_TABLE, label_white_matter, load_region_table


def test_table_has_17_names_on_both_sides_odd_left_even_right() -> None:
    regions = load_region_table().regions
    assert [region.label for region in regions] == list(range(1, 35))
    assert {region.side for region in regions if region.label % 2 == 1} == {"left"}
    assert {region.side for region in regions if region.label % 2 == 0} == {"right"}
    assert len({region.name for region in regions}) == 17
    assert [region.name for region in regions[0::2]] == [region.name for region in regions[1::2]]


def test_patient_left_is_positive_x() -> None:
    regions = load_region_table().regions
    assert all((region.seeds[:, 0] >= 0).all() for region in regions if region.side == "left")
    assert all((region.seeds[:, 0] <= 0).all() for region in regions if region.side == "right")


def test_label_is_the_nearest_seed_less_its_reach_on_the_own_side() -> None:
    table = load_region_table()
    random = np.random.default_rng(0)
    points = random.uniform((-70, -80, -40), (70, 100, 70), (300, 3))
    expected = []
    for point in points:
        side = "left" if point[0] >= 0 else "right"
        rivals = [(region.label, region.seeds) for region in table.regions if region.side == side]
        excluded = table.excluded[np.sign(table.excluded[:, 0]) == (1 if side == "left" else -1)]
        rivals.append((0, excluded))
        distances = [
            (np.min(np.linalg.norm(seeds[:, :3] - point, axis=1) - seeds[:, 3]), label) for label, seeds in rivals
        ]
        expected.append(min(distances)[1])
    assert label_white_matter(points, table).tolist() == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda regions: regions[0]["labels"].update(left=35), "without a gap"),
        (lambda regions: regions[0]["labels"].pop("left"), "exactly the labels"),
        (lambda regions: regions[0].update(name=regions[1]["name"]), "repeats"),
        (lambda regions: regions[0].update(seeds=[[1, 2, 3]]), "must be"),
        (lambda regions: regions[0].update(seeds=[[-1, 2, 3, 0]]), "must be"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, change: object, message: str) -> None:
    content = yaml.safe_load(DEFAULT_TABLE.read_text(encoding="utf-8"))
    assert callable(change)
    change(content["regions"])
    path = tmp_path / "regions.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_region_table(path)
